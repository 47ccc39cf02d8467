"""Workbooks of all kinds: xlsx and xls through calamine and beside it, ods and xlsb by readers of our own.

Calamine drops the text of error cells, refuses a whole sheet for an error it does not know, and takes memory for the
whole rectangle of a sheet at once. So the raw sheets are looked at before it reads them.
"""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from contextlib import contextmanager
from xml.parsers import expat

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

from contracts.grid import Grid, Range, Sheet, Unreadable, Value
from documents.extras import Extras
from documents.number_format import EXACT
from documents.ods import read_ods
from documents.xlsb import read_xlsb
from documents.xlsx import xlsx_extras


def read_zip(data: bytes, archive: zipfile.ZipFile, kind: str) -> Grid:
    """Read xlsx, xlsm, xlsb or ods; the archive is the same bytes, opened."""
    try:
        if kind == "ods":
            return Grid(read_ods(archive), kind)
        if kind == "xlsb":
            sheets, notes = read_xlsb(archive)
            return Grid(sheets, kind, tuple(notes))
        extras, patched = xlsx_extras(archive)
    except (expat.ExpatError, LookupError):  # LookupError: no such encoding
        raise Unreadable("corrupt", f"The {kind} workbook has a damaged part.") from None
    return _read(patched or data, kind, extras)


def read_xls(data: bytes, extras: list[Extras]) -> Grid:
    """Read an xls; its records were looked at already."""
    return _read(data, "xls", extras)


def _read(data: bytes, kind: str, extras: list[Extras]) -> Grid:
    sheets: list[Sheet] = []
    notes: list[str] = []
    with refusals(kind):
        book = load_workbook(io.BytesIO(data))
        is_known = len(extras) == len(book.sheets_metadata)  # else errors would be put into the wrong sheets
        if not is_known:
            notes.append(f"error cells of this {kind} are read as blank, and what is hidden is not known")
        for index, about in enumerate(book.sheets_metadata):
            if about.typ not in (SheetTypeEnum.WorkSheet, SheetTypeEnum.MacroSheet):
                notes.append(f"sheet {about.name!r} has no cells: it is a {str(about.typ).rpartition('.')[2]}")
                continue
            extra = extras[index] if is_known else Extras()
            sheets.append(_sheet(book, index, about.name, about.visible == SheetVisibleEnum.Visible, extra))
    return Grid(sheets, kind, tuple(notes))


@contextmanager
def refusals(kind: str) -> Iterator[None]:
    """Turn the failures of calamine into Unreadable. Their texts may quote cells, so they are not passed on."""
    corrupt = Unreadable("corrupt", f"The {kind} workbook is damaged and cannot be read.")
    try:
        yield
    except PasswordError:
        raise Unreadable("encrypted", "The workbook is protected by a password.") from None
    except (CalamineError, ValueError, OverflowError, OSError):
        raise corrupt from None
    except BaseException as error:
        # A panic of the Rust code is no Exception, and its class cannot be imported.
        if type(error).__module__ == "pyo3_runtime":
            raise corrupt from None
        raise


def _sheet(book: CalamineWorkbook, index: int, name: str, visible: bool, extra: Extras) -> Sheet:
    source = book.get_sheet_by_index(index)
    if source.end is not None:
        Extras(rows=source.end[0] + 1, columns=source.end[1] + 1).check_size(name)
    # Calamine gives every number of xlsx as float; a blank and an empty text are the same to it.
    rows: list[list[Value]] = [
        [
            None
            if value == ""
            else int(value)
            if value.__class__ is float and value.is_integer() and -EXACT < value < EXACT
            else value
            for value in row
        ]
        for row in source.to_python(skip_empty_area=False)
    ]
    for (top, left), (bottom, right) in source.merged_cell_ranges or ():
        extra.merged.append(Range(top, left, bottom, right))
    return extra.sheet(name, rows, visible=visible)
