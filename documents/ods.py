"""What calamine does not tell of an ods: its merges and its error cells."""

from __future__ import annotations

import re
import zipfile

from contracts.grid import Range, Unreadable
from documents.extras import Extras, walk

ERROR_LIMIT = 1_000_000
MOST_ROWS, MOST_COLUMNS = 1 << 20, 1 << 14  # the largest sheet LibreOffice can hold
ERROR_TEXT = re.compile(r"#(NULL!|DIV/0!|VALUE!|REF!|NAME\?|NUM!|N/A)|(Err|Ошибка):\d{3}")

# ods: <table:table-cell table:number-columns-repeated="3" table:formula="of:=1/0"><text:p>#DIV/0!</text:p>


def ods_extras(archive: zipfile.ZipFile) -> list[Extras]:
    parser = _OdsParser()
    if "content.xml" in archive.namelist():
        walk(archive, "content.xml", parser.start, parser.end, parser.text)
    return parser.sheets


class _OdsParser:
    """Finds filled rectangles, merges and error cells of the tables; equal rows and cells are written once."""

    def __init__(self) -> None:
        self.sheets: list[Extras] = []
        self.name = ""
        self.tables = self.row = self.column = self.row_repeat = self.cell_repeat = self.width = 0
        self.errors: list[tuple[int, int, str]] = []  # first column, repeat, text
        self.cell: dict[str, str] | None = None
        self.value: list[str] = []
        self.is_note = False

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        self.tables += tag == "table:table"
        if self.tables != 1:  # a table may lie inside a cell
            return
        if tag == "table:table":
            self.sheets.append(Extras())
            self.name, self.row = attributes.get("table:name", ""), 0
        elif tag == "table:table-row":
            self.row_repeat = int(attributes.get("table:number-rows-repeated", 1))
            self.column = self.width = 0
            self.errors = []
        elif tag in ("table:table-cell", "table:covered-table-cell"):
            self.cell_repeat = int(attributes.get("table:number-columns-repeated", 1))
            self.cell, self.value = attributes, []
            down = min(int(attributes.get("table:number-rows-spanned", 1)), MOST_ROWS) - 1
            right = min(int(attributes.get("table:number-columns-spanned", 1)), MOST_COLUMNS) - 1
            if down > 0 or right > 0:
                merged = Range(self.row, self.column, self.row + down, self.column + right)
                self.sheets[-1].merged.append(merged)
        elif tag == "office:annotation":
            self.is_note = True

    def text(self, text: str) -> None:
        if self.cell is not None and not self.is_note:
            self.value.append(text)

    def end(self, tag: str) -> None:
        if self.tables == 1 and self.cell is not None and tag in ("table:table-cell", "table:covered-table-cell"):
            self._end_cell(self.cell)
        elif self.tables == 1 and tag == "table:table-row":
            self._end_row(self.sheets[-1])
        elif tag == "office:annotation":
            self.is_note = False
        self.tables -= tag == "table:table"

    def _end_cell(self, cell: dict[str, str]) -> None:
        text = "".join(self.value).strip()
        is_error = cell.get("calcext:value-type") == "error"
        # Older programs write the error only as the text of a formula; its value is then a false 0.
        if is_error or ("table:formula" in cell and ERROR_TEXT.fullmatch(text)):
            self.errors.append((self.column, self.cell_repeat, text or "#VALUE!"))
        self.column += self.cell_repeat
        if is_error or "office:value-type" in cell:
            self.width = self.column
        self.cell = None

    def _end_row(self, sheet: Extras) -> None:
        if self.width:
            sheet.fill(self.row + self.row_repeat - 1, self.width - 1)
            sheet.check_size(self.name)
        for first, repeat, text in self.errors:
            if len(sheet.errors) + self.row_repeat * repeat > ERROR_LIMIT:
                raise Unreadable("too_large", f"Sheet {self.name!r} has more than {ERROR_LIMIT} error cells.")
            for row in range(self.row, self.row + self.row_repeat):
                sheet.errors |= {(row, column): text for column in range(first, first + repeat)}
        self.row += self.row_repeat
