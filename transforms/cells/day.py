"""Dates as people write them: in figures of either order, with the month in words, as the serial number of Excel."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterable

from contracts.form import Column
from contracts.vocabulary import rows
from transforms.cells.cell_value import NOTHING, UNREAD, Meaning, doubtful, is_nothing, plain

MONTHS = {row["word"]: int(row["month"]) for row in rows("months")}
FIRST_YEAR, LAST_YEAR = 1900, 2200
LATEST_OF_TWO_DIGITS = 30
FIRST_MONTH = 9
"""Of an academic year."""
EARLIEST_SERIAL, LATEST_SERIAL = 20_000, 60_000
FIRST_DAY = dt.date(1899, 12, 30)
TIME = r"(?:[t ] ?\d{1,2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?"
DAY_FIRST = re.compile(rf"(\d{{1,2}})([./, -])(\d{{1,2}})([./, -])(\d{{4}}|\d{{2}}){TIME}")
YEAR_FIRST = re.compile(rf"(\d{{4}})([./-])(\d{{1,2}})\2(\d{{1,2}}){TIME}")
MONTH_IN_WORDS = re.compile(rf"(\d{{1,2}})[ .-]*([а-яa-z]+)[ .,-]*(\d{{4}}|\d{{2}}){TIME}")
WORDS_ALONE = re.compile(r"(\d{1,2})[ .-]*([а-яa-z]+)")
FIGURES_ALONE = re.compile(r"(\d{1,2})\.(\d{2})")
"""A day without a year. «14.1» is none: a number cell makes it of «14.10»."""
SERIAL = re.compile(r"(\d{5})(?:\.\d+)?")
AROUND = re.compile(r"^от |[«»\"“”„]|(?:(?<=\d) ?(?:года?|г)\.?|\.)$")


def date(text: str, _: Column) -> Meaning:
    """A date; «09/08/2023» is the ninth of August or the eighth of September, and so a doubt."""
    body = plain(text)
    if is_nothing(body):
        return NOTHING
    body = AROUND.sub("", body).strip()
    if match := SERIAL.fullmatch(body):
        serial = int(match[1])
        within = EARLIEST_SERIAL <= serial <= LATEST_SERIAL
        return Meaning(FIRST_DAY + dt.timedelta(days=serial)) if within else UNREAD
    days = list(dict.fromkeys(day for parts in _orders(body) if (day := real_day(*parts))))
    if len(days) > 1:
        return doubtful(*(f"{day:%d.%m.%Y}" for day in days))
    return Meaning(days[0]) if days else UNREAD


def day_of_year(text: str, academic_year: int) -> dt.date | None:
    """The day of an academic year (its first calendar year) that a text without a year names; else None."""
    body = AROUND.sub("", plain(text)).strip()
    if match := WORDS_ALONE.fullmatch(body):
        month = MONTHS.get(match[2])
    else:
        match = FIGURES_ALONE.fullmatch(body)
        month = int(match[2]) if match else None
    if match is None or month is None:
        return None
    return real_day(academic_year + (month < FIRST_MONTH), month, int(match[1]))


def _orders(body: str) -> Iterable[tuple[int, int, int]]:
    """Year, month and day in every order in which a plain text may have them."""
    if match := MONTH_IN_WORDS.fullmatch(body):
        month = MONTHS.get(match[2])
        return [(year, month, int(match[1])) for year in _years(match[3])] if month else []
    tight = re.sub(r" ?([./,]) ?", r"\1", body)
    if match := YEAR_FIRST.fullmatch(tight):
        return [(int(match[1]), int(match[3]), int(match[4]))]
    match = DAY_FIRST.fullmatch(tight)
    if match is None or (match[2] != match[4] and {match[2], match[4]} != {".", ","}):
        return []
    first, second = int(match[1]), int(match[3])
    ways = [(year, second, first) for year in _years(match[5])]
    if match[2] == "/":
        ways += [(year, first, second) for year in _years(match[5])]
    if match[2] == "-" and len(match[5]) == 2:
        ways += [(year, second, int(match[5])) for year in _years(match[1])]
    return ways


def _years(text: str) -> list[int]:
    """The years that four or two digits may mean: «23» is 2023, «85» is 1985 or 2085."""
    year = int(text)
    if len(text) == 4:
        return [year]
    return [2000 + year] if year < LATEST_OF_TWO_DIGITS else [1900 + year, 2000 + year]


def real_day(year: int, month: int, day: int) -> dt.date | None:
    """The day of three numbers; None when the calendar has none, or the year is none that a form speaks of."""
    try:
        return dt.date(year, month, day) if FIRST_YEAR <= year <= LAST_YEAR else None
    except ValueError:
        return None
