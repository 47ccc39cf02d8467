"""Writers of one small page in several kinds of workbook, for tests of the readers.

No library that is kept up writes xls, xlsb, ods or XML 2003, so these write the few records and elements that a page
needs.
"""

from __future__ import annotations

import datetime as dt
import io
import itertools
import struct
import zipfile
from collections.abc import Iterable
from dataclasses import dataclass, field
from xml.sax.saxutils import escape, quoteattr

import xlsxwriter

from contracts.grid import CellError, Place, Range, Value

FORMATS = {"number": "General", "percent": '0.0%;"нет"', "moment": "dd.mm.yyyy hh:mm:ss", "span": "[h]:mm:ss"}
ERROR_CODES = {
    "#NULL!": 0x00,
    "#DIV/0!": 0x07,
    "#VALUE!": 0x0F,
    "#REF!": 0x17,
    "#NAME?": 0x1D,
    "#NUM!": 0x24,
    "#N/A": 0x2A,
}
DAY = dt.timedelta(days=1)
ODS_TYPE = "application/vnd.oasis.opendocument.spreadsheet"
ODS_MANIFEST = (
    '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
    f'<manifest:file-entry manifest:full-path="/" manifest:media-type="{ODS_TYPE}"/>'
    '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
)


@dataclass(frozen=True)
class Cell:
    """`shown` is a key of FORMATS for a number; a formula without a value has no result."""

    value: Value
    shown: str = "number"
    is_formula: bool = False

    @property
    def is_number(self) -> bool:
        return isinstance(self.value, int | float | dt.date | dt.timedelta) and not isinstance(self.value, bool)

    def serial(self, is_1904: bool) -> float:
        value = self.value
        if isinstance(value, dt.timedelta):
            return value / DAY
        if isinstance(value, dt.datetime | dt.date):
            at = value if isinstance(value, dt.datetime) else dt.datetime.combine(value, dt.time.min)
            return (at - dt.datetime.fromisoformat("1904-01-01" if is_1904 else "1899-12-30")) / DAY
        assert isinstance(value, int | float)
        return value


@dataclass(frozen=True)
class Page:
    cells: dict[Place, Cell]
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    merged: tuple[Range, ...] = ()
    is_1904: bool = False
    name: str = field(default="Свод")

    def lines(self) -> Iterable[tuple[int, list[tuple[int, Cell]]]]:
        """Rows with the cells in them, blank hidden ones included."""
        for row in sorted({row for row, _ in self.cells} | self.hidden_rows):
            yield row, [(c, self.cells[r, c]) for r, c in sorted(self.cells) if r == row]


def xlsx(page: Page) -> bytes:
    out = io.BytesIO()
    workbook = xlsxwriter.Workbook(out, {"in_memory": True, "date_1904": page.is_1904})
    styles = {shown: workbook.add_format({"num_format": code}) for shown, code in FORMATS.items()}
    sheet = workbook.add_worksheet(page.name)
    for row in page.hidden_rows:
        sheet.set_row(row, None, None, {"hidden": True})
    for column in page.hidden_columns:
        sheet.set_column(column, column, None, None, {"hidden": True})
    for merged in page.merged:
        sheet.merge_range(merged.first_row, merged.first_column, merged.last_row, merged.last_column, "")
    for (r, c), cell in page.cells.items():
        value = cell.serial(page.is_1904) if cell.is_number else cell.value
        if cell.is_formula or isinstance(value, CellError):
            result = "" if value is None else str(value) if isinstance(value, CellError) else value
            sheet.write_formula(r, c, "=B1&C1", styles[cell.shown], result)
        else:
            sheet.write(r, c, value, styles[cell.shown])
    workbook.close()
    return out.getvalue()


# ods


def ods(page: Page) -> bytes:
    names = {
        "office": "urn:oasis:names:tc:opendocument:xmlns:office:1.0",
        "table": "urn:oasis:names:tc:opendocument:xmlns:table:1.0",
        "text": "urn:oasis:names:tc:opendocument:xmlns:text:1.0",
        "calcext": "urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0",
    }
    parts = [f"<office:document-content {' '.join(f'xmlns:{p}={quoteattr(n)}' for p, n in names.items())}>"]
    parts.append(f"<office:body><office:spreadsheet><table:table table:name={quoteattr(page.name)}>")
    for column in range(max(page.hidden_columns, default=-1) + 1):
        parts.append(f'<table:table-column table:visibility="{_collapse(column in page.hidden_columns)}"/>')
    merged = {(m.first_row, m.first_column): m for m in page.merged}
    following = 0
    lines = dict(page.lines())
    for row in sorted({*lines, *(r for r, _ in merged)}):
        if row > following:
            parts.append(f'<table:table-row table:number-rows-repeated="{row - following}"/>')
        visibility = "filter" if row in page.hidden_rows else "visible"
        parts.append(f'<table:table-row table:visibility="{visibility}">')
        cells = dict(lines.get(row, []))
        at = 0
        for column in sorted({*cells, *(c for r, c in merged if r == row)}):
            if column > at:
                parts.append(f'<table:table-cell table:number-columns-repeated="{column - at}"/>')
            parts.append(_ods_cell(cells.get(column), merged.get((row, column)), page.is_1904))
            at = column + 1
        parts.append("</table:table-row>")
        following = row + 1
    parts.append("</table:table></office:spreadsheet></office:body></office:document-content>")
    content = "\n".join(parts).encode()
    return package(
        {"mimetype": ODS_TYPE.encode(), "content.xml": content, "META-INF/manifest.xml": ODS_MANIFEST.encode()}
    )


def _collapse(hidden: bool) -> str:
    return "collapse" if hidden else "visible"


def _ods_cell(cell: Cell | None, merged: Range | None, is_1904: bool) -> str:
    about = ""
    if merged:
        down, right = merged.last_row - merged.first_row + 1, merged.last_column - merged.first_column + 1
        about += f' table:number-rows-spanned="{down}" table:number-columns-spanned="{right}"'
    text = ""
    if cell:
        value = cell.value
        about += ' table:formula="of:=[.B1]"' if cell.is_formula else ""
        if isinstance(value, CellError):
            about += ' office:value-type="string" office:string-value="" calcext:value-type="error"'
            text = str(value)
        elif isinstance(value, bool):
            about += f' office:value-type="boolean" office:boolean-value="{str(value).lower()}"'
        elif isinstance(value, dt.date):
            about += f' office:value-type="date" office:date-value="{value.isoformat()}"'
        elif isinstance(value, dt.timedelta):
            hours, rest = divmod(round(value.total_seconds()), 3600)
            about += f' office:value-type="time" office:time-value="PT{hours}H{rest // 60}M{rest % 60}S"'
        elif isinstance(value, int | float):
            kind = "percentage" if cell.shown == "percent" else "float"
            about += f' office:value-type="{kind}" office:value="{value!r}"'
        elif isinstance(value, str):
            about += ' office:value-type="string"'
            text = value
    comment = "<office:annotation><text:p>не значение</text:p></office:annotation>"
    return f"<table:table-cell{about}>{comment}<text:p>{escape(text)}</text:p></table:table-cell>"


def fods(page: Page) -> bytes:
    """The ods as one XML file."""
    with zipfile.ZipFile(io.BytesIO(ods(page))) as archive:
        content = archive.read("content.xml")
    return b'<?xml version="1.0" encoding="UTF-8"?>' + content.replace(b"office:document-content", b"office:document")


# XML Spreadsheet 2003


def xml_2003(page: Page) -> bytes:
    parts = ['<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?>']
    space = "urn:schemas-microsoft-com:office:spreadsheet"
    parts.append(
        f'<Workbook xmlns="{space}" xmlns:ss="{space}" xmlns:x="urn:schemas-microsoft-com:office:excel"><Styles>'
    )
    for shown, code in FORMATS.items():
        parts.append(f'<Style ss:ID="{shown}"><NumberFormat ss:Format={quoteattr(code)}/></Style>')
    parts.append(f"</Styles><Worksheet ss:Name={quoteattr(page.name)}><Table>")
    parts += [f'<Column ss:Index="{column + 1}" ss:Hidden="1"/>' for column in sorted(page.hidden_columns)]
    merged = {(m.first_row, m.first_column): m for m in page.merged}
    lines = dict(page.lines())
    for row in sorted({*lines, *(r for r, _ in merged)}):
        hidden = ' ss:Hidden="1"' if row in page.hidden_rows else ""
        parts.append(f'<Row ss:Index="{row + 1}"{hidden}>')
        cells = dict(lines.get(row, []))
        for column in sorted({*cells, *(c for r, c in merged if r == row)}):
            parts.append(_xml_2003_cell(column, cells.get(column), merged.get((row, column))))
        parts.append("</Row>")
    parts.append("</Table></Worksheet></Workbook>")
    return "\n".join(parts).encode()


def _xml_2003_cell(column: int, cell: Cell | None, merged: Range | None) -> str:
    about, data = f' ss:Index="{column + 1}"', ""
    if merged:
        down, right = merged.last_row - merged.first_row, merged.last_column - merged.first_column
        about += f' ss:MergeDown="{down}" ss:MergeAcross="{right}"'
    if cell:
        about += f' ss:StyleID="{cell.shown}"' + (' ss:Formula="=R1C1"' if cell.is_formula else "")
        value = cell.value
        if isinstance(value, dt.timedelta):
            value = dt.datetime.fromisoformat("1899-12-31") + value
        kinds = {CellError: "Error", bool: "Boolean", str: "String", dt.datetime: "DateTime", dt.date: "DateTime"}
        said = (
            f"{value:d}" if isinstance(value, bool) else value.isoformat() if isinstance(value, dt.date) else str(value)
        )
        if value is not None:
            data = f'<Data ss:Type="{kinds.get(type(value), "Number")}">{escape(said)}</Data>'
    comment = '<Comment ss:Author="x"><ss:Data>не значение</ss:Data></Comment>'
    return f"<Cell{about}>{data}{comment}</Cell>"


def package(parts: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, part in parts.items():
            archive.writestr(name, part)
    return out.getvalue()


# xls


def xls(page: Page, version: int = 8, code_page: int = 1251) -> bytes:
    """BIFF8 (Excel 97) or BIFF5 (Excel 95, whose texts are in a code page)."""

    def text(value: str, width: str) -> bytes:
        raw = value.encode("utf-16-le") if version == 8 else value.encode(f"cp{code_page}")
        return struct.pack(f"<{width}", len(value)) + (b"\1" if version == 8 else b"") + raw

    begin = record(
        0x809, struct.pack("<HHHH", 0x600 if version == 8 else 0x500, 5, 0, 0).ljust(16 if version == 8 else 8, b"\0")
    )
    sheet_begin = begin[:6] + b"\x10" + begin[7:]
    end = record(0x0A, b"")
    numbers = {shown: 164 + at for at, shown in enumerate(FORMATS)}
    head = begin + record(0x42, struct.pack("<H", 1200 if version == 8 else code_page))
    head += record(0x22, struct.pack("<H", page.is_1904))
    for shown, number in numbers.items():
        head += record(0x41E, struct.pack("<H", number) + text(FORMATS[shown], "H" if version == 8 else "B"))
    for number in numbers.values():
        head += record(0xE0, struct.pack("<HH", 0, number).ljust(20 if version == 8 else 16, b"\0"))
    about = b"\0\0" + text(page.name, "B")
    head += record(0x85, struct.pack("<I", len(head) + 4 + 4 + len(about) + len(end)) + about) + end

    body = sheet_begin
    for column in page.hidden_columns:
        body += record(0x7D, struct.pack("<6H", column, column, 2560, 0, 1, 0))
    styles = list(FORMATS)
    for row, cells in page.lines():
        body += record(0x208, struct.pack("<6HI", row, 0, 256, 255, 0, 0, 0x20 if row in page.hidden_rows else 0))
        for is_run, run in itertools.groupby(enumerate(cells), lambda each: _in_run(each, page.is_1904)):
            group = [cell for _, cell in run]
            if is_run and len(group) > 1:
                pieces = [_style(cell, styles) + _rk(int(cell.serial(page.is_1904))) for _, cell in group]
                first, last = group[0][0], group[-1][0]
                body += record(0xBD, struct.pack("<HH", row, first) + b"".join(pieces) + struct.pack("<H", last))
                continue
            for column, cell in group:
                place = struct.pack("<HH", row, column) + _style(cell, styles)
                body += _xls_cell(place, cell, page.is_1904, text)
    if page.merged and version == 8:
        ranges = [(m.first_row, m.last_row, m.first_column, m.last_column) for m in page.merged]
        body += record(0xE5, struct.pack("<H", len(ranges)) + b"".join(struct.pack("<4H", *each) for each in ranges))
    return ole("Workbook" if version == 8 else "Book", head + body + end)


def _in_run(each: tuple[int, tuple[int, Cell]], is_1904: bool) -> int:
    """Equal for whole numbers in neighbouring columns; 0 for all else."""
    at, (column, cell) = each
    whole = cell.is_number and not cell.is_formula and float(cell.serial(is_1904)).is_integer()
    return 1 + column - at if whole and abs(cell.serial(is_1904)) < 2**28 else 0


def _style(cell: Cell, styles: list[str]) -> bytes:
    return struct.pack("<H", styles.index(cell.shown))


def _rk(value: int) -> bytes:
    return struct.pack("<i", value << 2 | 2)


def _xls_cell(place: bytes, cell: Cell, is_1904: bool, text: object) -> bytes:
    value = cell.value
    formula = bytes(8) + struct.pack("<H", 3) + b"\x1e\x01\x00"
    if isinstance(value, CellError):
        code = ERROR_CODES[value.text]
        if cell.is_formula:
            return record(0x06, place + bytes((2, 0, code, 0, 0, 0, 0xFF, 0xFF)) + formula[2:])
        return record(0x205, place + bytes((code, 1)))
    if isinstance(value, bool):
        return record(0x205, place + bytes((value, 0)))
    if isinstance(value, str):
        body = text(value, "H")  # type: ignore[operator]
        if cell.is_formula:
            return record(0x06, place + bytes(6) + b"\xff\xff" + formula[2:]) + record(0x207, body)
        return record(0x204, place + body)
    if value is None:
        return record(0x06, place + bytes(6) + b"\xff\xff" + formula[2:])
    number = struct.pack("<d", cell.serial(is_1904))
    return record(0x06, place + number + formula[2:]) if cell.is_formula else record(0x203, place + number)


def record(kind: int, body: bytes) -> bytes:
    return struct.pack("<HH", kind, len(body)) + body


def ole(stream: str, content: bytes) -> bytes:
    """An OLE2 file with one stream: sector 0 is the FAT, sector 1 the directory, the stream follows."""
    content = content.ljust(4096, b"\0")
    content = content.ljust(-(-len(content) // 512) * 512, b"\0")
    sectors = len(content) // 512
    header = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(16) + struct.pack("<5H", 0x3E, 3, 0xFFFE, 9, 6) + bytes(10)
    header += struct.pack("<4I", 1, 1, 0, 4096)
    header += struct.pack("<4I", 0xFFFFFFFE, 0, 0xFFFFFFFE, 0) + struct.pack("<109I", 0, *[0xFFFFFFFF] * 108)
    chain = [0xFFFFFFFD, 0xFFFFFFFE, *range(3, sectors + 2), 0xFFFFFFFE]
    fat = struct.pack("<128I", *chain, *[0xFFFFFFFF] * (128 - len(chain)))

    def entry(name: str, kind: int, start: int, size: int, child: int = -1) -> bytes:
        text = name.encode("utf-16-le")
        about = text.ljust(64, b"\0") + struct.pack("<HB", len(text) + 2, kind)
        return about + b"\1" + struct.pack("<3i", -1, -1, child) + bytes(36) + struct.pack("<IIi", start, size, 0)

    directory = entry("Root Entry", 5, 0xFFFFFFFE, 0, 1) + entry(stream, 2, 2, len(content))
    return header + fat + directory.ljust(512, b"\0") + content


# xlsb


def xlsb(page: Page) -> bytes:
    """Neighbours are written as short cells, texts of even length are shared, those of length three have fonts."""
    shared = sorted({c.value for c in page.cells.values() if isinstance(c.value, str) and len(c.value) % 2 == 0})
    styles = brt(278, b"") + brt(615, struct.pack("<I", len(FORMATS)))
    for at, code in enumerate(FORMATS.values()):
        styles += brt(44, struct.pack("<H", 164 + at) + wide(code))
    styles += brt(616, b"") + brt(626, b"") + brt(47, struct.pack("<HH", 0xFFFF, 9).ljust(16, b"\0")) + brt(627, b"")
    styles += brt(617, struct.pack("<I", len(FORMATS)))
    for at in range(len(FORMATS)):
        styles += brt(47, struct.pack("<HH", 0, 164 + at).ljust(16, b"\0"))
    sheet = brt(129, b"") + brt(148, struct.pack("<4I", 0, 1, 0, 1)) + brt(390, b"")
    for column in page.hidden_columns:
        sheet += brt(60, struct.pack("<IIIIH", column, column, 2560, 0, 1))
    sheet += brt(391, b"") + brt(145, b"")
    for row, cells in page.lines():
        flags = 0x10 if row in page.hidden_rows else 0
        sheet += brt(0, struct.pack("<IIHBBBI", row, 0, 300, 0, flags, 0, 0))
        previous = -2  # the first cell of a row always has its column
        for column, cell in cells:
            kind, body = _xlsb_cell(cell, page.is_1904, shared)
            style = struct.pack("<I", list(FORMATS).index(cell.shown))
            if 1 < kind < 8 and column == previous + 1:
                sheet += brt(kind + 11, style + body)
            else:
                sheet += brt(kind, struct.pack("<I", column) + style + body)
            previous = column
    sheet += brt(146, b"") + brt(177, struct.pack("<I", len(page.merged)))
    for m in page.merged:
        sheet += brt(176, struct.pack("<4I", m.first_row, m.last_row, m.first_column, m.last_column))
    book = brt(131, b"") + brt(153, struct.pack("<II", page.is_1904, 0) + wide(""))
    book += brt(143, b"") + brt(156, struct.pack("<II", 0, 1) + wide("rId1") + wide(page.name)) + brt(144, b"")
    texts = brt(159, struct.pack("<II", len(shared), len(shared))) + b"".join(brt(19, b"\0" + wide(t)) for t in shared)
    types = {
        "workbook": "sheet.binary.macroEnabled.main",
        "worksheets/sheet1": "worksheet",
        "styles": "styles",
        "sharedStrings": "sharedStrings",
    }
    return package(
        {
            "[Content_Types].xml": _content_types(types),
            "_rels/.rels": _relations({"xl/workbook.bin": "officeDocument"}),
            "xl/_rels/workbook.bin.rels": _relations(
                {"worksheets/sheet1.bin": "worksheet", "styles.bin": "styles", "sharedStrings.bin": "sharedStrings"}
            ),
            "xl/workbook.bin": book + brt(132, b""),
            "xl/styles.bin": styles + brt(618, b"") + brt(279, b""),
            "xl/sharedStrings.bin": texts + brt(160, b""),
            "xl/worksheets/sheet1.bin": sheet + brt(178, b"") + brt(130, b""),
        }
    )


def _content_types(types: dict[str, str]) -> bytes:
    parts = "".join(
        f'<Override PartName="/xl/{part}.bin" ContentType="application/vnd.ms-excel.{kind}"/>'
        for part, kind in types.items()
    )
    default = '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
    space = "http://schemas.openxmlformats.org/package/2006/content-types"
    return f'<Types xmlns="{space}">{default}{parts}</Types>'.encode()


def _relations(targets: dict[str, str]) -> bytes:
    kinds = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    parts = "".join(
        f'<Relationship Id="rId{at}" Type="{kinds}/{kind}" Target="{target}"/>'
        for at, (target, kind) in enumerate(targets.items(), 1)
    )
    space = "http://schemas.openxmlformats.org/package/2006/relationships"
    return f'<Relationships xmlns="{space}">{parts}</Relationships>'.encode()


def _xlsb_cell(cell: Cell, is_1904: bool, shared: list[str]) -> tuple[int, bytes]:
    value = cell.value
    formula = struct.pack("<HI", 0, 3) + b"\x1e\x01\x00" + struct.pack("<I", 0) if cell.is_formula else b""
    if isinstance(value, CellError):
        return (11 if cell.is_formula else 3), bytes((ERROR_CODES[value.text],)) + formula
    if isinstance(value, bool):
        return (10 if cell.is_formula else 4), bytes((value,)) + formula
    if isinstance(value, str):
        if cell.is_formula:
            return 8, wide(value) + formula
        if value in shared:
            return 7, struct.pack("<I", shared.index(value))
        return (62, b"\0" + wide(value)) if len(value) == 3 else (6, wide(value))
    number = cell.serial(is_1904)
    if not cell.is_formula and float(number).is_integer() and abs(number) < 2**28:
        return 2, _rk(int(number))
    return (9 if cell.is_formula else 5), struct.pack("<d", number) + formula


def brt(kind: int, body: bytes) -> bytes:
    """A record of an xlsb: kind and length in seven bits a byte."""
    head = bytes((kind,)) if kind < 0x80 else bytes((kind & 0x7F | 0x80, kind >> 7))
    size = len(body)
    while True:
        head += bytes((size & 0x7F | (0x80 if size > 0x7F else 0),))
        size >>= 7
        if not size:
            return head + body


def wide(text: str) -> bytes:
    raw = text.encode("utf-16-le")
    return struct.pack("<I", len(raw) // 2) + raw
