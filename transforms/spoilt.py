"""What a spreadsheet makes of what was typed: «6-11» and «12/1» become days, «34» a time, long codes powers of ten."""

from __future__ import annotations

import re

from contracts.form import Column
from contracts.rules import SPOILT, SPOILT_TEXT
from transforms.day import MONTHS
from transforms.meaning import Meaning, plain

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
NUMBERS = ("count", "amount", "hours", "percent", "grade")


def typed(body: str) -> tuple[int, int] | None:
    """The two numbers of which a spreadsheet made a day, as they were typed; None for any other plain text.

    A month without a day was typed before its year.
    """
    found = next((found for pattern in SPOILT_DAYS if (found := pattern.fullmatch(body))), None)
    if found is None:
        return None
    parts = found.groupdict()
    month = MONTHS[parts["word"]] if parts.get("word") else int(parts["month"])
    return (month, int(parts["years"]) % 100) if parts.get("years") else (int(parts["day"]), month)


def grades_typed(body: str) -> tuple[int, int] | None:
    """The lowest and highest grade of which a spreadsheet made a day; None where day and month are no two grades.

    Only what comes from a cell counts, «06.ноя» or a day: a full date in a text may be a date indeed.
    """
    found = next((found for pattern in OF_CELL if (found := re.fullmatch(pattern, body))), None)
    numbers = typed(body) if found else None
    if numbers is None or max(numbers) > 11 or numbers[0] == numbers[1]:
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
    if numbers := typed(body):
        return Meaning(rule=rule.id, shown=f"то, что было набрано: {ways(*numbers, column)}")
    if column.kind in NUMBERS and (time := SPOILT_TIME.fullmatch(body)):
        hours, minutes = int(time["hours"]), int(time["minutes"])
        written = str(hours) if not minutes else f"{hours + minutes / 60:.4g}".replace(".", ",")
        return Meaning(rule=rule.id, shown=f"число; возможно, {written}")
    if column.kind not in NUMBERS and SPOILT_CODE.fullmatch(body):
        return Meaning(rule=rule.id, shown="все цифры")
    return None


def ways(first: int, second: int, column: Column) -> str:
    """How the two numbers may have been typed."""
    if column.kind == "grades":
        return f"{first}–{second}"
    if column.kind in NUMBERS:
        return f"{first},{second}"
    return f"{first}/{second}, {first}-{second} или {first}.{second}"
