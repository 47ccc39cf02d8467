"""Merged cells: what they say of the rows and columns they cover, and what lies hidden under them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from contracts.form import Kind
from contracts.grid import Place, Range, Sheet
from contracts.rules import SHARED_NUMBER
from transforms.cells.cell import cell_text, percent_text
from transforms.cells.parse import UNVALUED
from transforms.headings.header import Heading

ADDING: frozenset[Kind] = frozenset({"count", "amount"})
"""Kinds that add up over rows: such a number merged over several rows is not the number of each."""
NUMBERS: frozenset[Kind] = frozenset({"count", "amount", "hours", "percent"})
Fault = tuple[str, str]
"""The rule that a cell breaks, and what is expected there."""
NOT_ZERO = re.compile(r"[1-9]")


@dataclass
class Joined:
    """The cells of a table that merged ranges cover.

    `texts` are row → column and text of the cells under a range that goes down, and of those where its value is of a
    column beside; `across` are the ranges over several columns of the form, by the rows that they cover; `down` those
    over several rows with a number that adds up.
    """

    texts: dict[int, list[tuple[int, str]]] = field(default_factory=dict)
    across: dict[int, list[Range]] = field(default_factory=dict)
    down: list[Range] = field(default_factory=list)


def seen_cells(sheet: Sheet) -> tuple[Sheet, list[Range]]:
    """The sheet as it is seen: without values that lie under merged ranges, and the ranges that had such ones.

    A range that overlaps an earlier one is none: no program shows it.
    """
    merged = _apart(sheet.merged, max(map(len, sheet.rows), default=0))
    covered = [area for area in merged if _hides(sheet, area)]
    if not covered and len(merged) == len(sheet.merged):
        return sheet, []
    rows = list(sheet.rows)
    copied: set[int] = set()
    gone: set[Place] = set()
    for area in covered:
        for r in range(area.first_row, min(area.last_row + 1, len(rows))):
            if r not in copied:
                rows[r] = list(rows[r])
                copied.add(r)
            for c in range(area.first_column, min(area.last_column + 1, len(rows[r]))):
                if (r, c) != (area.first_row, area.first_column):
                    rows[r][c] = None
                    gone.add((r, c))
    return replace(
        sheet, rows=rows, merged=merged, percents=sheet.percents - gone, unvalued=sheet.unvalued - gone
    ), covered  # fmt: skip


def _apart(merged: Iterable[Range], width: int) -> list[Range]:
    """The ranges by row, without those that overlap an earlier one or lie outside of the cells."""
    kept: list[Range] = []
    taken: dict[int, int] = {}
    for area in sorted(merged, key=lambda area: (area.first_row, area.first_column)):
        columns = range(area.first_column, min(area.last_column + 1, max(width, area.first_column + 1)))
        if all(taken.get(c, -1) < area.first_row for c in columns):
            taken.update(dict.fromkeys(columns, area.last_row))
            kept.append(area)
    return kept


def _hides(sheet: Sheet, area: Range) -> bool:
    """Whether a range covers a value besides its own."""
    for r in range(area.first_row, min(area.last_row + 1, len(sheet.rows))):
        start = area.first_column + (r == area.first_row)
        if any(value is not None for value in sheet.rows[r][start : area.last_column + 1]):
            return True
    return False


def kinds_of(heading: Heading) -> dict[int, Kind]:
    """Place → kind of the columns of the form that a heading has."""
    kinds = {column.name: column.kind for edition in heading.form.editions for column in edition.columns}
    return {place: kinds[name] for name, place in heading.columns.items()}


def joined_cells(sheet: Sheet, first: int, end: int, kinds: Mapping[int, Kind]) -> Joined:
    """What merged ranges that begin in the rows from `first` to before `end` say of these rows."""
    joined = Joined()
    for area in sheet.merged:
        own = [c for c in kinds if area.first_column <= c <= area.last_column]
        if not first <= area.first_row < end or not own:
            continue
        place = area.first_column if area.first_column in kinds else min(own)
        text = _text_of(sheet, area, kinds[place])
        if text is None:
            continue
        rows = range(area.first_row, min(area.last_row + 1, end))
        for r in rows:
            if (r, place) != (area.first_row, area.first_column):
                joined.texts.setdefault(r, []).append((place, text))
            if len(own) > 1:
                joined.across.setdefault(r, []).append(area)
        if len(rows) > 1 and NOT_ZERO.search(text) and any(kinds[c] in ADDING for c in own):
            joined.down.append(area)
    return joined


def _text_of(sheet: Sheet, area: Range, kind: Kind) -> str | None:
    """The text of a merged range; None when it is blank."""
    place = area.first_row, area.first_column
    if place in sheet.unvalued:
        return UNVALUED
    row = sheet.rows[area.first_row] if area.first_row < len(sheet.rows) else []
    value = row[area.first_column] if area.first_column < len(row) else None
    text = percent_text(value) if kind == "percent" and place in sheet.percents else cell_text(value)
    return text if text and not text.isspace() else None


def spread_down(rows: Mapping[int, list[str | None]], joined: Joined, kinds: Mapping[int, Kind]) -> None:
    """Write the texts of merged ranges into the rows under them; a row that has nothing of its own stays blank."""
    for r, texts in joined.texts.items():
        cells = rows.get(r)
        if cells is None or not any(c < len(cells) and cells[c] for c in kinds):
            continue
        for c, text in texts:
            cells += [None] * (c + 1 - len(cells))
            cells[c] = text


def _spread_across(cells: list[str | None], area: Range, kinds: Mapping[int, Kind]) -> list[int]:
    """Write the text of a range into the form's columns that it covers in a row; those that share one number.

    Of a code and a name together only one is there: figures are the code, anything else the name.
    """
    own = sorted(c for c in kinds if area.first_column <= c <= area.last_column)
    source = area.first_column if area.first_column in kinds else own[0]
    text = cells[source] if source < len(cells) else None
    numbers = [c for c in own if kinds[c] in NUMBERS]
    if text is None:
        return []
    if NOT_ZERO.search(text) and len(numbers) > 1:
        return numbers
    cells += [None] * (own[-1] + 1 - len(cells))
    names = [c for c in own if kinds[c] == "school_name"]
    codes = [c for c in own if kinds[c] == "school_code"]
    unfit = (names if text.strip().isdecimal() else codes) if names and codes else []
    for c in own:
        cells[c] = None if c in unfit else text
    return []


def _shared_by(area: Range) -> Fault:
    return SHARED_NUMBER.id, f"число в каждой ячейке (объединены {area.address})"


def _share_down(
    rows: Mapping[int, list[str | None]], joined: Joined, kinds: Mapping[int, Kind]
) -> dict[int, dict[int, Fault]]:
    """Row → column of numbers that add up and stand over several of the rows, which are those of data.

    Such a number is left in the first of its rows only; over a single row of data it is the number of that row.
    """
    shared: dict[int, dict[int, Fault]] = {}
    for area in joined.down:
        covered = [r for r in range(area.first_row, area.last_row + 1) if r in rows]
        if len(covered) < 2:
            continue
        for c in (c for c in kinds if area.first_column <= c <= area.last_column and kinds[c] in ADDING):
            for r in covered:
                shared.setdefault(r, {})[c] = _shared_by(area)
                if r != covered[0] and c < len(rows[r]):
                    rows[r][c] = None
    return shared


def shared_numbers(
    rows: Mapping[int, list[str | None]], joined: Joined, kinds: Mapping[int, Kind]
) -> dict[int, dict[int, Fault]]:
    """Write into rows of data what is merged over their columns; row → column of numbers that are shared."""
    shared = _share_down(rows, joined, kinds)
    for r, ranges in joined.across.items():
        for area in ranges if r in rows else ():
            for c in _spread_across(rows[r], area, kinds):
                shared.setdefault(r, {})[c] = _shared_by(area)
    return shared
