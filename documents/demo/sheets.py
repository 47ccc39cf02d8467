"""Drawing pages of cells as a workbook or a text file, with the same bytes for the same cells."""

from __future__ import annotations

import csv
import datetime as dt
import io
from dataclasses import dataclass, field
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format

Cell = str | int | float | dt.date | None

CREATED = dt.datetime(2023, 9, 1, 9, 0)  # noqa: DTZ001 - a workbook keeps local time
DAY_ZERO = dt.date(1899, 12, 30)
WIDE, NARROW = 38, 12


@dataclass
class Page:
    """A sheet to draw: cells from A1, merged ranges (first row, first column, last row, last column), zero-based."""

    name: str
    rows: list[list[Cell]] = field(default_factory=list)
    merged: list[tuple[int, int, int, int]] = field(default_factory=list)
    heading: range = range(0)
    wide: tuple[int, ...] = ()


def workbook(pages: list[Page]) -> bytes:
    """The bytes of an xlsx. The text `#REF!` becomes a formula with that error."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.set_properties({"created": CREATED})
        formats = {
            "": book.add_format(),
            "title": book.add_format({"bold": True, "align": "center"}),
            "date": book.add_format({"num_format": "dd.mm.yyyy"}),
            "heading": book.add_format({"bold": True, "text_wrap": True, "border": 1, "valign": "vcenter"}),
        }
        for page in pages:
            _draw(book.add_worksheet(page.name), page, formats)
    return buffer.getvalue()


def _draw(sheet: Any, page: Page, formats: dict[str, Format]) -> None:
    """Draw one page on a worksheet of xlsxwriter."""
    for column in range(max(map(len, page.rows), default=0)):
        sheet.set_column(column, column, WIDE if column in page.wide else NARROW)
    for first_row, first_column, last_row, last_column in page.merged:
        style = formats["heading" if first_row in page.heading else "title"]
        sheet.merge_range(
            first_row, first_column, last_row, last_column, page.rows[first_row][first_column] or "", style
        )
    corners = {merged[:2] for merged in page.merged}
    for r, row in enumerate(page.rows):
        style = formats["heading" if r in page.heading else ""]
        for c, value in enumerate(row):
            if value is None or (r, c) in corners:
                continue
            if value == "#REF!":
                sheet.write_formula(r, c, "=#REF!", style, "#REF!")
            elif isinstance(value, str):
                sheet.write_string(r, c, value, style)
            elif isinstance(value, dt.date):
                sheet.write_datetime(r, c, value, formats["date"])
            else:
                sheet.write_number(r, c, value, style)


def text_file(page: Page, encoding: str) -> bytes:
    """The bytes of a `;` separated file as a spreadsheet program saves it: every row as wide as the table."""
    width = max(map(len, page.rows), default=0)
    buffer = io.StringIO()
    writer = csv.writer(buffer, delimiter=";", lineterminator="\r\n")
    for row in page.rows:
        writer.writerow(["" if value is None else _text(value) for value in row] + [""] * (width - len(row)))
    return buffer.getvalue().encode(encoding)


def _text(value: Cell) -> str:
    return value.strftime("%d.%m.%Y") if isinstance(value, dt.date) else str(value)
