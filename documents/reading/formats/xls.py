"""Workbooks of Excel 95 and 97 to 2003 (xls), read from their records of [MS-XLS].

An xls is a stream of records inside the file system of OLE2. Calamine is not used: it takes the texts of Excel 97 for
texts in the code page that the workbook names, reserves memory for whatever size a sheet states, and knows neither
errors of formulas, nor what is hidden, nor number formats with unusual numbers.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from contracts.grid import CellError, Doubt, Grid, Place, Range, Sheet, Unreadable
from documents.reading.formats.extras import ERRORS
from documents.reading.formats.filled import Filled
from documents.reading.formats.kinds import STREAMS, not_a_table
from documents.reading.formats.number_format import BUILT_IN, Kind, kind_of, rk_number, shown
from documents.reading.formats.ole import ole_streams
from documents.reading.formats.xls_text import code_page_name, narrow_text, shared_texts, wide_text

XLS_ERRORS = ERRORS | {0x2B: "#GETTING_DATA"}
FORMULAS = (0x06, 0x206, 0x406)
NUMBER, RK, MULRK, RICH_TEXT, RESULT_TEXT = 0x203, 0x27E, 0xBD, 0xD6, 0x207
LABEL, LABELSST, BOOLERR = 0x204, 0xFD, 0x205
CELL_RECORDS = frozenset((*FORMULAS, NUMBER, RK, MULRK, RICH_TEXT, LABEL, LABELSST, BOOLERR))
SHEET_KINDS = {2: "Chart", 6: "Vba"}
"""Sheets without cells, by the kind that the workbook states."""


def read_xls(data: bytes) -> Grid:
    """The sheets of an xls. Raises Unreadable for what is no sound workbook."""
    try:
        return _read(_workbook_stream(data))
    except (struct.error, IndexError):
        raise Unreadable("corrupt", "The file is a damaged xls workbook; it may have been cut off.") from None


def _workbook_stream(data: bytes) -> bytes:
    """The stream of records of an xls, out of the OLE2 file system around it."""
    streams = ole_streams(data)
    if "EncryptedPackage" in streams:
        raise Unreadable("encrypted", "The workbook is protected by a password.")
    for name in ("Workbook", "Book"):
        if name in streams:
            return streams[name]
    names = {name.lower() for name in streams}
    for name, what, looks in STREAMS:
        if name in names:
            raise not_a_table(what, looks)
    raise not_a_table("an old Office file without a workbook", "document")


@dataclass(frozen=True)
class _SheetAt:
    """Where the records of a sheet begin."""

    begin: int
    name: str
    visible: bool
    kind: int


@dataclass
class _Book:
    """What the first records say of all sheets."""

    is_biff8: bool
    is_1904: bool = False
    encoding: str = "cp1252"
    formats: dict[int, Kind | None] = field(default_factory=lambda: dict(BUILT_IN))
    styles: list[int] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)
    sheets: list[_SheetAt] = field(default_factory=list)

    def kind(self, style: int) -> Kind | None:
        """What a cell style makes of a number."""
        return self.formats.get(self.styles[style]) if style < len(self.styles) else None

    def text(self, data: bytes, width: int) -> str:
        """A text that begins with its length in `width` bytes: in UTF-16 or its lower half since Excel 97, whatever
        code page is stated; in the code page before."""
        return wide_text(data, width) if self.is_biff8 else narrow_text(data, width, self.encoding)


def _read(stream: bytes) -> Grid:
    book = _book(stream)
    sheets: list[Sheet] = []
    notes: list[str] = []
    doubts: list[Doubt] = []
    for about in book.sheets:
        if about.kind in SHEET_KINDS:
            notes.append(f"sheet {about.name!r} has no cells: it is a {SHEET_KINDS[about.kind]}")
            continue
        if about.begin + 4 > len(stream) or struct.unpack_from("<H", stream, about.begin)[0] != 0x809:
            doubts.append(Doubt("parts", f"лист «{about.name}»: его содержимого в файле нет"))
            continue
        sheet, unsure = _filled(stream, about, book).sheet(visible=about.visible)
        sheets.append(sheet)
        doubts += unsure
    return Grid(sheets, "xls", tuple(notes), tuple(doubts))


def _book(stream: bytes) -> _Book:
    book = _Book(is_biff8=len(stream) >= 6 and stream[5] != 5)  # the version in the first record
    named: list[tuple[int, bytes, int, int]] = []
    records = list(_records(stream, 0))
    for place, (kind, start, size) in enumerate(records):
        body = stream[start : start + size]
        if kind == 0x2F:  # FILEPASS
            raise Unreadable("encrypted", "The workbook is protected by a password.")
        if kind == 0xFC:  # SST, which goes on in the CONTINUE records after it
            pieces = [body]
            for following, at, length in records[place + 1 :]:
                if following != 0x3C:
                    break
                pieces.append(stream[at : at + length])
            book.texts = shared_texts(pieces)
        elif kind == 0x22 and size >= 2:  # DATEMODE
            book.is_1904 = body[0] == 1
        elif kind == 0x42 and size >= 2:  # CODEPAGE
            book.encoding = code_page_name(struct.unpack_from("<H", body)[0])
        elif kind == 0x41E and size >= 5:  # FORMAT
            book.formats[struct.unpack_from("<H", body)[0]] = kind_of(book.text(body[2:], 2 if book.is_biff8 else 1))
        elif kind == 0xE0 and size >= 4:  # XF
            book.styles.append(struct.unpack_from("<H", body, 2)[0])
        elif kind == 0x85 and size >= 7:  # BOUNDSHEET; the code page may come after it
            named.append((struct.unpack_from("<I", body)[0], body[6:], body[4] & 3, body[5]))
    book.sheets = [_SheetAt(begin, book.text(name, 1), state == 0, kind) for begin, name, state, kind in named]
    return book


def _filled(stream: bytes, about: _SheetAt, book: _Book) -> Filled:
    """The cells of a sheet. What it states of its size (DIMENSIONS) does not matter."""
    filled = Filled(about.name)
    extra = filled.extra
    awaited: Place | None = None  # a formula whose text comes in the next record
    for kind, start, size in _records(stream, about.begin):
        if kind == 0xE5 and size >= 2:  # MERGECELLS
            (count,) = struct.unpack_from("<H", stream, start)
            for first, last, left, right in struct.iter_unpack("<4H", stream[start + 2 : start + 2 + 8 * count]):
                extra.merged.append(Range(first, left, last, right))
        elif kind == 0x208 and size >= 16 and stream[start + 12] & 0x20:  # ROW
            (row,) = struct.unpack_from("<H", stream, start)
            extra.hidden_rows.add(row, row)
        elif kind == 0x7D and size >= 10 and stream[start + 8] & 1:  # COLINFO
            first, last = struct.unpack_from("<HH", stream, start)
            extra.hidden_columns.add(first, last)
        elif kind == RESULT_TEXT:
            if awaited and (text := book.text(stream[start : start + size], 2)):
                filled.put(*awaited, text)
            awaited = None
        elif kind in CELL_RECORDS and size >= 6:
            if awaited:
                extra.unvalued.add(awaited)
            awaited = _cell(filled, stream[start : start + size], kind, book)
    if awaited:
        extra.unvalued.add(awaited)
    return filled


def _cell(filled: Filled, body: bytes, kind: int, book: _Book) -> Place | None:
    """Keep one cell record; the place of a formula whose text is still to come."""
    row, column, style = struct.unpack_from("<HHH", body)
    size = len(body)
    if kind == BOOLERR and size >= 8:
        filled.put(row, column, _error(body[6]) if body[7] else bool(body[6]))
    # FORMULA: the last result is no number if it ends with FFFF; then its first byte tells what it is
    elif kind in FORMULAS and size >= 14 and body[12:14] == b"\xff\xff":
        if body[6] == 0:
            return row, column
        if body[6] in (1, 2):
            filled.put(row, column, bool(body[8]) if body[6] == 1 else _error(body[8]))
    elif kind in (*FORMULAS, NUMBER) and size >= 14:
        _number(filled, (row, column), struct.unpack_from("<d", body, 6)[0], style, book)
    elif kind == RK and size >= 10:
        _number(filled, (row, column), rk_number(struct.unpack_from("<i", body, 6)[0]), style, book)
    elif kind == MULRK:
        for at in range((size - 6) // 6):
            style, raw = struct.unpack_from("<Hi", body, 4 + 6 * at)
            _number(filled, (row, column + at), rk_number(raw), style, book)
    elif kind == LABELSST and size >= 10:
        if text := book.texts[struct.unpack_from("<I", body, 6)[0]]:
            filled.put(row, column, text)
    elif kind in (LABEL, RICH_TEXT) and size >= 8 and (text := book.text(body[6:], 2)):
        filled.put(row, column, text)
    return None


def _error(code: int) -> CellError:
    return CellError(XLS_ERRORS.get(code, "#UNKNOWN!"))


def _number(filled: Filled, place: Place, value: float, style: int, book: _Book) -> None:
    kind = book.kind(style)
    if kind == "percent":
        filled.extra.percents.add(place)
    filled.put(*place, shown(value, kind, book.is_1904))


def _records(stream: bytes, position: int) -> Iterator[tuple[int, int, int]]:
    """Kind, start and length of the records from a BOF to its EOF, leaving out charts, which have their own pair."""
    depth = 0
    while position + 4 <= len(stream):
        kind, size = struct.unpack_from("<HH", stream, position)
        depth += (kind == 0x809) - (kind == 0x0A)
        if depth <= 0:
            return
        if depth == 1:
            yield kind, position + 4, size
        position += 4 + size
