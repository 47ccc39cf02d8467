"""Values as people read them."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

from contracts.texts import word_of
from contracts.texts.figures import percent, whole

YEARS = ("year", "calendar_year", "academic_year")
"""Columns of a year, which is a number by name: it has no thousands."""


def local_time(moment: dt.datetime, local: ZoneInfo) -> str:
    """Day and minute by the clocks of `local`."""
    return f"{moment.astimezone(local):%d.%m.%Y %H:%M}"


def cell(name: str, value: object, local: ZoneInfo) -> str:
    """A value of a mart in Russian: rates as percents, codes in words, moments by the clocks of `local`."""
    if value is None:
        return "—"
    if isinstance(value, bool):
        return "да" if value else "нет"
    if isinstance(value, dt.datetime):
        return local_time(value, local)
    if isinstance(value, dt.date):
        return f"{value:%d.%m.%Y}"
    if (told := word_of(name, str(value))) != str(value):
        return told
    if isinstance(value, int) and name in YEARS:
        return str(value)
    if isinstance(value, int | float):
        return percent(value) if name.endswith("_rate") or name == "completeness" else whole(value)
    return str(value)
