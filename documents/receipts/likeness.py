"""The likeness of a table that is not an xlsx: the same cells at the same addresses in a workbook of ours."""

from __future__ import annotations

import datetime as dt
import io
import math
import re
from functools import cache
from typing import Any

import xlsxwriter
from xlsxwriter.format import Format

from contracts.grid import CellError, Grid, Sheet, Value
from contracts.receipt import SHEET
from documents.reading.formats.extras import ERRORS

CREATED = dt.datetime(2023, 9, 1)  # noqa: DTZ001 - a workbook keeps local time
FIRST_DAY = dt.date(1900, 3, 1)
"""Before it the calendar of spreadsheets has a day too many."""
LONGEST_NAME, LONGEST_TEXT = 31, 32_767
FORBIDDEN = re.compile(r"[\[\]:*?/\\\x00-\x1f]")
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "'")
WIDEST, NARROWEST = 45, 9
ROWS_MEASURED = 200


def likeness(grid: Grid) -> tuple[bytes, dict[str, str]]:
    """An xlsx with the cells of a grid at their addresses, and sheet of the grid → sheet of the xlsx."""
    buffer, names = io.BytesIO(), _sheet_names(grid)
    options = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "nan_inf_to_errors": True}
    with xlsxwriter.Workbook(buffer, options) as book:
        book.set_properties({"created": CREATED})
        formats = {
            "text": book.add_format({"quote_prefix": True}),
            "date": book.add_format({"num_format": "dd.mm.yyyy"}),
            "moment": book.add_format({"num_format": "dd.mm.yyyy hh:mm:ss"}),
            "time": book.add_format({"num_format": "hh:mm:ss"}),
            "duration": book.add_format({"num_format": "[h]:mm:ss"}),
            "percent": book.add_format({"num_format": "0.00%"}),
        }
        for sheet in grid.sheets:
            page = book.add_worksheet(names[sheet.name])
            _draw(page, sheet, formats)
            if not sheet.visible and any(other.visible for other in grid.sheets):
                page.hide()
        first = next((n for n, sheet in enumerate(grid.sheets) if sheet.visible), 0)
        book.worksheets()[first].activate()
        book.worksheets()[first].set_first_sheet()
    return buffer.getvalue(), names


@cache
def blank_workbook() -> tuple[bytes, str]:
    """An xlsx with one blank sheet, and the name of the sheet."""
    buffer = io.BytesIO()
    with xlsxwriter.Workbook(buffer, {"in_memory": True}) as book:
        book.set_properties({"created": CREATED})
        name = str(book.add_worksheet().get_name())
    return buffer.getvalue(), name


def _draw(page: Any, sheet: Sheet, formats: dict[str, Format]) -> None:
    """Draw one sheet; a hidden column or row stays hidden."""
    page.ignore_errors({"number_stored_as_text": "A1:XFD1048576"})
    widths: dict[int, int] = {}
    for r, row in enumerate(sheet.rows):
        for c, value in enumerate(row):
            if value is None:
                continue
            _write(page, r, c, value, formats, is_percent=(r, c) in sheet.percents)
            if r < ROWS_MEASURED:
                widths[c] = max(widths.get(c, 0), min(len(str(value)), WIDEST))
    for c in {*widths, *sheet.hidden_columns}:
        page.set_column(c, c, max(widths.get(c, 0) + 1, NARROWEST), None, {"hidden": c in sheet.hidden_columns})
    for r in sheet.hidden_rows:
        page.set_row(r, None, None, {"hidden": True})
    taken: set[tuple[int, int]] = set()
    for merged in sheet.merged:
        rows, columns = range(merged.first_row, merged.last_row + 1), range(merged.first_column, merged.last_column + 1)
        cells = {(r, c) for r in rows for c in columns} if len(rows) * len(columns) <= 10_000 else taken
        if len(cells) > 1 and taken.isdisjoint(cells):
            taken |= cells
            page.merge_range(rows[0], columns[0], rows[-1], columns[-1], "")
            corner = sheet.rows[rows[0]][columns[0] :][:1] if rows[0] < len(sheet.rows) else []
            if corner and corner[0] is not None:
                _write(page, rows[0], columns[0], corner[0], formats, is_percent=False)


def _write(page: Any, r: int, c: int, value: Value, formats: dict[str, Format], *, is_percent: bool) -> None:
    """Write one cell; a text is a text whatever it begins with."""
    if isinstance(value, bool):
        page.write_boolean(r, c, value)
    elif isinstance(value, int | float):
        if math.isfinite(value):
            page.write_number(r, c, value, formats["percent"] if is_percent else None)
    elif isinstance(value, CellError) and value.text in ERRORS.values():
        page.write_formula(r, c, f"={value.text}", None, value.text)  # an error stays one when it is read again
    elif isinstance(value, dt.datetime) and value.date() >= FIRST_DAY:
        is_day = value.time() == dt.time()
        page.write_datetime(r, c, value.replace(tzinfo=None), formats["date" if is_day else "moment"])
    elif isinstance(value, dt.date) and not isinstance(value, dt.datetime) and value >= FIRST_DAY:
        page.write_datetime(r, c, value, formats["date"])
    elif isinstance(value, dt.time | dt.timedelta):
        page.write_datetime(r, c, value, formats["time" if isinstance(value, dt.time) else "duration"])
    else:
        text = str(value)[:LONGEST_TEXT]
        page.write_string(r, c, text, formats["text"] if text.startswith(FORMULA_STARTS) else None)


def _sheet_names(grid: Grid) -> dict[str, str]:
    """Names that a workbook allows, each once; none is that of our own sheet."""
    names: dict[str, str] = {}
    taken = {SHEET.lower()}
    for sheet in grid.sheets:
        base = _shortened(FORBIDDEN.sub(" ", sheet.name).strip("' "), LONGEST_NAME) or "Таблица"
        name, number = base, 2
        while name.lower() in taken or name.lower() == "history":
            name = f"{_shortened(base, LONGEST_NAME - 5)} ({number})"
            number += 1
        taken.add(name.lower())
        names[sheet.name] = name
    return names


def _shortened(name: str, most: int) -> str:
    """The beginning of a name; a workbook counts a character beyond the usual 65 536 as two."""
    return name.encode("utf-16-le")[: 2 * most].decode("utf-16-le", "ignore").strip("' ")
