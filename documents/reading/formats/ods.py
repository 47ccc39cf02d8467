"""OpenDocument spreadsheets, read from their XML.

Calamine is not used: it refuses indented files, glues comments to the text of their cell, gives spans of time as text
and knows neither merges nor errors nor what is hidden.
"""

from __future__ import annotations

import datetime as dt
import io
import re
import zipfile
from typing import Literal

from contracts.grid import CellError, Doubt, Grid, Range, Sheet, Unreadable, Value, is_blank
from documents.reading.formats.extras import MOST_COLUMNS, MOST_ROWS, walk
from documents.reading.formats.filled import Filled
from documents.reading.formats.number_format import DAY, moment, number

MARK_LIMIT = 1_000_000  # cells of a sheet that are marked; a repeat marks any number of them in one word
ERROR_TEXT = re.compile(r"#(NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A)|(Err|Ошибка):\d{3}")
SPACES = re.compile(r"[ \t\r\n]+")
DURATION = re.compile(r"(-?)P(?:(\d+)D)?(?:T(?:(\d+)H)?(?:(\d+)M)?(?:(\d+(?:\.\d*)?)S)?)?")
CELLS = ("table:table-cell", "table:covered-table-cell")
HIDDEN = ("collapse", "filter")


def read_ods(archive: zipfile.ZipFile) -> Grid:
    """The sheets of an ods package. Raises Unreadable, and what a damaged part raises (`opc.DAMAGE`)."""
    parser = _OdsParser()
    if "content.xml" in archive.namelist():
        walk(archive.open("content.xml"), parser.start, parser.end, parser.text)
    return parser.grid("ods")


def read_flat(data: bytes) -> Grid:
    """The sheets of an OpenDocument spreadsheet that is one XML file (fods). Raises as `read_ods` does."""
    parser = _OdsParser()
    walk(io.BytesIO(data), parser.start, parser.end, parser.text)
    return parser.grid("fods")


class _OdsParser:
    """Makes the sheets. Equal rows and cells are written once, with the number of times they stand there.

    <table:table-cell table:number-columns-repeated="3" table:formula="of:=1/0"><text:p>#DIV/0!</text:p>
    """

    def __init__(self) -> None:
        self.sheets: list[Sheet] = []
        self.hidden_styles: set[str] = set()
        self.style = ""
        self.doubts: list[Doubt] = []
        self.filled = Filled("")
        self.about: dict[str, str] = {}
        self.tables = self.links = self.row = self.column = self.row_repeat = self.row_columns = self.marked = 0
        self.cells: list[tuple[int, int, Value]] = []  # of this row: first column, repeat, value
        self.marks: list[tuple[int, int, Literal["error", "percent", "unvalued"], str]] = []
        self.cell: dict[str, str] | None = None
        self.depth = 0  # of elements within the cell: its own paragraphs are at 1, those of comments and shapes deeper
        self.is_text = False
        self.paragraphs: list[list[str]] = []

    def grid(self, kind: str) -> Grid:
        return Grid(self.sheets, kind, (), tuple(self.doubts))

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.tables += tag == "table:table"
        self.links += tag == "table:dde-link"  # keeps a copy of another file's table
        if self.tables != 1 or self.links:  # a table may lie inside a cell
            self._start_style(tag, attributes)
        elif self.cell is not None:
            self._start_in_cell(tag, attributes)
        elif tag == "table:table":
            self.about, self.filled = attributes, Filled(attributes.get("table:name", ""))
            self.row = self.column = self.marked = 0
        elif tag == "table:table-column":
            repeat = _repeat(attributes, "table:number-columns-repeated")
            if attributes.get("table:visibility") in HIDDEN:
                self.filled.extra.hidden_columns.add(self.column, self.column + repeat - 1)
            self.column += repeat
        elif tag == "table:table-row":
            self.row_repeat = _repeat(attributes, "table:number-rows-repeated")
            self.row_columns = 0
            self.cells, self.marks = [], []
            if attributes.get("table:visibility") in HIDDEN:
                self.filled.extra.hidden_rows.add(self.row, self.row + self.row_repeat - 1)
        elif tag in CELLS:
            self.cell, self.depth, self.is_text, self.paragraphs = attributes, 0, False, []
            down = min(_repeat(attributes, "table:number-rows-spanned"), MOST_ROWS) - 1
            right = min(_repeat(attributes, "table:number-columns-spanned"), MOST_COLUMNS) - 1
            if down > 0 or right > 0:
                column = self.row_columns
                self.filled.extra.merged.append(Range(self.row, column, self.row + down, column + right))

    def _start_style(self, tag: str, attributes: dict[str, str]) -> None:
        if tag == "style:style":
            self.style = attributes.get("style:name", "")
        elif tag == "style:table-properties" and attributes.get("table:display") == "false":
            self.hidden_styles.add(self.style)

    def _start_in_cell(self, tag: str, attributes: dict[str, str]) -> None:
        self.depth += 1
        if self.depth == 1:
            self.is_text = tag == "text:p"
            if self.is_text:
                self.paragraphs.append([])
        elif self.is_text and tag == "text:s":
            self.paragraphs[-1].append("\0" * min(_repeat(attributes, "text:c"), MOST_COLUMNS))
        elif self.is_text and tag in ("text:tab", "text:line-break"):
            self.paragraphs[-1].append("\1" if tag == "text:tab" else "\2")

    def text(self, text: str) -> None:
        if self.is_text and self.cell is not None:
            self.paragraphs[-1].append(text)

    def end(self, tag: str) -> None:
        if self.tables == 1 and not self.links:
            if self.cell is not None and self.depth:
                self.depth -= 1
                self.is_text = self.is_text and self.depth > 0
            elif self.cell is not None and tag in CELLS:
                self._end_cell(self.cell)
            elif tag == "table:table-row":
                self._end_row()
            elif tag == "table:table":
                self._end_table()
        self.tables -= tag == "table:table"
        self.links -= tag == "table:dde-link"

    def _end_cell(self, cell: dict[str, str]) -> None:
        repeat = _repeat(cell, "table:number-columns-repeated")
        text = "\n".join(_plain("".join(paragraph)) for paragraph in self.paragraphs)
        value = _value(cell, text)
        # Older programs write the error only as the text of a formula; its value is then a false 0.
        if cell.get("calcext:value-type") == "error" or (
            "table:formula" in cell and ERROR_TEXT.fullmatch(text.strip())
        ):
            self.marks.append((self.row_columns, repeat, "error", text.strip() or "#VALUE!"))
        elif "table:formula" in cell and value is None and cell.get("office:value-type") != "string":
            self.marks.append((self.row_columns, repeat, "unvalued", ""))
        elif cell.get("office:value-type") == "percentage" and value is not None:
            self.marks.append((self.row_columns, repeat, "percent", ""))
        if value not in (None, ""):
            self.cells.append((self.row_columns, repeat, value))
        self.row_columns += repeat
        self.cell = None

    def _end_row(self) -> None:
        for first, repeat, value in self.cells:
            if is_blank(value) and (repeat > 1 or self.row_repeat > 1):
                continue  # white space that is repeated fills a sheet as formats do
            for row in range(self.row, self.row + self.row_repeat):
                for column in range(first, first + repeat):
                    self.filled.put(row, column, value)
        self._mark()
        self.row += self.row_repeat

    def _mark(self) -> None:
        extra = self.filled.extra
        for first, repeat, kind, text in self.marks:
            self.marked += self.row_repeat * repeat
            if self.marked > MARK_LIMIT:
                raise Unreadable(
                    "too_large", f"Sheet {self.filled.name!r} has more than {MARK_LIMIT} errors, percents or formulas."
                )
            places = [(r, c) for r in range(self.row, self.row + self.row_repeat) for c in range(first, first + repeat)]
            if kind == "error":
                for place in places:
                    self.filled.put(*place, CellError(text))
            elif kind == "percent":
                extra.percents.update(places)
            else:
                extra.unvalued.update(places)

    def _end_table(self) -> None:
        visible = self.about.get("table:style-name", "") not in self.hidden_styles
        sheet, doubts = self.filled.sheet(visible=visible)
        self.sheets.append(sheet)
        self.doubts += doubts


def _repeat(attributes: dict[str, str], name: str) -> int:
    return max(int(attributes.get(name, 1)), 1)


def _plain(text: str) -> str:
    """Text of a paragraph: white space of the XML is one space, as every reader of ODF shows it; marks are more."""
    return SPACES.sub(" ", text).strip(" ").translate({0: " ", 1: "\t", 2: "\n"})


def _value(cell: dict[str, str], text: str) -> Value:
    """The value of a cell by its type; what its type does not tell is kept as the text that was shown."""
    kind = cell.get("office:value-type")
    try:
        if kind in ("float", "percentage", "currency"):
            return number(float(cell["office:value"]))
        if kind == "boolean":
            return cell["office:boolean-value"].lower() == "true"
        if kind == "date":
            return _date(cell["office:date-value"])
        if kind == "time":
            return _time(cell["office:time-value"])
    except KeyError:
        return None if "table:formula" in cell else text or None
    except (ValueError, OverflowError):
        return text or None
    return cell.get("office:string-value", text) or None


def _date(iso: str) -> Value:
    """A date, or a moment to the millisecond: the float behind it leaves nanoseconds."""
    at = dt.datetime.fromisoformat(iso.removesuffix("Z"))
    at += dt.timedelta(microseconds=round(at.microsecond, -3) - at.microsecond)
    return at.date() if at.time() == dt.time.min else at


def _time(iso: str) -> Value:
    match = DURATION.fullmatch(iso)
    if not match:
        raise ValueError(iso)
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups()[1:])
    total = days + hours / 24 + minutes / 1440 + seconds / 86400
    total = -total if match[1] else total
    return moment(total, "moment" if 0 <= round(total * DAY) < DAY else "span", is_1904=False)
