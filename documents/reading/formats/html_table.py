"""Tables of a web page, which many systems export under the name of an xls; read as browsers do, never recursively."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, replace

from contracts.grid import CellError, Doubt, Grid, Place, Range, Sheet, Unreadable, Value
from documents.reading.formats.extras import ERRORS
from documents.reading.formats.html_text import Lines, as_page_says, attributes, tokens
from documents.reading.formats.kinds import not_a_table
from documents.reading.formats.limits import LIMITS
from documents.reading.formats.number_format import number

HIDDEN = re.compile(r"display\s*:\s*none", re.IGNORECASE)
NUMBER_FORMAT = re.compile(r"mso-number-format\s*:\s*([^;]*)", re.IGNORECASE)
START = 4096
CUT_OFF = Doubt("parts", "конец файла: страница оборвана")
"""A page that ends within its table, as a download that was broken off does."""
SPACE = re.compile(r"\s")
GROUPS, CELLS = ("thead", "tbody", "tfoot"), ("td", "th")
PARTS = ("tr", "caption", *CELLS, *GROUPS)
LINES = {
    "address", "article", "aside", "blockquote", "body", "center", "dd", "div", "dl", "dt", "fieldset", "footer",
    "form", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hr", "html", "li", "main", "ol", "p", "pre", "section", "ul",
}  # fmt: skip
"""Elements that begin a line of their own."""
WIDEST, LONGEST, MOST_COLUMNS = 1000, 65_534, 16_384  # the most a colspan and a rowspan are for browsers; of a page
NUMBERS = ("x:num", "sdval", "data-sdval")
"""Attributes in which Excel and LibreOffice keep the number that a cell shows."""


def read(stem: str, data: bytes, text: str, encoding: str, doubts: tuple[Doubt, ...]) -> Grid:
    """Read the tables of a page, and the lines of text between them, as the rows of one sheet.

    The text is what `decoded` made of the bytes. Raises Unreadable for a page without a table of two rows and columns.
    """
    text, encoding, doubts = as_page_says(data, text, encoding, doubts)
    page = _Page()
    for name, is_end, raw_attributes, words in tokens(text):
        page.text.add(words) if words else page.tag(name, is_end, raw_attributes)
    if page.table is not None and "<html" in text[:START].lower() and "</html" not in text[-START:].lower():
        doubts = (*doubts, CUT_OFF)
    page.nested = 0
    page.end_table()
    if not page.has_table:
        raise not_a_table("a web page without a table", "page")
    while page.rows and all(value is None for value in page.rows[-1]):
        page.rows.pop()
    hidden = frozenset(r for r in page.hidden if r < len(page.rows))
    sheet = Sheet(stem, page.rows, page.merged, hidden_rows=hidden, percents=frozenset(page.percents))
    return Grid([sheet], "html", ("html table", f"encoding {encoding}"), doubts)


@dataclass
class _Table:
    """A table being read; its rows are counted from its own first one."""

    rows: list[list[Value]] = field(default_factory=list)
    width: int = 0
    loose: list[str] = field(default_factory=list)  # texts outside the cells, which browsers show above
    spans: list[Range] = field(default_factory=list)
    hidden: list[int] = field(default_factory=list)
    percents: list[Place] = field(default_factory=list)
    taken: dict[int, int] = field(default_factory=dict)  # column → the last row of a cell that reaches down there
    group_spans: int = 0
    is_in_row: bool = False

    def end_group(self) -> None:
        """No cell reaches beyond the rows of its group."""
        last = len(self.rows) - 1
        for place in range(self.group_spans, len(self.spans)):
            self.spans[place] = replace(self.spans[place], last_row=min(self.spans[place].last_row, last))
        self.group_spans = len(self.spans)
        self.taken = {}


class _Page:
    """The rows of a page so far, and what is open."""

    def __init__(self) -> None:
        self.rows: list[list[Value]] = []
        self.width = 0
        self.merged: list[Range] = []
        self.hidden: list[int] = []
        self.percents: list[Place] = []
        self.has_table = False
        self.text = Lines()
        self.table: _Table | None = None
        self.cell: dict[str, str] | None = None
        self.nested = 0  # tables within the open cell; they are text of it

    def tag(self, name: str, is_end: bool, raw_attributes: str) -> None:
        if name == "br":
            self.text.break_line()
        elif name == "table":
            (self.end_table if is_end else self.begin_table)()
        elif name in PARTS and self.table is not None and not self.nested:
            self.part(self.table, name, is_end, raw_attributes)
        elif name in CELLS:
            self.text.add(" ")
        elif name in LINES or name in PARTS:
            self.text.begin_line()

    def begin_table(self) -> None:
        if self.cell is not None:
            self.nested += 1
            self.text.begin_line()
        else:
            self.end_table()
            self.table = _Table()

    def part(self, table: _Table, name: str, is_end: bool, raw_attributes: str) -> None:
        self.end_cell(table)
        if name not in CELLS:
            table.is_in_row = False
        if name in GROUPS:
            table.end_group()
        elif not is_end and name != "caption":
            if not table.is_in_row:
                table.is_in_row = True
                table.rows.append([])
                self.check_size(table)
            about = attributes(raw_attributes) if raw_attributes.strip() else {}
            if name in CELLS:
                self.cell = about
            elif "hidden" in about or HIDDEN.search(about.get("style", "")):
                table.hidden.append(len(table.rows) - 1)

    def end_cell(self, table: _Table) -> None:
        """Put the text so far where it belongs: into the open cell, or above the table."""
        text, about, self.cell = self.text.taken(), self.cell, None
        if about is None:
            table.loose += filter(None, text.split("\n"))
            return
        r, row = len(table.rows) - 1, table.rows[-1]
        c = len(row)
        while table.taken.get(c, -1) >= r:
            c += 1
        across, down = span(about, "colspan", WIDEST), span(about, "rowspan", LONGEST)
        if c + across > table.width:
            table.width = c + across
            self.check_size(table)
        value, is_percent = _value_of(about, text)
        row += [None] * (c - len(row))
        row += [value, *[None] * (across - 1)]
        if down > 1:
            table.taken.update(dict.fromkeys(range(c, c + across), r + down - 1))
        if across > 1 or down > 1:
            is_one = "mso-ignore:colspan" in about.get("style", "")  # Excel writes this where nothing is merged
            table.spans.append(Range(r, c, r + down - 1, c if is_one else c + across - 1))
        if is_percent:
            table.percents.append((r, c))

    def end_table(self) -> None:
        """End the open table, or the one within its cell; take over the lines of text where there is none."""
        if self.nested:
            self.nested -= 1
            self.text.begin_line()
            return
        table, self.table = self.table or _Table(), None
        self.end_cell(table)
        table.end_group()
        self.rows += [[line] for line in table.loose]
        first = len(self.rows)
        self.rows += [row + [None] * (table.width - len(row)) for row in table.rows]
        self.width = max(self.width, table.width, 1)
        self.check_size(_Table())
        for area in table.spans:
            if area.first_row < area.last_row or area.first_column < area.last_column:
                self.merged.append(replace(area, first_row=first + area.first_row, last_row=first + area.last_row))
        self.hidden += [first + r for r in table.hidden]
        self.percents += [(first + r, c) for r, c in table.percents]
        self.has_table |= sum(sum(value is not None for value in row) > 1 for row in table.rows) > 1

    def check_size(self, table: _Table) -> None:
        rows, width = len(self.rows) + len(table.rows), max(self.width, table.width, 1)
        if width > MOST_COLUMNS or rows * width > LIMITS.get().cells:
            raise Unreadable("too_large", f"The tables of the page have {rows} rows and {width} columns.")


def span(about: dict[str, str], name: str, most: int) -> int:
    """How many columns or rows a cell takes; a rowspan of 0 goes to the end of its group."""
    stated = about.get(name, "").strip()[:10]
    if not stated.isdecimal():
        return 1
    return min(int(stated), most) or (most if name == "rowspan" else 1)


def _value_of(about: dict[str, str], text: str) -> tuple[Value, bool]:
    """The value of a cell, and whether it is a percent. All is text, unless the page keeps a number or an error."""
    if "x:err" in about and text in ERRORS.values():
        return CellError(text), False
    stated = next((about[name] for name in NUMBERS if name in about), "")
    if not stated:
        return text or None, False
    is_percent = text.endswith("%") or "%" in "".join(NUMBER_FORMAT.findall(about.get("style", "")))
    digits = SPACE.sub("", text).rstrip("%").replace(",", ".")
    try:
        exact, shown = float(stated), float(digits) / (100 if text.endswith("%") else 1)
    except ValueError:
        return text or None, False
    step = 10.0 ** -len(digits.partition(".")[2]) / (100 if text.endswith("%") else 1)
    if not abs(exact - shown) <= step:  # a date, or thousands; so it is not what the sender saw
        return text, False
    return number(exact), is_percent
