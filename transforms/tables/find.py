"""The tables of a delivery: each within its edges, several on a sheet too, and the lines above them."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.form import Form
from contracts.grid import Sheet
from transforms.cells.cell import cell_text
from transforms.headings.header import Heading
from transforms.headings.rival import by_data, without_numbering
from transforms.tables.beside import Beside, within_edges
from transforms.tables.sheet_parts import OtherTable, is_meant, parts_of
from transforms.tables.which_form import Seen


@dataclass(frozen=True)
class Edges:
    """Sheets (by their id) without what stands beside their table, and what that is."""

    sheets: dict[int, Sheet]
    beside: list[Beside]


def edged(form: Form, seen: Seen) -> tuple[Seen, Edges]:
    """What was seen of a form, each table within its edges, and its columns settled by their data."""
    edges = Edges({}, [])
    inside: Seen = []
    for sheet, heading in seen:
        if heading.form is form and is_meant(heading):
            own, within, beside = within_edges(sheet, heading)
            if own is not sheet:
                edges.sheets[id(sheet)] = own
            edges.beside.extend(beside)
            inside.append((own, without_numbering(own, by_data(own, within))))
    cut = {id(sheet): edges.sheets.get(id(sheet), sheet) for sheet, _ in seen}
    others = [(cut[id(sheet)], heading) for sheet, heading in seen if heading.form is not form or not is_meant(heading)]
    return [*inside, *others], edges


def tables_of(form: Form, seen: Seen, *, whole: bool) -> tuple[list[tuple[Sheet, Heading]], list[OtherTable]]:
    """The tables of a form in their order, several on a sheet too, and other tables under them.

    A sheet whose heading is meant to be of the form counts, although it lacks a column: it is then named as missing.
    Of a file that is read by blocks only the top is known (not `whole`), and what is under the table is not told.
    """
    of_form = [(sheet, heading) for sheet, heading in seen if heading.form is form]
    meant = [(sheet, heading) for sheet, heading in of_form if is_meant(heading)] or of_form[:1]
    if not whole:
        return meant, []
    headings: list[tuple[Sheet, Heading]] = []
    others: list[OtherTable] = []
    for sheet, heading in meant:
        parts, tables = parts_of(sheet, heading)
        headings += [(sheet, part) for part in parts]
        others += tables
    return headings, others


def stands_alone(other: Form, form: Form) -> bool:
    """Whether a form has a telling column that the other one lacks, so that both are in the file."""
    columns = {column.name for edition in form.editions for column in edition.columns}
    return not set(other.recognised_by) <= columns


def lines_above(sheet: Sheet, heading: Heading) -> list[list[str]]:
    """Filled cells of each line above a table, left to right."""
    lines = sheet.rows[heading.start : heading.first]
    return [[text for value in row if (text := cell_text(value))] for row in lines]
