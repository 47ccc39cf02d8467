"""The first sheet of an officer's report: whose it is, its sheets with their figures, whom to call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import xlsxwriter

from documents.writing.mart_xlsx import CELL, HEADING, LINE, Formats, lines_of, put, set_page, write_title

FRONT = "Содержание"
WIDTHS = (5, 72, 9, 36, 12, 12, 15)
HEADINGS = ("№", "Лист", "Строк", "Показатель", "Полоса", "Полнота", "Окончательно")
CALL_HEADINGS = ("№", "Отправитель", "", "Что должен", "Кому звонить", "", "")


@dataclass(frozen=True)
class Line:
    """A mart in the contents: `sheet` is empty where it has no row; `figure` says in words what it comes to."""

    sheet: str
    title: str
    rows: int
    figure: str
    band: str
    band_word: str
    completeness: float | None
    is_final: bool | None


@dataclass(frozen=True)
class Call:
    """A sender, what is owed, and whom to call."""

    sender: str
    owed: str
    contact: str


@dataclass(frozen=True)
class Front:
    """What the first sheet says."""

    title: str
    lines: Sequence[str]
    contents: Sequence[Line]
    calls: Sequence[Call]
    called_for: str
    """What stands over the calls."""
    nobody: str
    """What is said where there is no call to make."""

    def write(self, book: xlsxwriter.Workbook, formats: Formats) -> None:
        """Write it as a sheet of a book."""
        sheet = book.add_worksheet(FRONT)
        row = write_title(sheet, self.title, self.lines, formats)
        for column, width in enumerate(WIDTHS):
            sheet.set_column(column, column, width)
        row = self._write_contents(sheet, row, formats)
        put(sheet, row + 1, 0, self.called_for, formats(bold=True, font_size=12))
        self._write_calls(sheet, row + 2, formats)
        set_page(sheet, self.title)

    def _write_contents(self, sheet: Any, row: int, formats: Formats) -> int:
        for column, heading in enumerate(HEADINGS):
            put(sheet, row, column, heading, formats(**HEADING))
        for number, line in enumerate(self.contents, start=1):
            row += 1
            middle = {**CELL, "align": "center"}
            put(sheet, row, 0, number, formats("номер", **middle))
            sheet.set_row(row, LINE * max(lines_of(line.title, WIDTHS[1]), lines_of(line.figure, WIDTHS[3])) + 2)
            if line.sheet:
                link = formats(**CELL, font_color="#0563C1", underline=1, text_wrap=True)
                sheet.write_url(row, 1, f"internal:'{line.sheet}'!A1", link, line.title)
            else:
                put(sheet, row, 1, line.title, formats(**CELL, text_wrap=True, font_color="#7F7F7F"))
            put(sheet, row, 2, line.rows, formats("целое", **CELL))
            put(sheet, row, 3, line.figure, formats(**CELL, text_wrap=True, align="left", indent=1))
            put(sheet, row, 4, line.band_word, formats("", line.band, **middle))
            put(sheet, row, 5, line.completeness, formats("доля", **CELL))
            put(sheet, row, 6, line.is_final, formats(**middle))
        return row + 1

    def _write_calls(self, sheet: Any, row: int, formats: Formats) -> None:
        if not self.calls:
            put(sheet, row, 0, self.nobody, formats())
            return
        for column, heading in enumerate(CALL_HEADINGS):
            put(sheet, row, column, heading, formats(**HEADING))
        sheet.merge_range(row, 4, row, 6, CALL_HEADINGS[4], formats(**HEADING))
        for number, call in enumerate(self.calls, start=1):
            row += 1
            cell = formats(**CELL, text_wrap=True)
            put(sheet, row, 0, number, formats("номер", **CELL, align="center"))
            put(sheet, row, 1, call.sender, cell)
            put(sheet, row, 2, "", cell)
            put(sheet, row, 3, call.owed, cell)
            sheet.merge_range(row, 4, row, 6, "", cell)
            put(sheet, row, 4, call.contact, cell)
            lines = max(lines_of(call.contact, sum(WIDTHS[4:])), lines_of(call.owed, WIDTHS[3]))
            sheet.set_row(row, LINE * lines + 2)
