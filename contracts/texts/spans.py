"""For which span something is sent, in Russian words: what comes after «за»."""

from __future__ import annotations

import datetime as dt

MONTHS = (
    "январь", "февраль", "март", "апрель", "май", "июнь", "июль", "август", "сентябрь", "октябрь", "ноябрь", "декабрь",
)  # fmt: skip


def slot(every: str, since: dt.date) -> str:
    """A month or an academic year by its first day as a slice names it: 2023-09, 2023; of all else the day."""
    return since.isoformat()[: {"month": 7, "academic_year": 4}.get(every)]


def span_words(every: str, since: dt.date) -> str:
    """A month or an academic year by its first day, «сентябрь 2023», «2023/2024 учебный год»; of all else the day."""
    if every == "month":
        return f"{MONTHS[since.month - 1]} {since.year}"
    if every == "academic_year":
        return f"{since.year}/{since.year + 1} учебный год"
    return f"{since:%d.%m.%Y}"
