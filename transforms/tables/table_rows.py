"""The rows of a table: the texts of their cells, and which of them are data."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from contracts.form import Kind
from contracts.grid import Sheet
from transforms.cells.cell import cell_text, percent_text
from transforms.cells.key import unit_aliases
from transforms.cells.parse import UNVALUED
from transforms.cells.within import word_within
from transforms.headings.header import Heading
from transforms.headings.row_kind import LABEL, Places, has_ordinal, kind_of_row, names_one
from transforms.tables.merged import Fault, Joined, joined_cells, kinds_of, shared_numbers, spread_down
from transforms.tables.total_row import grand_total

NUMBER_KINDS: frozenset[Kind] = frozenset({"count", "amount", "hours", "percent"})
UNFILLED = "unfilled"
ANOTHER_TABLE = "another_table"


class Row(NamedTuple):
    """A row of a sheet: its number from 1, what it is, and the text of its cells from column A.

    `faults` are columns, by place, of which the rows of the table say that the cell is wrong: the rule and what is
    expected.
    """

    number: int
    outcome: str
    cells: list[str | None]
    faults: Mapping[int, Fault] | None = None


def data_rows(sheet: Sheet, heading: Heading, places: Places) -> list[Row]:
    """The rows that a heading reads, each with its outcome: `data`, or why it is not data.

    Title, heading, total, subtotal, section, unfilled (a name alone), note, another_table (its cells are not kept) and
    blank are no data. A row is data when its key is filled together with anything else, or when at least two other
    columns of the form are; loud doubt beats silent loss. A merged cell counts for every row of data that it covers.
    """
    end = len(sheet.rows) if heading.end is None else heading.end
    stop = end if heading.stop is None else heading.stop
    marked = _marked_cells(sheet, places)
    spanned = {m.first_row for m in sheet.merged if m.last_column > m.first_column}
    texts: dict[int, list[str | None]] = {}
    for r in range(heading.start, end):
        values = sheet.rows[r]
        cells = [v if v is None or type(v) is str else str(v) if type(v) is int else cell_text(v) for v in values]
        for c, text in marked.get(r, ()):
            cells += [None] * (c + 1 - len(cells))
            cells[c] = text
        texts[r] = cells
    kinds = kinds_of(heading) if sheet.merged else {}
    joined = joined_cells(sheet, heading.last + 1, stop, kinds)
    spread_down(texts, joined, kinds)
    result: list[Row] = []
    for r, cells in texts.items():
        filled = [c for c, text in enumerate(cells) if text and not text.isspace()]
        kept = cells
        if not filled:
            outcome = "blank"
        elif r < heading.first:
            outcome = "title"
        elif r <= heading.last or r in heading.again:
            outcome = "heading"
        elif r >= stop:
            outcome, kept = ANOTHER_TABLE, []
        else:
            outcome = kind_of_row(cells, filled, places)
            if outcome == LABEL and r in spanned:
                outcome = "section"
        result.append(Row(r + 1, outcome, kept))
    result = _settled(result, places)
    result = _with_merged(result, joined, kinds) if joined.across or joined.down else result
    return _discreet(result, heading) if heading.form.discreet else result


def _discreet(rows: list[Row], heading: Heading) -> list[Row]:
    """The rows with what columns of the form say, and nothing else: names of people may stand in all other cells."""
    within = _within(heading)
    kept = frozenset(heading.columns.values())
    for place, row in enumerate(rows):
        cells: list[str | None] = []
        if row.outcome in ("data", UNFILLED):
            cells = [text if c in kept else None for c, text in enumerate(row.cells)]
            for c, vocabulary in within.items():
                if c < len(cells) and (text := cells[c]):
                    cells[c] = word_within(text, vocabulary)
        rows[place] = row._replace(cells=cells)
    return rows


def _within(heading: Heading) -> dict[int, str]:
    """Place → vocabulary of the columns of which a word within a longer text is read."""
    columns = (column for edition in heading.form.editions for column in edition.columns)
    return {
        heading.columns[column.name]: column.vocabulary
        for column in columns
        if column.within and column.vocabulary and column.name in heading.columns
    }


def _with_merged(rows: list[Row], joined: Joined, kinds: Mapping[int, Kind]) -> list[Row]:
    """The rows with what cells merged over columns say, and with the numbers that several rows or columns share."""
    data = {row.number - 1: row.cells for row in rows if row.outcome == "data"}
    shared = shared_numbers(data, joined, kinds)
    return [row._replace(faults=shared[row.number - 1]) if row.number - 1 in shared else row for row in rows]


def places_of(heading: Heading, key_columns: Sequence[str]) -> Places:
    """Where a heading has keys, numbers, percents and the other columns of its form."""
    kinds = {column.name: column for edition in heading.form.editions for column in edition.columns}
    keys = {heading.columns[name] for name in key_columns if name in heading.columns}
    others = {  # what stands in one cell with a key says nothing more
        name: place for name, place in heading.columns.items() if name not in key_columns and place not in keys
    }
    required = [name for name in others if kinds[name].required]
    return Places(
        keys=tuple(heading.columns[name] for name in key_columns if name in heading.columns),
        others=tuple(others.values()),
        numbers=tuple(place for name, place in others.items() if kinds[name].kind in NUMBER_KINDS),
        sums=tuple(place for name, place in others.items() if kinds[name].kind in NUMBER_KINDS - {"percent"}),
        percents=frozenset(place for name, place in others.items() if kinds[name].kind == "percent"),
        least=min(2, len(required)),
        width=len(heading.keys),
        units=unit_aliases(heading.form.region) if any(kinds[name].kind == "unit" for name in key_columns) else {},
        only_keys=len(keys) > 1 and all(kinds[name].nullable for name in required),
    )


def _marked_cells(sheet: Sheet, places: Places) -> dict[int, list[tuple[int, str | None]]]:
    """Row → columns and texts of cells that say more than their value: percents, formulas without a result."""
    texts_of_row: dict[int, list[tuple[int, str | None]]] = {}
    for r, c in sheet.percents:
        if c in places.percents:
            texts_of_row.setdefault(r, []).append((c, percent_text(sheet.rows[r][c])))
    for r, c in sheet.unvalued:
        texts_of_row.setdefault(r, []).append((c, UNVALUED))
    return texts_of_row


def _settled(rows: list[Row], places: Places) -> list[Row]:
    """The rows with those judged that depend on others: a lone name, and which total is the one of the table.

    A lone name inside the table is a section, unless it names one school or unit: then it is a row that nobody filled
    in. Below the table it is a note.
    """
    last = max((place for place, row in enumerate(rows) if row.outcome == "data"), default=-1)
    for place, row in enumerate(rows):
        if row.outcome == LABEL or (row.outcome == "section" and place > last):
            follows = place > 0 and rows[place - 1].outcome in ("data", UNFILLED)
            is_inside = row.outcome == LABEL and (place < last or follows)
            if is_inside and (has_ordinal(row.cells, places) or names_one(row.cells, places)):
                outcome = UNFILLED
            else:
                outcome = "section" if place < last else "note"
            rows[place] = row._replace(outcome=outcome)
    grand = grand_total([(row.outcome, row.cells) for row in rows])
    for place, row in enumerate(rows):
        if row.outcome == "total" and place != grand:
            rows[place] = row._replace(outcome="subtotal")
    return rows
