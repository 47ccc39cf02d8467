"""Rows that say alone what the rows under them are of: «Сентябрь» over the events of September, a direction over its
measures.

Such a sheet is read as one that has a column more, and what is found in that is told at the cell of the row.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import replace

from contracts.form import Column, Form
from contracts.grid import Grid, Place, Sheet, Value
from transforms.cells.cell import cell_text
from transforms.headings.header import Heading, find_heading
from transforms.headings.top import by_row, top_of
from transforms.tables.month_or_day import code_of
from transforms.tables.original import SheetOfRows
from transforms.tables.sheet_parts import is_meant
from transforms.tables.which_form import FIRST_ROWS, Seen

NUMBER = re.compile(r"^(?:\d{1,2}|[ivxх]{1,4})[.)]\s*", re.IGNORECASE)
LABEL = re.compile(r"^(?:месяц|направление|раздел)\s*[:–—-]\s*", re.IGNORECASE)
MOST_ROWS = 5_000
SEVERAL = 2
"""Cells of the table by which a row under a band is known; one is enough where a row may say no more."""


def banded_column(form: Form) -> Column | None:
    """The column of a form that may stand in rows of its own."""
    return next((column for column in form.editions[-1].columns if column.banded), None)


def with_bands(content: Grid, seen_there: Sequence[Seen], forms: Sequence[Form]) -> Grid | None:
    """The file with its banded sheets as tables with a column more; None when none is banded.

    A sheet is banded when a heading that is clearly meant to be of a form lacks the column, or is blank under it, and
    rows below name its values alone. A sheet that is a table of another form is none.
    """
    sheets = list(content.sheets)
    for place, (sheet, seen) in enumerate(zip(content.sheets, seen_there, strict=True)):
        if len(sheet.rows) > MOST_ROWS:
            continue
        for form in forms:
            column = banded_column(form)
            if column is None or any(heading.is_table and heading.form is not form for _, heading in seen):
                continue
            if not _names_values(sheet, column):
                continue
            heading = next((heading for _, heading in seen if heading.form is form), None)
            heading = heading or find_heading(top_of(sheet, by_row(sheet), 0, FIRST_ROWS), form)
            made = _made(sheet, heading, column) if heading is not None and _is_meant(heading, column) else None
            if made is not None:
                sheets[place] = made
                break
    same = all(one is other for one, other in zip(sheets, content.sheets, strict=True))
    return None if same else Grid(sheets, content.format, content.notes, content.doubts)


def _is_meant(heading: Heading, column: Column) -> bool:
    """Whether a heading is of its form, when bands say the column that it may lack."""
    return is_meant(replace(heading, columns={column.name: -1} | heading.columns))


def _names_values(sheet: Sheet, column: Column) -> bool:
    """Whether any row names a value of the column alone."""
    return any(_band(row, column) for row in sheet.rows)


def _made(sheet: Sheet, heading: Heading, column: Column) -> Sheet | None:
    """The sheet with the values of its bands beside their rows; None when no row is under a band."""
    is_stated = column.name in heading.matched.values()  # a month may be there only because its day is
    place = heading.columns[column.name] if is_stated else None
    own = {c for name, c in heading.columns.items() if name != column.name and c != place}
    width = max(map(len, sheet.rows)) if place is None else place
    rows: list[list[Value]] = list(sheet.rows)
    origin: dict[Place, Place] = {}
    band: tuple[str, Place] | None = None
    filled = 0
    of_row = [each for each in heading.form.editions[-1].required if each is not column and not each.nullable]
    fewest = min(SEVERAL, len(of_row))
    for r in range(heading.last + 1, len(rows)):
        row = rows[r]
        if fewest < SEVERAL and not any(_says(row, c) for c in range(len(row))):
            band = None  # what stands alone under a gap is a note
        if (found := _band(row, column)) is not None:
            band = found[0], (r, found[1])
            rows[r] = [value if c == found[1] else None for c, value in enumerate(row)]
        elif band is not None and sum(_says(row, c) for c in own) >= fewest and not _says(row, width):
            rows[r] = _with(row, width, band[0])
            origin[r, width] = band[1]
            filled += 1
    if not filled:
        return None
    first = next(iter(origin.values()))
    if place is None:
        rows[heading.last] = _with(rows[heading.last], width, column.title)
        origin[heading.last, width] = first
    return SheetOfRows(
        sheet.name, rows, sheet.merged, sheet.visible, sheet.hidden_rows, sheet.hidden_columns, sheet.percents,
        sheet.unvalued, origin=list(_origins(rows, origin)),
    )  # fmt: skip


def _band(row: Sequence[Value], column: Column) -> tuple[str, int] | None:
    """What a row of nothing else says of the column, and where; its number and signs without letters say nothing."""
    texts = [(c, text) for c, value in enumerate(row) if (text := cell_text(value)) and any(map(str.isalnum, text))]
    if len(texts) == 2 and texts[0][1].strip().rstrip(".").isdecimal():
        texts = texts[1:]
    if len(texts) != 1 or isinstance(row[texts[0][0]], int | float):
        return None
    ((c, text),) = texts
    body = LABEL.sub("", NUMBER.sub("", " ".join(text.split()))).strip(" .:")
    return (body, c) if any(map(str.isalpha, body)) and code_of(column, body) is not None else None


def _says(row: Sequence[Value], c: int) -> bool:
    return c < len(row) and bool((cell_text(row[c]) or "").strip())


def _with(row: Sequence[Value], c: int, text: str) -> list[Value]:
    wide = [*row, *[None] * (c + 1 - len(row))]
    wide[c] = text
    return wide


def _origins(rows: Sequence[Sequence[Value]], origin: dict[Place, Place]) -> Iterator[tuple[Place, ...]]:
    """The place in the file of each cell of the rows."""
    for r, row in enumerate(rows):
        yield tuple(origin.get((r, c), (r, c)) for c in range(len(row)))
