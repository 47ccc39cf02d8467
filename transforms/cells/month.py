"""Months with a year beside them: «10.2023», «октябрь 2023 г.», the first day of a month as a spreadsheet keeps it."""

from __future__ import annotations

import re

from transforms.cells.answer import keyed
from transforms.cells.cell_value import plain
from transforms.cells.day import FIRST_MONTH
from transforms.cells.key import key

NUMBER = r"(?P<month>0?[1-9]|1[0-2])"
YEAR = r"(?P<year>20\d\d)(?: ?г(?:\.|ода?)?)?"
WRITTEN = tuple(
    map(
        re.compile,
        (
            rf"{NUMBER} ?[./,-] ?{YEAR}",
            rf"(?P<year>20\d\d)[./-]{NUMBER}(?:-01(?:[ t]00:00(?::00)?)?)?",
            rf"0?1\.{NUMBER}\.{YEAR}(?: 0?0:00(?::00)?)?",
            rf"(?P<word>\D+?)[ .,-]*(?:{YEAR}|(?P<short>\d\d))",
        ),
    )
)


def month_with_year(text: str, academic_year: int, vocabulary: str) -> tuple[str, bool] | None:
    """The code of a month that is written with a year, and whether that is the month's in an academic year (its first
    calendar year), or the August before it; None for any other text."""
    body = plain(text)
    match = next((match for pattern in WRITTEN if (match := pattern.fullmatch(body))), None)
    if match is None:
        return None
    parts = match.groupdict()
    word = parts["word"] if parts.get("word") else str(int(parts["month"]))
    code = keyed(vocabulary).get(key(word)) or keyed(vocabulary).get(word)
    if code is None:
        return None
    year = int(parts["year"] or f"20{parts['short']}")
    is_before = int(code) == FIRST_MONTH - 1 and year == academic_year  # in the last weeks of summer a year is prepared
    return code, is_before or year == academic_year + (int(code) < FIRST_MONTH)
