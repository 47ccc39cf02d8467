"""XML Spreadsheet 2003, which 1C and many reports write under the name of an xls; read from its XML.

<Row ss:Index="5"><Cell ss:Index="2" ss:MergeAcross="1"><Data ss:Type="Number">5</Data></Cell></Row>
"""

from __future__ import annotations

import datetime as dt
import io
from typing import Literal
from xml.parsers import expat

from contracts.grid import CellError, Doubt, Grid, Range, Sheet, Value
from documents.reading.formats.extras import MOST_COLUMNS, MOST_ROWS, walk
from documents.reading.formats.filled import Filled
from documents.reading.formats.kinds import not_a_table
from documents.reading.formats.number_format import LEAP_DAY, START_1900, Kind, kind_of, number

SPACE = "urn:schemas-microsoft-com:office:spreadsheet"
NAMED_FORMATS: dict[str, Kind] = {
    "Percent": "percent",
    **dict.fromkeys(
        ("General Date", "Long Date", "Medium Date", "Short Date", "Long Time", "Medium Time", "Short Time"), "moment"
    ),
}
START = 4096


def is_xml_2003(text: str) -> bool:
    """Is a text such a workbook? Its root names the space of spreadsheets."""
    start = text[:START].lstrip("\ufeff \t\r\n")
    return start.startswith("<") and (SPACE in start or start.lower().startswith("<workbook"))


def read(data: bytes, text: str) -> Grid:
    """The sheets of a workbook; `text` is what its bytes were decoded to, for one that names a wrong encoding. Raises
    Unreadable, and what damaged XML raises (`opc.DAMAGE`)."""
    try:
        parser = _Parser()
        walk(io.BytesIO(data), parser.start, parser.end, parser.text)
    except (ValueError, LookupError, expat.ExpatError):
        parser = _Parser()
        walk(io.BytesIO(text.encode()), parser.start, parser.end, parser.text, encoding="utf-8")
    if not parser.sheets:
        raise not_a_table("an XML workbook without a sheet", "markup")
    return Grid(parser.sheets, "xml 2003", (), tuple(parser.doubts))


def local(name: str) -> str:
    """The name of an element or attribute without its prefix."""
    return name.rpartition(":")[2]


class _Parser:
    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self.doubts: list[Doubt] = []
        self.kinds: dict[str, Kind | None] = {}
        self.style = ""
        self.filled: Filled | None = None
        self.row = self.column = self.spanned = 0
        self.visible = True
        self.cell: dict[str, str] | None = None
        self.type = ""
        self.has_data = False
        self.pieces: list[str] = []
        self.depth_of: Literal["", "Data", "Comment", "Visible"] = ""

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = local(tag)
        if self.depth_of:
            return
        about = {local(name): value for name, value in attributes.items()}
        if tag == "Style":
            self.style = about.get("ID", "")
        elif tag == "NumberFormat":
            code = about.get("Format", "")
            self.kinds[self.style] = NAMED_FORMATS.get(code) or kind_of(code)
        elif tag == "Worksheet":
            self.filled, self.visible = Filled(about.get("Name", "")), True
            self.row = self.column = 0
        elif tag == "Visible":
            self.depth_of = "Visible"
            self.pieces = []
        elif self.filled is None:
            return
        elif tag == "Column":
            self.column = place(about, "Index", self.column)
            last = self.column + whole(about.get("Span"))
            if about.get("Hidden") == "1":
                self.filled.extra.hidden_columns.add(self.column, min(last, MOST_COLUMNS))
            self.column = last + 1
        elif tag == "Row":
            self.row = place(about, "Index", self.row)
            self.spanned = whole(about.get("Span"))
            self.column = 0
            if about.get("Hidden") == "1":
                self.filled.extra.hidden_rows.add(self.row, min(self.row + self.spanned, MOST_ROWS))
        elif tag == "Cell":
            self.column = place(about, "Index", self.column)
            self.cell, self.has_data, self.pieces, self.type = about, False, [], ""
        elif tag == "Comment":
            self.depth_of = "Comment"
        elif tag == "Data" and self.cell is not None:
            self.depth_of, self.type, self.has_data, self.pieces = "Data", about.get("Type", "String"), True, []

    def text(self, text: str) -> None:
        if self.depth_of in ("Data", "Visible"):
            self.pieces.append(text)

    def end(self, tag: str) -> None:
        tag = local(tag)
        if self.depth_of:
            if tag != self.depth_of:
                return
            self.depth_of = ""
            if tag == "Visible":
                self.visible = not "".join(self.pieces).strip().endswith("Hidden")
        elif tag == "Cell" and self.cell is not None and self.filled is not None:
            self.end_cell(self.filled, self.cell)
            self.cell = None
        elif tag == "Row":
            self.row += 1 + self.spanned
        elif tag == "Worksheet" and self.filled is not None:
            sheet, doubts = self.filled.sheet(visible=self.visible)
            self.sheets.append(sheet)
            self.doubts += doubts
            self.filled = None

    def end_cell(self, filled: Filled, about: dict[str, str]) -> None:
        r, c = self.row, self.column
        across, down = whole(about.get("MergeAcross")), whole(about.get("MergeDown"))
        kind = self.kinds.get(about.get("StyleID", ""))
        value = self.value("".join(self.pieces), kind) if self.has_data else None
        if value is not None and value != "":
            filled.put(r, c, value)
            if kind == "percent" and isinstance(value, int | float) and not isinstance(value, bool):
                filled.extra.percents.add((r, c))
        elif "Formula" in about and not self.has_data and r < MOST_ROWS and c < MOST_COLUMNS:
            filled.extra.unvalued.add((r, c))
        if across or down:
            filled.extra.merged.append(Range(r, c, min(r + down, MOST_ROWS), min(c + across, MOST_COLUMNS)))
        self.column = c + across + 1

    def value(self, text: str, kind: Kind | None) -> Value:
        stated = text.strip()
        try:
            if self.type == "Number":
                return number(float(stated.replace(",", "."))) if stated else None
            if self.type == "Boolean":
                return stated.lower() in ("1", "true")
            if self.type == "DateTime":
                return moment(stated, kind)
        except ValueError:
            return text
        if self.type == "Error":
            return CellError(stated or "#VALUE!")
        return text


def moment(iso: str, kind: Kind | None) -> Value:
    """The moment of an ISO text. Times of a day are kept as moments of 31.12.1899, longer spans as those after it."""
    at = dt.datetime.fromisoformat(iso.removesuffix("Z"))
    if kind == "span":
        since = at - START_1900
        return since + dt.timedelta(1) if since.days >= LEAP_DAY else since
    if at.date() == START_1900.date():
        return at.time()
    return at.date() if at.time() == dt.time.min else at


def whole(text: str | None) -> int:
    """A count of an attribute; of an absurd one so much that no sheet has it."""
    return int(text[:9]) if text and text.isdecimal() else 0


def place(about: dict[str, str], name: str, following: int) -> int:
    """The zero-based place that an attribute names, else the one that follows."""
    return whole(about[name]) - 1 if whole(about.get(name)) else following
