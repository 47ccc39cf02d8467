"""The edges of a table: what stands beside it, past a blank column, is not part of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from contracts.grid import Sheet, Value
from transforms.cells.key import ignored_headings
from transforms.headings.header import Heading, best_at
from transforms.headings.top import by_row, masked, top_of
from transforms.tables.sheet_parts import is_meant

Span = tuple[int, int]
"""First and last column of neighbouring headings, zero-based."""
MOSTLY = 0.8
"""Share of the rows of the table in which a column past a blank one is filled that is of the table."""
SEVERAL = 2
"""Cells of the table that a row has which is one of its rows."""


@dataclass(frozen=True)
class Beside:
    """Cells with headings beside a table: where they begin, and whether they are another table of the form."""

    sheet: Sheet
    row: int
    place: int
    is_twin: bool


def within_edges(sheet: Sheet, heading: Heading) -> tuple[Sheet, Heading, list[Beside]]:
    """The table without what stands beside it, on a sheet without it, and what that is.

    Headings are parted by a column that is blank in all rows of the table. The table is the part with most columns of
    the form. Another part is of it only when it has columns that the table lacks and is filled along with its rows:
    a short list to choose from is not. A part that is the form again is a second table; so is one that begins anew
    without a blank column.
    """
    spans = _parted(sheet, heading)
    if len(spans) < SEVERAL:
        twin = _begins_anew(sheet, heading)
        return (sheet, *twin) if twin is not None else (sheet, heading, [])
    heading_of = {span: _of_span(sheet, heading, [span]) for span in spans}
    count = {span: len(own.columns) if own is not None else 0 for span, own in heading_of.items()}
    main = max(spans, key=lambda span: (count[span], -span[0]))
    own = heading_of[main]
    if own is None or not len(own.columns):
        return sheet, heading, []
    rows = _rows_of(sheet, own)
    kept, beside = [main], list[Beside]()
    left_out: list[Span] = []
    for span in spans:
        other = heading_of[span]
        if span == main:
            continue
        if other is not None and is_meant(other):
            beside.append(Beside(sheet, heading.first, span[0], is_twin=True))
            left_out.append(span)
        elif _belongs(sheet, span, other, own, rows):
            kept.append(span)
        else:
            left_out.append(span)
            if not all(heading.keys[c] <= ignored_headings() for c in range(span[0], span[1] + 1) if c in heading.keys):
                beside.append(Beside(sheet, heading.first, span[0], is_twin=False))
    if not left_out:
        return sheet, heading, []
    whole = own if len(kept) == 1 else _of_span(sheet, heading, kept) or own
    return _cropped(sheet, whole.first, left_out, main), whole, beside


def _parted(sheet: Sheet, heading: Heading) -> list[Span]:
    """Runs of columns with a heading, parted by columns that have none and are blank in the rows of the table."""
    places = sorted(heading.keys)
    spans: list[Span] = []
    for c in places:
        if spans and not any(_is_blank(sheet, heading, gap) for gap in range(spans[-1][1] + 1, c)):
            spans[-1] = spans[-1][0], c
        else:
            spans.append((c, c))
    return spans


def _is_blank(sheet: Sheet, heading: Heading, c: int) -> bool:
    """Whether a column says nothing in the heading and in rows that have several cells of the table."""
    places = list(heading.columns.values())
    return not any(
        c < len(row) and _is_filled(row[c]) and (r <= heading.last or _has_several(row, places))
        for r, row in enumerate(sheet.rows[heading.first :], heading.first)
    )


def _rows_of(sheet: Sheet, heading: Heading) -> list[int]:
    places = list(heading.columns.values())
    return [r for r in range(heading.last + 1, len(sheet.rows)) if _has_several(sheet.rows[r], places)]


def _has_several(row: Sequence[Value], places: Sequence[int]) -> bool:
    return sum(c < len(row) and _is_filled(row[c]) for c in places) >= SEVERAL


def _is_filled(value: Value) -> bool:
    return value is not None and value != ""


def _of_span(sheet: Sheet, heading: Heading, spans: Sequence[Span]) -> Heading | None:
    """The heading of the form in some columns alone."""
    top = top_of(sheet, by_row(sheet), heading.first, 1)
    return best_at(masked(top, spans), heading.form, 0, 1)


def _belongs(sheet: Sheet, span: Span, other: Heading | None, own: Heading, rows: Sequence[int]) -> bool:
    """Whether columns past a blank one are part of the table: it lacks something, and they are filled in its rows."""
    required = own.form.editions[-1].required
    adds = other is not None and not other.columns.keys() <= own.columns.keys()
    if not (adds or own.lacks(required)):
        return False
    full = sum(any(_is_filled(value) for value in sheet.rows[r][span[0] : span[1] + 1]) for r in rows)
    return full >= MOSTLY * len(rows)


def _begins_anew(sheet: Sheet, heading: Heading) -> tuple[Heading, list[Beside]] | None:
    """The left one of two tables that stand side by side without a blank column; None when there is only one."""
    if len(heading.twice) < SEVERAL:
        return None
    first, last = min(heading.keys), max(heading.keys)
    for c in sorted(heading.keys):
        if c == first or heading.keys[c] != heading.keys[first]:
            continue
        left, right = (_of_span(sheet, heading, [span]) for span in ((first, c - 1), (c, last)))
        if left is not None and right is not None and is_meant(left) and is_meant(right):
            return left, [Beside(sheet, heading.first, c, is_twin=True)]
    return None


def _cropped(sheet: Sheet, first: int, spans: Sequence[Span], main: Span) -> Sheet:
    """The sheet without the cells of some columns from row `first` on; those beside the table go to its very edge."""
    wide = [
        (0 if span[0] < main[0] and span == spans[0] else span[0], None if span[1] > main[1] and span == spans[-1] else
         span[1] + 1)
        for span in spans
    ]  # fmt: skip
    rows = list(sheet.rows)
    for r in range(first, len(rows)):
        row = list(rows[r])
        for start, end in wide:
            stop = len(row) if end is None else min(end, len(row))
            row[start:stop] = [None] * max(stop - start, 0)
        rows[r] = row
    gone = [
        area
        for area in sheet.merged
        if area.first_row >= first
        and any(start <= area.first_column and (end is None or area.last_column < end) for start, end in wide)
    ]
    return replace(sheet, rows=rows, merged=[area for area in sheet.merged if area not in gone])
