"""What a receipt that comes back says of its warnings, wherever its rows and columns went meanwhile."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence

from contracts.explanation import MARK, STAMP, Returned, cleaned, is_said_anew
from contracts.grid import Blocks, Grid, Sheet, Unreadable
from contracts.receipt import is_receipt
from contracts.texts import phrases
from transforms.tables.origin import date_of


def without_receipts(content: Grid) -> tuple[list[Sheet], list[Sheet]]:
    """The sheets of a workbook that are its own, and those that are our receipts."""
    own: list[Sheet] = []
    ours: list[Sheet] = []
    for sheet in content.sheets:
        first = sheet.rows[0] if sheet.rows else []
        (ours if is_receipt(sheet.name, first) else own).append(sheet)
    return own, ours


def returned(content: Grid | Blocks | Unreadable) -> Returned | None:
    """What a receipt in a delivery brings back; None where there is no receipt.

    A text counts as an explanation where it stands under our heading; without the heading beside the mark.
    """
    if not isinstance(content, Grid):
        return None
    own, ours = without_receipts(content)
    if not ours:
        return None
    about: str | None = None
    said: dict[str, str] = {}
    of_errors: list[str] = []
    astray = shortened = 0
    heading = phrases()["receipt.explanation"]
    for sheet in ours:
        column = next((c for row in sheet.rows for c, value in enumerate(row) if value == heading), None)
        for row in sheet.rows:
            about = about or next((match[1] for value in row if (match := _matches(STAMP, value))), None)
            place, mark = next(
                ((c, found) for c, value in enumerate(row) if (found := _matches(MARK, value))), (0, None)
            )
            written = _written(row, column, place, heading, is_error=bool(mark and mark[4]), is_marked=mark is not None)
            if written is None:
                continue
            text, is_cut = written
            if mark is None:
                astray += 1
            elif mark[4]:
                of_errors.append(mark[5])
            elif is_said_anew(text, mark[3]) and mark[2] not in said:
                said[mark[2]] = text
                shortened += is_cut
    is_alone = not any(value is not None for sheet in own for row in sheet.rows for value in row)
    return Returned(about, tuple(said.items()), tuple(dict.fromkeys(of_errors)), astray, shortened, is_alone)


def date_answered(content: Grid | Blocks | Unreadable) -> dt.date | None:
    """The date of the data that a receipt in a delivery answers; None where no receipt says one."""
    if not isinstance(content, Grid):
        return None
    label = phrases()["receipt.label.as_of"]
    for sheet in without_receipts(content)[1]:
        for row in sheet.rows:
            if len(row) > 1 and row[0] == label and isinstance(row[1], str) and (day := date_of(row[1])):
                return day
    return None


def _written(
    row: Sequence[object], column: int | None, mark: int, heading: str, *, is_error: bool, is_marked: bool
) -> tuple[str, bool] | None:
    """What somebody wrote into a row, and whether it was cut."""
    places = [column] if column is not None else [mark - 1] if is_marked and not is_error else []
    if is_error:  # where no warning is there is no column, and people write into the first free one
        places += range(mark + 1, len(row))
    for place in places:
        if 0 <= place < len(row) and place != mark and row[place] != heading and (text := cleaned(row[place])):
            return text
    return None


def _matches(pattern: re.Pattern[str], value: object) -> re.Match[str] | None:
    return pattern.fullmatch(value.strip()) if isinstance(value, str) else None
