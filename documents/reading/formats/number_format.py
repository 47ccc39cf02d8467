"""Numbers of a workbook and what their format makes of them: a percent, a moment or a span of time.

Calamine knows the moments of xlsx; those of the other kinds are made here.
"""

from __future__ import annotations

import datetime as dt
import re
import struct
from typing import Literal

Kind = Literal["percent", "moment", "span"]

EXACT = 2**53  # whole numbers below this are exact in a spreadsheet
BUILT_IN: dict[int, Kind] = {
    **dict.fromkeys((9, 10), "percent"),
    **dict.fromkeys((*range(14, 23), 45, 47), "moment"),
    46: "span",
}
LONGEST = 1024  # four times what Excel takes
LITERALS = re.compile(r'"[^"]*"?|[\\_*].', re.DOTALL)
BRACKETS = re.compile(r"\[[^\[\]]*\]")
ELAPSED = re.compile(r"\[(?:h+|m+|s+)\]", re.IGNORECASE)
DATE_LETTER = re.compile(r"[dmhys]", re.IGNORECASE)
DAY = 86_400_000  # milliseconds
START_1904 = dt.datetime.fromisoformat("1904-01-01")
START_1900 = dt.datetime.fromisoformat("1899-12-31")
LEAP_DAY = 60  # Excel counts a 29 February 1900 that never was


def kind_of(code: str) -> Kind | None:
    """What a format code shows: `0.0%` is a percent, `dd.mm.yyyy` a moment, `[h]:mm` a span; quoted text is not."""
    signs = LITERALS.sub("", code[:LONGEST])
    if "%" in BRACKETS.sub("", signs):
        return "percent"
    first = signs.partition(";")[0]
    if ELAPSED.search(first):
        return "span"
    return "moment" if DATE_LETTER.search(BRACKETS.sub("", first)) else None


def moment(
    days: float, kind: Literal["moment", "span"], is_1904: bool
) -> dt.datetime | dt.date | dt.time | dt.timedelta | float:
    """The moment that a serial number of days means, to the millisecond; the number itself when it means none."""
    try:
        since = dt.timedelta(milliseconds=round(days * DAY))
        if kind == "span":
            return since
        if days < 0:
            return days
        at = (START_1904 if is_1904 else START_1900) + since
        if not is_1904 and days >= LEAP_DAY:
            at -= dt.timedelta(1)
        if not since.days:
            return at.time()
    except (OverflowError, ValueError):
        return days
    return at.date() if at.time() == dt.time.min else at


def number(value: float) -> float | int:
    """A whole number as int: a spreadsheet keeps all of them as floats."""
    return int(value) if value.is_integer() and -EXACT < value < EXACT else value


def rk_number(raw: int) -> float:
    """A number in four bytes: an integer or the upper half of a double; two bits tell which, and whether hundredths."""
    value = float(raw >> 2) if raw & 2 else struct.unpack("<d", struct.pack("<q", (raw & ~3) << 32))[0]
    return float(value / 100 if raw & 1 else value)


def shown(
    value: float, kind: Kind | None, is_1904: bool
) -> dt.datetime | dt.date | dt.time | dt.timedelta | float | int:
    """A number of a cell as its format shows it; a percent is shown as its fraction."""
    return moment(value, kind, is_1904) if kind in ("moment", "span") else number(value)
