"""Truth of any form to send: the good rows that its folder of golden cases states, of several schools where it has any,
and how it is read when it is written plainly.
"""

from __future__ import annotations

import io

import openpyxl
import polars as pl
from example import AS_OF, GOOD, RECEIVED, SENDERS, Cells, drained

from contracts.form import Column, Form
from contracts.grain import SCHOOL
from contracts.grid import Grid, Sheet, Value
from contracts.reading import Reading
from contracts.vocabulary import sender_name
from documents.writing.template import template_xlsx
from transforms.identity.identify import Context, Delivery

SENDER = "chainsky"
SCHOOLS = pl.DataFrame(
    [(n, f"70000{n}", f"МБОУ «Тестовая СОШ № {n}»", SENDER, SENDER, 120) for n in range(1, 5)],
    schema=["school_id", "school_code", "short_name", "territory", "subordination", "pupils_6_11"],
    orient="row",
)
DATE = f"по состоянию на {AS_OF:%d.%m.%Y}"


def truth(form: Form) -> list[Cells]:
    """Good rows of a form: for each school where a row is of one, else with a number behind a text that tells them
    apart, if there is one in which any text may stand."""
    good = GOOD[form.name]
    if SCHOOL in form.grain or form.defines_schools or form.pupils:
        return [of_school(row, school) for school in SCHOOLS.to_dicts() for row in good]
    for column in columns_of(form):
        if column.name in form.key and column.kind == "text" and all(column.name in row for row in good):
            many = [{**row, column.name: f"{row[column.name]} {turn}"} for turn in (1, 2, 3) for row in good]
            if plain(form, many).verdict == "accepted":
                return many
    return list(good)


def of_school(good: Cells, school: dict[str, object]) -> Cells:
    """A row of a school; somebody who is named in it is nobody of another school."""
    number = int(str(school["school_id"]))
    name = str(school["short_name"])
    own = {"school_code": school["school_code"], "school_name": name, "short_name": name,
           "full_name": f"{good.get('full_name')}{'абвгде'[number]}"}  # fmt: skip
    return {**good, **{name: str(value) for name, value in own.items() if name in good}}


def columns_of(form: Form) -> tuple[Column, ...]:
    return form.edition_at(AS_OF).columns


def plain(form: Form, rows: list[Cells], register: pl.DataFrame = SCHOOLS) -> Reading:
    """The reading of a table with the titles of the form as headings."""
    columns = columns_of(form)
    body: list[list[Value]] = [[row.get(column.name) for column in columns] for row in rows]
    grid = Grid([Sheet("Лист1", [[DATE], [c.title for c in columns], *body])], "xlsx")
    return read(form, "таблица.xlsx", grid, register)


def read(form: Form, name: str, grid: Grid, register: pl.DataFrame = SCHOOLS) -> Reading:
    """The reading of a delivery of the form's sender; what defines schools is read without any."""
    delivery = Delivery(name, "0" * 64, SENDERS[form.name], RECEIVED, grid)
    known = None if form.defines_schools else register
    (reading,) = drained([delivery], Context(register=known, secret=b"test"))
    return reading


def filled_template(form: Form, rows: list[Cells]) -> tuple[bytes, int, dict[int, int]]:
    """A template filled in as a person would, each row where its unit stands, else on the next free row: its bytes, the
    first row of its data, and number of a row → where it stands, all zero-based."""
    sender = sender_name(SENDERS[form.name]) if form.sender_kind == "reporting_unit" else None
    book = openpyxl.load_workbook(io.BytesIO(template_xlsx(form, AS_OF, sender, [])))
    sheet = book.worksheets[0]
    columns = columns_of(form)
    heading = next(row for row in range(1, 20) if sheet.cell(row, 1).value == columns[0].title)
    standing = {sheet.cell(row, 1).value: row for row in range(heading + 1, sheet.max_row + 1)}
    lines = {turn: standing.get(row.get(columns[0].name), heading + 1 + turn) for turn, row in enumerate(rows)}
    for turn, row in enumerate(rows):
        for place, column in enumerate(columns, 1):
            sheet.cell(lines[turn], place).value = row.get(column.name)
    for line in sheet.iter_rows():
        for cell in line:
            if str(cell.value).startswith("=SUM"):
                cell.value = None
    book.save(out := io.BytesIO())
    return out.getvalue(), heading, {turn: line - 1 for turn, line in lines.items()}
