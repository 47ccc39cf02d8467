"""Workbooks of all kinds through calamine, and beside it what calamine does not tell: error cells, merges of ods.

Calamine drops the text of error cells, gives no merges for ods, refuses a whole sheet for an error it does not know,
and takes memory for the whole rectangle of a sheet at once. So the raw sheets are looked at before it reads them.
"""

from __future__ import annotations

import io
import posixpath
import re
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

from contracts.grid import CellError, Grid, Range, Sheet, Unreadable, Value
from documents.extras import CELL_LIMIT, ERRORS, Extras, walk
from documents.ods import ods_extras

EXACT = 2**53  # whole numbers below this are exact in a spreadsheet

ADDRESS = re.compile(rb"""r=["']([A-Za-z]+)([0-9]+)["']""")
FAR_ADDRESS = re.compile(rb"""r=["'](?:[A-Za-z]{3,}[0-9]|[A-Za-z]+[0-9]{5})""")  # past column ZZ or row 9999
TEXT_COUNT = re.compile(rb"""uniqueCount=["']([0-9]+)""")
ERROR_TAG = re.compile(rb"""(<(?:\w+:)?c\s[^>]*?\bt=)(?:"e"|'e')""")
ERROR_MARKS = (b't="e"', b"t='e'")


def read_zip(data: bytes, archive: zipfile.ZipFile, kind: str) -> Grid:
    """Read xlsx, xlsm, xlsb or ods; the archive is the same bytes, opened."""
    try:
        if kind == "ods":
            return _read(data, kind, ods_extras(archive))
        if kind == "xlsb":
            return _read(data, kind, [])
        _check_text_count(archive)
        members = _xlsx_members(archive)
        extras = [_xlsx_extras(archive, name, member) for name, member in members]
    except (expat.ExpatError, LookupError):  # LookupError: no such encoding
        raise Unreadable("corrupt", f"The {kind} workbook has a damaged part.") from None
    odd = {
        member
        for (_, member), extra in zip(members, extras, strict=True)
        if not set(ERRORS.values()).issuperset(extra.errors.values())
    }
    return _read(_with_errors_as_text(archive, odd) if odd else data, kind, extras)


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
            notes.append(f"error cells of this {kind} are read as blank")
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
    for (r, c), text in extra.errors.items():
        rows.extend([] for _ in range(r + 1 - len(rows)))
        rows[r].extend(None for _ in range(c + 1 - len(rows[r])))
        rows[r][c] = CellError(text)
    while rows and all(value is None for value in rows[-1]):
        rows.pop()
    ranges = {Range(top, left, bottom, right) for (top, left), (bottom, right) in source.merged_cell_ranges or ()}
    merged = sorted(ranges.union(extra.merged), key=lambda m: (m.first_row, m.first_column, m.last_row, m.last_column))
    return Sheet(name, rows, merged, visible)


# xlsx: a cell is <c r="B2" t="e"><f>1/0</f><v>#DIV/0!</v></c>


def _xlsx_members(archive: zipfile.ZipFile) -> list[tuple[str, str]]:
    """Name of each sheet and the part that holds it, in the order of the workbook."""
    parts = {name.replace("\\", "/").lower(): name for name in archive.namelist()}
    targets: dict[str, str] = {}
    sheets: list[tuple[str, str]] = []

    def relation(tag: str, attributes: dict[str, str]) -> None:
        if tag.endswith("Relationship"):
            path = posixpath.normpath(posixpath.join("/xl", attributes.get("Target", "")))
            targets[attributes.get("Id", "")] = parts.get(path.lstrip("/").lower(), "")

    def sheet(tag: str, attributes: dict[str, str]) -> None:
        if tag.rpartition(":")[2] == "sheet":
            target = next((value for key, value in attributes.items() if key.endswith(":id")), "")
            sheets.append((attributes.get("name", ""), targets.get(target, "")))

    for part, handler in (("xl/_rels/workbook.xml.rels", relation), ("xl/workbook.xml", sheet)):
        if part in parts:
            walk(archive, parts[part], handler)
    return sheets


def _xlsx_extras(archive: zipfile.ZipFile, name: str, member: str) -> Extras:
    """A quick look at the bytes; only a sheet with error cells, no addresses or far addresses is parsed."""
    if not member:
        return Extras()
    is_odd = is_far = has_addresses = False
    chunk = b""
    with archive.open(member) as part:
        while fresh := part.read(1 << 22):
            chunk = chunk[-40:] + fresh  # a mark may lie across the border
            is_odd = is_odd or any(mark in chunk for mark in ERROR_MARKS)
            is_far = is_far or FAR_ADDRESS.search(chunk) is not None
            has_addresses = has_addresses or ADDRESS.search(chunk) is not None
    if is_odd or not has_addresses or (is_far and _rectangle(archive, member) > CELL_LIMIT):
        parser = _SheetParser()
        walk(archive, member, parser.start, parser.end, parser.text)
        parser.extra.check_size(name)
        return parser.extra
    return Extras()


def _rectangle(archive: zipfile.ZipFile, member: str) -> int:
    """Cells up to the farthest address of a large sheet, blank cells that are only formatted included."""
    columns: set[bytes] = set()
    rows = 0
    chunk = b""
    with archive.open(member) as part:
        while fresh := part.read(1 << 20):
            chunk = chunk[-40:] + fresh
            found = ADDRESS.findall(chunk)
            columns.update(column for column, _ in found)
            rows = max(rows, max((int(row) for _, row in found), default=0))
    return rows * max(_column_number(column.decode()) for column in columns)


def _check_text_count(archive: zipfile.ZipFile) -> None:
    """Calamine reserves memory for as many shared texts as the part promises."""
    for member in archive.infolist():
        if member.filename.lower().endswith("sharedstrings.xml"):
            with archive.open(member) as part:
                promised = TEXT_COUNT.search(part.read(4096))
            if promised and int(promised[1]) > member.file_size:
                raise Unreadable("corrupt", "The workbook promises more texts than it has bytes.")


class _SheetParser:
    """Finds the filled rectangle and the error cells of a sheet. Cells without an address follow one another."""

    def __init__(self) -> None:
        self.extra = Extras()
        self.row = self.column = -1
        self.is_error = False
        self.value: list[str] | None = None

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = tag.rpartition(":")[2]
        if tag == "row":
            self.row = int(attributes.get("r", self.row + 2)) - 1
            self.column = -1
        elif tag == "c":
            self.column += 1
            if match := re.fullmatch(r"([A-Za-z]+)(\d+)", attributes.get("r", "")):
                self.column, self.row = _column_number(match[1]) - 1, int(match[2]) - 1
            self.is_error = attributes.get("t") == "e"
        elif tag in ("v", "is"):
            self.extra.fill(self.row, self.column)
            self.value = [] if self.is_error else None

    def text(self, text: str) -> None:
        if self.value is not None:
            self.value.append(text)

    def end(self, tag: str) -> None:
        if self.value is not None and tag.rpartition(":")[2] == "v":
            if error := "".join(self.value).strip():
                self.extra.errors[self.row, self.column] = error
            self.value = None


def _column_number(letters: str) -> int:
    """A is 1, AA is 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def _with_errors_as_text(archive: zipfile.ZipFile, members: set[str]) -> bytes:
    """The workbook with the error cells of some sheets turned into texts: calamine refuses errors it does not know."""
    patched = io.BytesIO()
    with zipfile.ZipFile(patched, "w") as copy:
        for name in archive.namelist():
            part = archive.read(name)
            copy.writestr(name, ERROR_TAG.sub(rb'\1"str"', part) if name in members else part)
    return patched.getvalue()
