"""What calamine does not tell of an xls: errors, merges, what is hidden, percents, some dates, the promised size.

An xls is a stream of records inside the file system of OLE2. Calamine takes the results of formulas for plain numbers,
passes over number formats with unusual numbers, misreads those of Excel 5 and leaves out its texts with several fonts.
"""

from __future__ import annotations

import codecs
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field

from contracts.grid import Place, Range, Unreadable
from documents.extras import ERRORS, Extras
from documents.limits import LIMITS
from documents.number_format import BUILT_IN, Kind, kind_of, rk_number, shown
from documents.ole import ole_streams

XLS_ERRORS = ERRORS | {0x2B: "#GETTING_DATA"}
FORMULAS = (0x06, 0x206, 0x406)
NUMBER, RK, MULRK, RICH_TEXT, RESULT_TEXT = 0x203, 0x27E, 0xBD, 0xD6, 0x207
# LABEL, LABELSST, BOOLERR: the other records of an xls that fill a cell.
CELL_RECORDS = frozenset((*FORMULAS, NUMBER, RK, MULRK, RICH_TEXT, 0x204, 0xFD, 0x205))


def xls_extras(data: bytes) -> list[Extras]:
    """What is beside the values, sheet by sheet. Raises Unreadable for what is no sound workbook."""
    try:
        return _extras(_workbook_stream(data))
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
    what = "an old Office file without a workbook"
    if "WordDocument" in streams:
        what = "a Word document"
    elif "PowerPoint Document" in streams:
        what = "a PowerPoint presentation"
    raise Unreadable("unknown", f"The file is not a table; it looks like {what}.")


# Records of a 16-bit kind and a 16-bit length


@dataclass
class _Book:
    """What the first records say of all sheets."""

    is_biff8: bool
    is_1904: bool = False
    encoding: str = "cp1252"
    formats: dict[int, Kind | None] = field(default_factory=lambda: dict(BUILT_IN))
    styles: list[int] = field(default_factory=list)
    begins: list[int] = field(default_factory=list)

    def kind(self, style: int) -> Kind | None:
        """What a cell style makes of a number."""
        return self.formats.get(self.styles[style]) if style < len(self.styles) else None


def _extras(stream: bytes) -> list[Extras]:
    book = _book(stream)
    sheets: list[Extras] = []
    for begin in book.begins:
        sheets.append(_extras_of_sheet(stream, begin, book))
        sheets[-1].check_size(str(len(sheets)))
    return sheets


def _book(stream: bytes) -> _Book:
    book = _Book(is_biff8=len(stream) >= 6 and stream[5] != 5)  # the version in the first record
    for kind, start, size in _records(stream, 0):
        if kind == 0x2F:  # FILEPASS; calamine would go on and fail on the scrambled records after it
            raise Unreadable("encrypted", "The workbook is protected by a password.")
        if kind == 0xFC and struct.unpack_from("<I", stream, start + 4)[0] > len(stream):  # SST: how many texts
            raise IndexError("more texts than bytes")  # calamine would reserve memory for them
        if kind == 0x22 and size >= 2:  # DATEMODE
            book.is_1904 = stream[start] == 1
        elif kind == 0x42 and size >= 2:  # CODEPAGE
            book.encoding = _encoding(struct.unpack_from("<H", stream, start)[0])
        elif kind == 0x41E and size >= 5:  # FORMAT
            code = _format_code(stream, start, size, book.is_biff8)
            book.formats[struct.unpack_from("<H", stream, start)[0]] = kind_of(code)
        elif kind == 0xE0 and size >= 4:  # XF
            book.styles.append(struct.unpack_from("<H", stream, start + 2)[0])
        elif kind == 0x85 and size >= 4:  # BOUNDSHEET: where the records of a sheet begin
            book.begins.append(struct.unpack_from("<I", stream, start)[0])
    return book


def _format_code(stream: bytes, start: int, size: int, is_biff8: bool) -> str:
    """Code of a number format; its letters outside ASCII are only quoted text, so a code page does not matter."""
    if not is_biff8:
        return stream[start + 3 : start + size].decode("latin-1")
    is_wide = stream[start + 4] & 1
    return stream[start + 5 : start + size].decode("utf-16-le" if is_wide else "latin-1", "replace")


def _encoding(code_page: int) -> str:
    name = {10000: "mac_roman", 10007: "mac_cyrillic", 32768: "mac_roman", 32769: "cp1252"}.get(code_page)
    try:
        return codecs.lookup(name or f"cp{code_page}").name
    except LookupError:
        return "cp1252"


def _extras_of_sheet(stream: bytes, begin: int, book: _Book) -> Extras:
    extra = Extras()
    awaited: Place | None = None  # a formula whose text comes in the next record
    for kind, start, size in _records(stream, begin):
        if kind == 0x200:  # DIMENSIONS, for which calamine reserves memory
            top, bottom, left, right = struct.unpack_from("<IIHH" if size == 14 else "<HHHH", stream, start)
            # It subtracts without a sign: the end before the start is an immense rectangle.
            if bottom and right and ((bottom - top) % 2**32) * ((right - left) % 2**32) > LIMITS.get().cells:
                raise Unreadable("too_large", f"A sheet is said to span rows {top} to {bottom}.")
        elif kind == 0xE5:  # MERGECELLS, which calamine misses when a chart stands before it
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
            awaited = None
        elif kind in CELL_RECORDS and size >= 6:
            if awaited:
                extra.unvalued.add(awaited)
            awaited = _cell(extra, stream, kind, start, size, book)
    if awaited:
        extra.unvalued.add(awaited)
    return extra


def _cell(extra: Extras, stream: bytes, kind: int, start: int, size: int, book: _Book) -> Place | None:
    """Note one cell record; the place of a formula whose text is still to come."""
    row, column, style = struct.unpack_from("<HHH", stream, start)
    extra.fill(row, column)
    code = None
    if kind == 0x205 and size >= 8 and stream[start + 7]:  # BOOLERR
        code = stream[start + 6]
    # FORMULA: the last result is no number if it ends with FFFF; it begins with 0 for a text, with 2 for an error
    elif kind in FORMULAS and size >= 14 and stream[start + 12 : start + 14] == b"\xff\xff":
        if stream[start + 6] == 0:
            return row, column
        code = stream[start + 8] if stream[start + 6] == 2 else None
    elif kind in (*FORMULAS, NUMBER) and size >= 14:
        _number(extra, (row, column), struct.unpack_from("<d", stream, start + 6)[0], style, book)
    elif kind == RK and size >= 10:
        _number(extra, (row, column), rk_number(struct.unpack_from("<i", stream, start + 6)[0]), style, book)
    elif kind == MULRK:
        for at in range((size - 6) // 6):
            style, raw = struct.unpack_from("<Hi", stream, start + 4 + 6 * at)
            _number(extra, (row, column + at), rk_number(raw), style, book)
    elif kind == RICH_TEXT and size >= 8 and not book.is_biff8:
        (length,) = struct.unpack_from("<H", stream, start + 6)
        text = stream[start + 8 : start + min(8 + length, size)].decode(book.encoding, "replace")
        extra.values[row, column] = text or None
    if code in XLS_ERRORS:
        extra.errors[row, column] = XLS_ERRORS[code]
    return None


def _number(extra: Extras, place: Place, value: float, style: int, book: _Book) -> None:
    extra.fill(*place)
    kind = book.kind(style)
    if kind == "percent":
        extra.percents.add(place)
    if kind in ("moment", "span") or not book.is_biff8:  # calamine misreads the formats of Excel 5
        extra.values[place] = shown(value, kind, book.is_1904)


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
