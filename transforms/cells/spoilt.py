"""What a spreadsheet makes of what was typed: «6-11» and «12/1» become days, «34» a time, long codes powers of ten."""

from __future__ import annotations

import re

from contracts.form import Column
from contracts.rules import SPOILT, SPOILT_TEXT
from transforms.cells.cell_value import Meaning, plain
from transforms.cells.day import FIRST_DAY, MONTHS, real_day

MONTH = "|".join(sorted(MONTHS, key=len, reverse=True))
DAY = r"(?P<year>\d{4})-(?P<month>\d{2})-(?P<day>\d{2})(?:[t ]\d{2}:\d{2}(?::\d{2})?)?"
FULL_DAY = r"(?P<day>\d{1,2})\.(?P<month>\d{1,2})\.\d{4}(?: \d{1,2}:\d{2}(?::\d{2})?)?"
DAY_AND_MONTH = rf"(?P<day>\d{{1,2}})[ .-](?P<word>{MONTH})\.?"
MONTH_AND_YEAR = rf"(?P<word>{MONTH})[ .-](?P<years>\d{{2}}|\d{{4}})"
TIME = r"(?P<hours>\d{1,4}):(?P<minutes>\d{2})(?::\d{2})?"
POWER = r"\d(?:[.,]\d+)?e\+\d{1,2}"
OF_CELL = (DAY, DAY_AND_MONTH)
"""How a spoilt cell comes: as a day, or as a spreadsheet shows it in a csv."""
SPOILT_DAYS = tuple(map(re.compile, (*OF_CELL, FULL_DAY, MONTH_AND_YEAR)))
SPOILT_TIME = re.compile(TIME)
SPOILT_CODE = re.compile(POWER)
ANY_SPOILT = "|".join(re.sub(r"\?P<\w+>", "?:", each) for each in (DAY, FULL_DAY, DAY_AND_MONTH, MONTH_AND_YEAR, POWER))
"""Every way without names of groups, for polars."""
LAST_YEAR_OF_NUMBERS = 1950
"""Up to about 18 000: no figure of a form is larger, and no day is so long ago."""
LEAP_YEAR = 2024
LEAP_DAY = 60
"""The serial number of 29.02.1900, which spreadsheets have and the calendar has not."""
NUMBERS = ("count", "amount", "hours", "percent", "grade", "lesson")


def typed(body: str) -> tuple[int, int] | None:
    """The two numbers of which a spreadsheet made a day, as they were typed; None for any other plain text.

    A month without a day was typed before its year.
    """
    match = next((match for pattern in SPOILT_DAYS if (match := pattern.fullmatch(body))), None)
    if match is None:
        return None
    parts = match.groupdict()
    month = MONTHS[parts["word"]] if parts.get("word") else int(parts["month"])
    if parts.get("years"):
        return month, int(parts["years"]) % 100
    return (int(parts["day"]), month) if real_day(LEAP_YEAR, month, int(parts["day"])) else None


def grades_typed(body: str) -> tuple[int, int] | None:
    """The lowest and highest grade of which a spreadsheet made a day; None where day and month are no two grades.

    Only what comes from a cell counts, «06.ноя» or a day: a full date in a text may be a date indeed.
    """
    match = next((match for pattern in OF_CELL if (match := re.fullmatch(pattern, body))), None)
    numbers = typed(body) if match else None
    if numbers is None or max(numbers) > 11 or numbers[0] == numbers[1] or _shown_as_day(body) is not None:
        return None
    return min(numbers), max(numbers)


def spoilt(text: str, column: Column) -> Meaning | None:
    """What is said of a cell whose value a spreadsheet changed as it was typed; None for any other.

    A text that may be blank is then left out with a warning; in every other column the row cannot be read.
    """
    body = plain(text)
    rule = SPOILT_TEXT if column.kind in ("text", "school_code") and column.nullable else SPOILT
    if column.kind in NUMBERS and re.fullmatch(FULL_DAY, body):
        return None  # a date of the neighbouring column, most likely
    if column.pattern and re.fullmatch(DAY_AND_MONTH, body) and re.search(column.pattern, text):
        return None  # a day of each year, as the column takes it
    number = _shown_as_day(body)
    if number is not None:
        return Meaning(rule=rule.id, shown=f"число; возможно, {number}")
    if numbers := typed(body):
        return Meaning(rule=rule.id, shown=f"то, что было набрано: {ways(*numbers, column)}{_of_month(body)}")
    if column.kind in NUMBERS and (time := SPOILT_TIME.fullmatch(body)):
        hours, minutes = int(time["hours"]), int(time["minutes"])
        guess = f"; возможно, {hours + minutes / 60:.6g}".replace(".", ",") if hours and not minutes % 15 else ""
        return Meaning(rule=rule.id, shown=f"число{guess}")
    if column.kind not in NUMBERS and SPOILT_CODE.fullmatch(body):
        return Meaning(rule=rule.id, shown="все цифры")
    return None


def _shown_as_day(body: str) -> int | None:
    """The number that a cell with the format of a date shows as a day of long ago: 34 is 3 February 1900."""
    match = re.fullmatch(DAY, body)
    if match is None or int(match["year"]) > LAST_YEAR_OF_NUMBERS:
        return None
    day = real_day(int(match["year"]), int(match["month"]), int(match["day"]))
    if day is None:
        return None
    serial = (day - FIRST_DAY).days
    return serial if serial > LEAP_DAY else serial - 1


def _of_month(body: str) -> str:
    """The other way to type the first day of a month: a month and its year, «12/23»."""
    match = re.fullmatch(DAY, body)
    return f"; или {int(match['month'])}/{match['year'][2:]}" if match and match["day"] == "01" else ""


def ways(first: int, second: int, column: Column) -> str:
    """How the two numbers may have been typed."""
    if column.kind == "grades":
        return f"{first}–{second}"
    if column.kind in NUMBERS:
        return f"{first},{second}"
    return f"{first}/{second}, {first}-{second} или {first}.{second}"
