"""Workbooks of all kinds through calamine, and beside it what calamine does not tell: error cells, merges of ods.

Calamine drops the text of error cells, gives no merges for ods, refuses a whole sheet for an error it does not know,
and takes memory for the whole rectangle of a sheet at once. So the raw sheets are looked at before it reads them.
"""

from __future__ import annotations

import io
import posixpath
import re
import struct
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from xml.parsers import expat

from python_calamine import (
    CalamineError,
    CalamineWorkbook,
    PasswordError,
    SheetTypeEnum,
    SheetVisibleEnum,
    load_workbook,
)

from contracts.grid import CellError, Grid, Range, Sheet, Unreadable, Value

CELL_LIMIT = 50_000_000  # rows times columns of a sheet
EXACT = 2**53  # whole numbers below this are exact in a spreadsheet

ERRORS = {0x00: "#NULL!", 0x07: "#DIV/0!", 0x0F: "#VALUE!", 0x17: "#REF!", 0x1D: "#NAME?", 0x24: "#NUM!", 0x2A: "#N/A"}
ERROR_TEXT = re.compile(r"#(NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A)|(Err|Ошибка|Ошиб|Err\.):\d{3}")
REFERENCE = re.compile(rb"""\sr=["']([A-Za-z]*)([0-9]+)["']""")
ERROR_TAG = re.compile(rb"""(<(?:\w+:)?c\s[^>]*?\bt=)(?:"e"|'e')""")
MARKS = (b't="e"', b"t='e'")


@dataclass
class Extras:
    """What the raw sheet says beside the values: its error cells, merges and the size of the filled rectangle."""

    errors: dict[tuple[int, int], str] = field(default_factory=dict)
    merged: list[Range] = field(default_factory=list)
    rows: int = 0
    columns: int = 0

    def fill(self, row: int, column: int) -> None:
        self.rows, self.columns = max(self.rows, row + 1), max(self.columns, column + 1)

    def check_size(self, name: str) -> None:
        if self.rows * self.columns > CELL_LIMIT:
            raise Unreadable("too_large", f"Sheet {name!r} spans {self.rows} rows and {self.columns} columns.")


def read_zip(data: bytes, archive: zipfile.ZipFile, kind: str) -> Grid:
    """Read xlsx, xlsm, xlsb or ods; the archive is the same bytes, opened."""
    try:
        if kind == "ods":
            return _read(data, kind, _ods_extras(archive))
        if kind == "xlsb":
            return _read(data, kind, [])
        members = _xlsx_members(archive)
        extras = [_xlsx_extras(archive, name, member) for name, member in members]
    except expat.ExpatError:
        raise Unreadable("corrupt", f"The {kind} workbook has a damaged part.") from None
    odd = {
        member
        for (_, member), extra in zip(members, extras, strict=True)
        if not set(ERRORS.values()).issuperset(extra.errors.values())
    }
    return _read(_with_errors_as_text(archive, odd) if odd else data, kind, extras)


def read_xls(data: bytes, stream: bytes) -> Grid:
    """Read an xls; `stream` holds its records."""
    try:
        extras = _xls_extras(stream)
    except struct.error:
        raise Unreadable("corrupt", "The xls workbook has a damaged record.") from None
    return _read(data, "xls", extras)


def _read(data: bytes, kind: str, extras: list[Extras]) -> Grid:
    sheets: list[Sheet] = []
    notes: list[str] = []
    with _refusals(kind):
        book = load_workbook(io.BytesIO(data))
        sheet_count = len(book.sheets_metadata)
        for index, about in enumerate(book.sheets_metadata):
            if about.typ not in (SheetTypeEnum.WorkSheet, SheetTypeEnum.MacroSheet):
                notes.append(f"sheet {about.name!r} has no cells: it is a {about.typ.name}")
                continue
            # Without one entry a sheet we would put errors into the wrong sheets.
            extra = extras[index] if len(extras) == sheet_count else Extras()
            sheets.append(_sheet(book, index, about.name, about.visible == SheetVisibleEnum.Visible, extra))
    return Grid(sheets, kind, tuple(notes))


@contextmanager
def _refusals(kind: str) -> Iterator[None]:
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
    for (r, c), text in extra.errors.items():
        rows.extend([] for _ in range(r + 1 - len(rows)))
        rows[r].extend(None for _ in range(c + 1 - len(rows[r])))
        rows[r][c] = CellError(text)
    while rows and all(value is None for value in rows[-1]):
        rows.pop()
    ranges = {Range(top, left, bottom, right) for (top, left), (bottom, right) in source.merged_cell_ranges or ()}
    merged = sorted(
        ranges.union(extra.merged), key=lambda m: (m.first_row, m.first_column, m.last_row, m.last_column)
    )
    return Sheet(name, rows, merged, visible)


# xlsx


def _xlsx_members(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Name of each sheet and the part that holds it, in the order of the workbook."""
    parts = {name.replace("\\", "/").lower(): name for name in archive.namelist()}
    targets: dict[str, str] = {}
    sheets: list[tuple[str, str]] = []

    def relation(tag: str, attributes: dict[str, str]) -> None:
        if tag == "Relationship":
            path = posixpath.normpath(posixpath.join("/xl", attributes.get("Target", "")))
            targets[attributes.get("Id", "")] = parts.get(path.lstrip("/").lower(), "")

    def sheet(tag: str, attributes: dict[str, str]) -> None:
        if tag == "sheet":
            sheets.append((attributes.get("name", ""), targets.get(attributes.get("id", ""), "")))

    for part, handler in (("xl/_rels/workbook.xml.rels", relation), ("xl/workbook.xml", sheet)):
        if part in parts:
            _walk(archive, parts[part], handler)
    return sheets


def _walk(
    archive: zipfile.ZipFile,
    member: str,
    start: Callable[[str, dict[str, str]], None],
    end: Callable[[str], None] | None = None,
    text: Callable[[str], None] | None = None,
) -> None:
    """Stream a part through expat with local names. Entities are not ours to expand: a DTD is refused."""

    def refuse(*_: object) -> None:
        raise Unreadable("corrupt", "The workbook declares XML entities, which spreadsheets never do.")

    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda tag, attributes: start(
        tag.rpartition(":")[2], {key.rpartition(":")[2]: value for key, value in attributes.items()}
    )
    if end is not None:
        parser.EndElementHandler = lambda tag: end(tag.rpartition(":")[2])
    if text is not None:
        parser.CharacterDataHandler = text
    parser.StartDoctypeDeclHandler = refuse
    with archive.open(member) as part:
        parser.ParseFile(part)


def _xlsx_extras(archive: zipfile.ZipFile, name: str, member: str) -> Extras:
    """A quick look at the bytes; only a sheet with error cells or odd addresses is parsed."""
    extra = Extras()
    if not member:
        return extra
    letters: set[bytes] = set()
    suspicious = False
    tail = b""
    with archive.open(member) as part:
        while chunk := part.read(1 << 22):
            chunk = tail + chunk
            tail = chunk[-40:]
            suspicious = suspicious or any(mark in chunk for mark in MARKS)
            for column, row in REFERENCE.findall(chunk):
                letters.add(column)
                if len(row) > 4:
                    
                    extra.rows = max(extra.rows, int(row))
    return extra
