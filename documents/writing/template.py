"""A workbook to fill in, made from the contract of a form: headings, hints, lists, guards, and the rows that are known.

What a clerk may fill in is unlocked; title and headings are locked without a password, so that they are not changed
by mistake. Rows and columns of one's own may be added.
"""

from __future__ import annotations

import datetime as dt
import io
from collections.abc import Mapping, Sequence
from typing import Any

import xlsxwriter
from xlsxwriter.utility import xl_col_to_name, xl_range, xl_range_abs

from contracts.form import Form
from contracts.texts import phrases
from contracts.vocabulary import reporting_units
from documents.writing.template_column import (
    KEYS,
    NUMBERS,
    allowed,
    guard,
    hint,
    is_required,
    look,
    number_format,
    width,
)

DRAWN_ROWS = 30
"""Rows with a border where no row is known beforehand."""
GUARDED_ROWS = 5000
"""Rows that have hints and guards; more than any region has schools."""
LAST_COLUMN = 16_383
MANY_COLUMNS = 12
"""A form with more columns has its numbers under upright headings, else its print is too small to read."""
DARK, LIGHT, GREY, LINE = "#1F4E79", "#DDEBF7", "#F2F2F2", "#A6A6A6"
ALLOWED = (
    "format_cells", "format_columns", "format_rows", "insert_columns", "insert_rows", "delete_rows",
    "sort", "autofilter",
)  # fmt: skip


def template_xlsx(
    form: Form,
    as_of: dt.date,
    sender: str | None,
    schools: Sequence[Mapping[str, str]],
    region: str | None = None,
) -> bytes:
    """The bytes of the workbook, in the edition of `as_of`, with the units of a region; without one those of all.

    `sender` is the Russian name of a reporting unit; without one a form of theirs lets it be chosen. `schools` are the
    rows known beforehand, column → text; a form with a row a unit has the units of `as_of` instead.
    """
    data = io.BytesIO()
    with xlsxwriter.Workbook(data, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False}) as book:
        made = dt.datetime.combine(as_of, dt.time(), dt.UTC)
        book.set_properties({"title": form.title, "created": made})
        _Table(book, form, as_of, region).write(sender, schools)
    return data.getvalue()


class _Table:
    """The table of a template being written, and the sheet of its lists beside it."""

    def __init__(self, book: Any, form: Form, as_of: dt.date, region: str | None) -> None:
        self.book = book
        self.form = form
        self.as_of = as_of
        self.columns = form.edition_at(as_of).columns
        self.units = tuple(reporting_units(as_of, region)["name"])
        self.sheet = book.add_worksheet(phrases()["template.sheet"])
        self.list_sheet = book.add_worksheet(phrases()["template.lists"])
        self.list_sheet.hide()
        self.lists: dict[tuple[str, ...], str] = {}

    def write(self, sender: str | None, schools: Sequence[Mapping[str, str]]) -> None:
        """Draw everything, from the title on."""
        known_rows = [{self.form.key[0]: name} for name in self.units] if self.is_by_unit else schools
        heading = self.above(sender)
        self.headings(heading)
        self.body(heading + 1, known_rows)
        if self.form.states_total and self.is_by_unit:
            self.total(heading + 1, heading + len(known_rows))
        self.guards(heading, len(known_rows) if self.is_by_unit else GUARDED_ROWS)
        self.page(heading)

    @property
    def is_by_unit(self) -> bool:
        """True for a form with a row a reporting unit: its rows are known, and no more can come."""
        return any(column.kind == "unit" and (column.name,) == self.form.key for column in self.columns)

    @property
    def is_wide(self) -> bool:
        """Has the form so many columns that its numbers need upright headings?"""
        return len(self.columns) > MANY_COLUMNS

    def style(self, **more: Any) -> Any:
        """A format of the workbook on the template's common one."""
        return self.book.add_format({"font_name": "Arial", "font_size": 10, "valign": "vcenter"} | more)

    def above(self, sender: str | None) -> int:
        """Title, sender, date and advice, a line each in column A; gives the row of the headings."""
        say = phrases()
        row = 0
        self.sheet.write(row, 0, self.form.title, self.style(bold=True, font_size=14))
        if sender is not None:
            row += 1
            self.sheet.write(row, 0, say["template.sender"].format(name=sender), self.style(bold=True))
        elif self.form.sender_kind == "reporting_unit":
            row += 1
            self.sender_to_choose(row)
        row += 1
        self.date(row)
        advice = self.style(italic=True, font_color="#595959")
        for line in ("template.how_to.columns", *(() if self.is_by_unit else ("template.how_to.rows",))):
            row += 1
            self.sheet.write(row, 0, say[line], advice)
        return row + 2

    def sender_to_choose(self, row: int) -> None:
        """The line that names the sender, with a list of the reporting units to choose from."""
        line = phrases()["template.sender"]
        text = line.format(name=phrases()["template.sender.choose"])
        self.sheet.write(row, 0, text, self.style(bold=True, locked=False, font_color="#C00000"))
        source = self.listed(tuple(line.format(name=name) for name in self.units))
        self.guard(row, 0, row, 0, {"validate": "list", "source": source})

    def date(self, row: int) -> None:
        """The line that states the date, open to correction; its guard looks at words and dots only."""
        say, date = phrases(), f"{self.as_of:%d.%m.%Y}"
        line = say["template.as_of"].format(date=date)
        self.sheet.write(row, 0, line, self.style(bold=True, locked=False))
        cell, begins = f"A{row + 1}", line.removesuffix(date)
        dots = (f'MID({cell},{len(begins) + place},1)="."' for place in (3, 6))
        self.guard(row, 0, row, 0, {
            "validate": "custom",
            "value": f'=AND(LEFT({cell},{len(begins)})="{begins}",{",".join(dots)},LEN({cell})={len(line)})',
            "input_message": say["template.as_of.hint"], "error_title": say["template.guard.title"],
            "error_message": say["template.as_of.guard"],
        })  # fmt: skip

    def headings(self, row: int) -> None:
        """A heading a column, dark where each row has to be filled; its width, and the format of all its cells."""
        tallest = 45.0
        used = self.sheet.dim_colmax
        self.sheet.set_column(0, LAST_COLUMN, None, self.style(locked=False))
        self.sheet.dim_colmax = used  # a column with a format only is not used; readers look at the used range
        for place, column in enumerate(self.columns):
            colours = {"bg_color": DARK, "font_color": "white"} if is_required(column) else {"bg_color": LIGHT}
            is_upright = self.is_wide and column.kind in NUMBERS
            turned = {"rotation": 90} if is_upright else {}
            style = self.style(bold=True, text_wrap=True, align="center", border=1, **colours, **turned)
            self.sheet.write(row, place, column.title, style)
            wide = width(column, is_narrow=self.is_wide)
            self.sheet.set_column(place, place, wide, self.style(**look(column)))
            if is_upright:
                tallest = max(tallest, 15 + 3.7 * len(column.title))
            else:
                tallest = max(tallest, 14 * (1 + len(column.title) // max(wide - 3, 1)))
        self.sheet.set_row(row, tallest)
        self.sheet.freeze_panes(row + 1, self.fixed)

    @property
    def fixed(self) -> int:
        """How many columns from the left say whose row it is."""
        says_whose = [column.kind in KEYS or column.name in self.form.key for column in self.columns]
        return says_whose.index(False) if False in says_whose else len(says_whose)

    def body(self, first: int, known_rows: Sequence[Mapping[str, str]]) -> None:
        """Bordered cells to fill in; what is known beforehand stands there in grey. Rows that come get their border."""
        lines = {"border": 1, "border_color": LINE}
        blank = [self.style(**look(column), **lines) for column in self.columns]
        known_styles = [self.style(**look(column), **lines, bg_color=GREY) for column in self.columns]
        for number in range(len(known_rows) or DRAWN_ROWS):
            row = known_rows[number] if known_rows else {}
            for place, column in enumerate(self.columns):
                text = row.get(column.name)
                if text is None:
                    self.sheet.write_blank(first + number, place, None, blank[place])
                else:
                    self.sheet.write_string(first + number, place, text, known_styles[place])
        if not self.is_by_unit:
            last = len(self.columns) - 1
            filled = f"=COUNTA(${xl_col_to_name(0)}{first + 1}:${xl_col_to_name(last)}{first + 1})>0"
            rule = {"type": "formula", "criteria": filled, "format": self.book.add_format(lines)}
            self.sheet.conditional_format(first, 0, first + GUARDED_ROWS - 1, last, rule)

    def total(self, first: int, last: int) -> None:
        """The row «Итого»: a sum of each required figure that the form compares.

        An optional one is left to the sender: a sum of cells that nobody filled in would state zero.
        """
        row = last + 1
        summed = {control.stated for control in self.form.controls}
        plain = {"bold": True, "top": 2, "bottom": 1, "left": 1, "right": 1, "bg_color": GREY}
        for place, column in enumerate(self.columns):
            style = {**plain, "align": "center", "num_format": number_format(column)}
            if column.name in summed and is_required(column):
                cells = xl_range(first, place, last, place)
                self.sheet.write_formula(row, place, f"=SUM({cells})", self.style(**style), 0)
            elif place == 0:
                self.sheet.write_string(row, place, phrases()["template.total"], self.style(**plain))
            else:
                self.sheet.write_blank(row, place, None, self.style(**style, locked=column.name not in summed))

    def guards(self, heading: int, height: int) -> None:
        """A hint and a guard a column, and the hint again at its heading."""
        first, last = heading + 1, heading + height
        for place, column in enumerate(self.columns):
            words = self.units if column.kind == "unit" else allowed(column)
            self.guard(first, place, last, place, guard(column, self.listed(words) if words else None))
            self.guard(heading, place, heading, place, {"validate": "any", "input_message": hint(column)})
        self.sheet.ignore_errors({"number_stored_as_text": xl_range(first, 0, last, len(self.columns) - 1)})

    def guard(self, first: int, left: int, last: int, right: int, rule: dict[str, Any]) -> None:
        """Set a data validation. Raises ValueError for one that Excel would not take, such as a message too long."""
        if self.sheet.data_validation(first, left, last, right, rule):
            raise ValueError(f"a data validation of {self.form.name} cannot be: {rule}")

    def listed(self, words: tuple[str, ...]) -> str:
        """A reference to a list of words on the sheet of lists: in place it could have 255 characters at most."""
        if words not in self.lists:
            place = len(self.lists)
            self.list_sheet.write_column(0, place, words)
            self.lists[words] = f"='{self.list_sheet.name}'!{xl_range_abs(0, place, len(words) - 1, place)}"
        return self.lists[words]

    def page(self, heading: int) -> None:
        """A4, all columns on the width of a page, headings on each; locked against mistakes."""
        self.sheet.set_paper(9)
        self.sheet.set_landscape()
        self.sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
        self.sheet.fit_to_pages(1, 0)
        self.sheet.repeat_rows(heading)
        self.sheet.set_footer(f"&R{phrases()['template.page']}")
        self.sheet.protect("", dict.fromkeys(ALLOWED, True))
        self.sheet.set_selection(f"{xl_col_to_name(min(self.fixed, len(self.columns) - 1))}{heading + 2}")
