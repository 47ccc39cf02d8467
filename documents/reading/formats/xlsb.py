"""Binary workbooks (xlsb), read from their records of [MS-XLSB].

Calamine is not used: it takes whole dates for numbers, passes over short and rich-text cells, and knows neither
merges nor errors nor what is hidden. A formula of an xlsb always has a result.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from contracts.grid import CellError, Doubt, Grid, Place, Range, Sheet, Unreadable, Value
from documents.reading.formats.extras import ERRORS
from documents.reading.formats.filled import Filled
from documents.reading.formats.number_format import BUILT_IN, Kind, kind_of, rk_number, shown
from documents.reading.formats.opc import Package, Relation

XLSB_ERRORS = ERRORS | {0x2B: "#GETTING_DATA"}
# Cells from blank to shared text, formulas from text to error, cells without a column (they stand next to another).
BLANK, RK, ERROR, BOOL, REAL, TEXT, SHARED = range(1, 8)
FORMULA_TEXT, FORMULA_REAL, FORMULA_BOOL, FORMULA_ERROR = range(8, 12)
FIRST_SHORT, LAST_SHORT, RICH_TEXT = 12, 18, 62
ROW, SHARED_TEXT, FORMAT, STYLE, COLUMNS, MERGE = 0, 19, 44, 47, 60, 176
WORKBOOK, SHEET, BEGIN_CELL_STYLES, END_CELL_STYLES = 153, 156, 617, 618
NOTHING = 0xFFFFFFFF  # length of a text that is absent
STYLE_BITS = 0xFFFFFF


def read_xlsb(package: Package) -> Grid:
    """The sheets, and notes on those without cells. Raises Unreadable for a broken record."""
    try:
        return _read(package)
    except (struct.error, IndexError, UnicodeDecodeError):
        raise Unreadable("corrupt", "The xlsb workbook has a damaged part.") from None


@dataclass(frozen=True)
class _Book:
    """What all sheets share: texts, what each cell style makes of a number, and the first day."""

    texts: list[str]
    kinds: list[Kind | None]
    is_1904: bool

    def number(self, value: float, style: int, place: Place, filled: Filled) -> Value:
        kind = self.kinds[style] if style < len(self.kinds) else None
        if kind == "percent":
            filled.extra.percents.add(place)
        return shown(value, kind, self.is_1904)


def _read(package: Package) -> Grid:
    main = package.main_part
    relations = package.relations(main)
    kinds = {relation.kind: relation.member for relation in relations.values()}

    def part(kind: str, usual: str) -> bytes:
        member = kinds.get(kind) or package.member(usual)
        return package.archive.read(member) if member else b""

    shared, book = part("sharedstrings", "xl/sharedStrings.bin"), package.archive.read(main)
    about = _Book(
        [_text(shared, at + 1) for kind, at in _records(shared) if kind == SHARED_TEXT],
        _kinds(part("styles", "xl/styles.bin")),
        any(book[at] & 1 for kind, at in _records(book) if kind == WORKBOOK),
    )
    sheets: list[Sheet] = []
    notes: list[str] = []
    doubts: list[Doubt] = []
    for kind, at in _records(book):
        if kind != SHEET:
            continue
        (state, length) = struct.unpack_from("<I4xI", book, at)
        name = _text(book, at + 12 + 2 * length * (length != NOTHING))
        relation = relations.get(_text(book, at + 8), Relation("", ""))
        if relation.kind in ("chartsheet", "dialogsheet"):
            notes.append(f"sheet {name!r} has no cells")
            continue
        if not relation.member:
            doubts.append(Doubt("parts", f"лист «{name}»: его содержимого в файле нет"))
            continue
        filled = Filled(name)
        _fill(filled, package.archive.read(relation.member), about)
        sheet, unsure = filled.sheet(visible=state == 0)
        sheets.append(sheet)
        doubts += unsure
    return Grid(sheets, "xlsb", tuple(notes), tuple(doubts))


def _kinds(data: bytes) -> list[Kind | None]:
    """What each cell style makes of a number."""
    formats: dict[int, Kind | None] = dict(BUILT_IN)
    kinds: list[Kind | None] = []
    is_cell_style = False
    for kind, at in _records(data):
        if kind == FORMAT:
            formats[struct.unpack_from("<H", data, at)[0]] = kind_of(_text(data, at + 2))
        elif kind in (BEGIN_CELL_STYLES, END_CELL_STYLES):
            is_cell_style = kind == BEGIN_CELL_STYLES
        elif kind == STYLE and is_cell_style:
            kinds.append(formats.get(struct.unpack_from("<H", data, at + 2)[0]))
    return kinds


def _fill(filled: Filled, data: bytes, book: _Book) -> None:
    """Take over the cells of a sheet, and what stands beside them."""
    row = column = 0
    extra = filled.extra
    for kind, at in _records(data):
        if kind == ROW:
            (row,) = struct.unpack_from("<I", data, at)
            column = -1
            if data[at + 11] & 0x10:
                extra.hidden_rows.add(row, row)
        elif BLANK <= kind <= LAST_SHORT or kind == RICH_TEXT:
            is_short = FIRST_SHORT <= kind <= LAST_SHORT
            start = at if is_short else at + 4
            column = column + 1 if is_short else struct.unpack_from("<I", data, at)[0]
            (style,) = struct.unpack_from("<I", data, start)
            kind -= (FIRST_SHORT - BLANK) * is_short  # noqa: PLW2901
            if kind == BLANK:
                continue
            if kind in (ERROR, FORMULA_ERROR):
                filled.put(row, column, CellError(XLSB_ERRORS.get(data[start + 4], "#UNKNOWN!")))
                continue
            value = _value(data, kind, start + 4, book)
            if isinstance(value, float):
                value = book.number(value, style & STYLE_BITS, (row, column), filled)
            if value != "":
                filled.put(row, column, value)
        elif kind == COLUMNS:
            first, last, _, _, flags = struct.unpack_from("<IIIIH", data, at)
            if flags & 1:
                extra.hidden_columns.add(first, last)
        elif kind == MERGE:
            top, bottom, left, right = struct.unpack_from("<4I", data, at)
            extra.merged.append(Range(top, left, bottom, right))


def _value(data: bytes, kind: int, at: int, book: _Book) -> Value:
    if kind == RK:
        return rk_number(struct.unpack_from("<i", data, at)[0])
    if kind in (REAL, FORMULA_REAL):
        return float(struct.unpack_from("<d", data, at)[0])
    if kind in (BOOL, FORMULA_BOOL):
        return bool(data[at])
    if kind == SHARED:
        (index,) = struct.unpack_from("<I", data, at)
        return book.texts[int(index)]
    return _text(data, at + 1 if kind == RICH_TEXT else at)


def _text(data: bytes, at: int) -> str:
    (length,) = struct.unpack_from("<I", data, at)
    if length == NOTHING:
        return ""
    raw = data[at + 4 : at + 4 + 2 * length]
    if len(raw) != 2 * length:
        raise IndexError("text cut off")
    return raw.decode("utf-16-le")


def _records(data: bytes) -> Iterator[tuple[int, int]]:
    """Kind of each record and where its body starts; kind and length take as many bytes as they need."""
    at = 0
    while at < len(data):
        kind = data[at]
        at += 1
        if kind & 0x80:
            kind = kind & 0x7F | (data[at] & 0x7F) << 7
            at += 1
        size = shift = 0
        while True:
            byte = data[at]
            at += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80 or shift == 28:
                break
        if at + size > len(data):
            raise IndexError("record cut off")
        yield kind, at
        at += size
