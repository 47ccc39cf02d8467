"""Marts as a workbook that is ready to be read and printed: a title, of when and how sure it is, headings that stay in
sight, figures in their formats, bands in colour, a total, notes; a page wide in landscape.

Rows are written as they come and not kept, unless that is asked for: a large mart costs what a small one does. Nothing
of the data becomes a formula or a link. Equal marts give equal bytes: a workbook says nothing of when it was written.
"""

from __future__ import annotations

import io
import math
import textwrap
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import polars as pl
import xlsxwriter
from xlsxwriter.format import Format

from contracts.texts import word_of
from contracts.texts.figures import whole
from documents.writing.frames_xlsx import MADE

MOST_ROWS = 1_000_000
"""Rows that a sheet takes, with room for title, heading and notes."""
LONGEST = 32_767
"""Letters that a cell takes."""
WIDEST, NARROWEST = 38, 7
PAGE_WIDTH = 235
"""Letters across a page at which they are still read; a wider table is printed on several side by side."""
LINE = 13
"""Height of a line, points."""
TOTAL = "Итого по региону"
FOLDED = "Коды и служебные столбцы свёрнуты справа: «+» над столбцами раскрывает их, на печать они не идут."
FIGURES = ("целое", "число", "доля", "разность долей")
NUMBER_FORMATS = {
    "целое": "#,##0", "число": "#,##0.00##", "номер": "0", "доля": "0.0%",
    "разность долей": "+0.0%;\N{MINUS SIGN}0.0%;0.0%", "дата": "dd.mm.yyyy",
    "момент": "dd.mm.yyyy hh:mm",
}  # fmt: skip
BAND_COLOURS = {
    "green": ("#C6EFCE", "#005C1F"), "amber": ("#FFEB9C", "#7A4B00"),
    "red": ("#FFC7CE", "#9C0006"), "no_data": ("#E7E6E6", "#595959"),
}  # fmt: skip
"""Band → its ground and the colour of its letters."""
IN_QUESTION, GREY = "in_question", "#808080"
"""The column that says of a row that its figures wait for a decision, and the letters of such a row."""


@dataclass(frozen=True)
class Shown:
    """A column as a sheet shows it. `kind` is its kind in columns.csv, `band` the column whose band colours it; what
    `is_aside` stands folded at the end."""

    name: str
    caption: str
    kind: str
    band: str = ""
    is_aside: bool = False


@dataclass(frozen=True)
class MartSheet:
    """A mart as a sheet. `lines` stand under the title, `total` is the region's row, `notes` stand below the table;
    `is_one_row` asks for its only row as a list of figures."""

    name: str
    title: str
    lines: Sequence[str]
    columns: Sequence[Shown]
    rows: pl.DataFrame
    total: Mapping[str, object] | None = None
    notes: Sequence[str] = ()
    is_one_row: bool = False


class TooManyRows(ValueError):
    """A mart of more rows than a sheet takes."""

    def __init__(self, rows: int) -> None:
        super().__init__(f"{rows} rows, and a sheet takes {MOST_ROWS}")
        self.rows, self.most = rows, MOST_ROWS


Formats = Callable[..., Format]
Styles = Callable[[int, str, str, bool, bool], Format]


def marts_xlsx(
    sheets: Iterable[MartSheet], front: Callable[[Any, Formats], None] | None = None, *, in_memory: bool = False
) -> bytes:
    """A workbook of marts, a sheet each; `front` writes on a first sheet of its own. Times are as the rows have them.

    What is small is written quicker `in_memory`, without files on the way. Raises TooManyRows.
    """
    data = io.BytesIO()
    kept = "in_memory" if in_memory else "constant_memory"
    options = {kept: True, "strings_to_formulas": False, "strings_to_urls": False}
    with xlsxwriter.Workbook(data, options) as book:
        book.set_properties({"created": MADE})
        formats = formats_of(book)
        if front is not None:
            front(book, formats)
        for sheet in sheets:
            if sheet.rows.height > MOST_ROWS:
                raise TooManyRows(sheet.rows.height)
            write_sheet(book.add_worksheet(sheet.name), sheet, formats)
    return data.getvalue()


def formats_of(book: xlsxwriter.Workbook) -> Formats:
    """The formats of a workbook, each made when it is first asked for."""
    made: dict[tuple[tuple[str, object], ...], Format] = {}

    def format_(kind: str = "", band: str = "", **more: object) -> Format:
        asked: dict[str, object] = {"valign": "top", "font_name": "Arial", "font_size": 10, **more}
        if kind in NUMBER_FORMATS:
            asked["num_format"] = NUMBER_FORMATS[kind]
        if band in BAND_COLOURS:
            asked["bg_color"], asked["font_color"] = BAND_COLOURS[band]
        key = tuple(sorted(asked.items()))
        if key not in made:
            made[key] = book.add_format(asked)
        return made[key]

    return format_


CELL: dict[str, object] = {"border": 1, "border_color": "#BFBFBF"}
HEADING: dict[str, object] = {
    **CELL,
    "bold": True,
    "text_wrap": True,
    "bg_color": "#DDEBF7",
    "valign": "vcenter",
    "align": "center",
}


def write_sheet(sheet: Any, mart: MartSheet, formats: Formats) -> None:
    """Write a mart on a sheet that is still blank."""
    top = write_title(sheet, mart.title, mart.lines, formats)
    last = _write_list(sheet, mart, top, formats) if mart.is_one_row else _write_table(sheet, mart, top, formats)
    notes = [
        *mart.notes,
        *([FOLDED] if any(column.is_aside for column in mart.columns) and not mart.is_one_row else []),
    ]
    for row, note in enumerate(notes, start=last + 2):
        put(sheet, row, 0, note, formats(italic=True, font_color="#595959"))
    set_page(sheet, mart.title, 1 if mart.is_one_row else _pages_across(mart))


def write_title(sheet: Any, title: str, lines: Sequence[str], formats: Formats) -> int:
    """Write what stands above a table; returns the row that is free for it."""
    sheet.set_row(0, 22)
    put(sheet, 0, 0, title, formats(bold=True, font_size=14))
    for row, line in enumerate(lines, start=1):
        put(sheet, row, 0, line, formats())
    return len(lines) + 2


def set_page(sheet: Any, title: str, across: int = 1) -> None:
    """So many pages wide, in landscape, with its title and its number below."""
    sheet.set_landscape()
    sheet.set_paper(9)
    sheet.fit_to_pages(across, 0)
    sheet.set_margins(left=0.4, right=0.4, top=0.5, bottom=0.6)
    sheet.set_footer(f"&L&8{title.replace('&', '&&')[:120]}&R&8Страница &P из &N")
    sheet.hide_gridlines(2)


def put(sheet: Any, row: int, column: int, value: object, style: Format, kind: str = "") -> None:
    """Write a value as what it is: a text is never a formula, whatever it begins with."""
    if value is None:
        sheet.write_blank(row, column, None, style)
    elif isinstance(value, bool):
        sheet.write_string(row, column, "да" if value else "нет", style)
    elif isinstance(value, int | float):
        sheet.write_number(row, column, value, style)
    elif kind in ("дата", "момент"):
        sheet.write_datetime(row, column, value, style)
    else:
        sheet.write_string(row, column, str(value)[:LONGEST], style)


def _write_table(sheet: Any, mart: MartSheet, top: int, formats: Formats) -> int:
    """Heading, rows and total; returns the last row."""
    widths = [_width(mart, column) for column in mart.columns]
    height = max((len(textwrap.wrap(c.caption, int(w))) for c, w in zip(mart.columns, widths, strict=True)), default=1)
    sheet.set_row(top, 14 * height + 4)
    for place, (column, width) in enumerate(zip(mart.columns, widths, strict=True)):
        put(sheet, top, place, column.caption, formats(**HEADING))
        sheet.set_column(place, place, width, None, {"level": 1, "hidden": True} if column.is_aside else {})
    row = top
    names = [column.name for column in mart.columns]
    in_lines = {c.name: w for c, w in zip(mart.columns, widths, strict=True) if c.kind == "текст" and not c.is_aside}
    styled = _styles(mart.columns, formats)
    for row, values in enumerate(mart.rows.select(names).iter_rows(named=True), start=top + 1):
        lines = max((lines_of(values[name], width) for name, width in in_lines.items()), default=1)
        if lines > 1:  # a height that is said is kept in memory
            sheet.set_row(row, LINE * lines + 2)
        _write_row(sheet, row, mart.columns, values, styled)
    if mart.columns:
        sheet.autofilter(top, 0, max(row, top + 1), len(mart.columns) - 1)
    if mart.total is not None:
        row += 1
        _write_row(sheet, row, mart.columns, mart.total, styled, is_total=True)
    kept = _columns_kept(mart)
    sheet.freeze_panes(top + 1, kept)
    sheet.repeat_rows(top)
    if kept and _pages_across(mart) > 1:
        sheet.repeat_columns(0, kept - 1)
    return row


def _columns_kept(mart: MartSheet) -> int:
    """How many columns stay in sight: up to the first text, where it is among the first two."""
    first_text = next((place for place, column in enumerate(mart.columns) if column.kind == "текст"), -1)
    return first_text + 1 if first_text < 2 else 0


def _pages_across(mart: MartSheet) -> int:
    """On how many pages side by side a table is printed, each with the columns that stay in sight."""
    widths = [_width(mart, column) for column in mart.columns if not column.is_aside]
    kept = sum(widths[: _columns_kept(mart)])
    return max(1, math.ceil((sum(widths) - kept) / (PAGE_WIDTH - kept)))


def _write_row(
    sheet: Any, row: int, columns: Sequence[Shown], values: Mapping[str, object], styled: Styles, *,
    is_total: bool = False,
) -> None:  # fmt: skip
    is_grey = bool(values.get(IN_QUESTION))
    for place, column in enumerate(columns):
        value = values.get(column.name)
        band = str(values.get(column.band)) if column.band else ""
        style = styled(place, kind_of(column.kind, value), band, is_grey, is_total)
        put(sheet, row, place, in_word(column.name, value), style, column.kind)


def _styles(columns: Sequence[Shown], formats: Formats) -> Styles:
    """The format of a cell by its column, kind and band, and whether its row is in question or the last: a sheet has
    few, and ten thousand cells."""

    @cache
    def styled(place: int, kind: str, band: str, is_grey: bool, is_total: bool) -> Format:
        more: dict[str, object] = {"bold": True, "top": 2} if is_total else {}
        if is_grey:
            more["font_color"] = GREY
        return formats(kind, band, **CELL, **_place(columns[place]), **more)

    return styled


def _place(column: Shown) -> dict[str, object]:
    """Where in its cell a value stands: texts at the left and wrapped, what is short in the middle, figures at the
    right."""
    if column.is_aside:  # what stands in a folded column would show in a blank cell beside it
        return {"align": "left", "shrink": True}
    if column.kind in ("да/нет", "номер", "дата", "момент") or column.band == column.name:
        return {"align": "center"}
    return {"text_wrap": True, "align": "left", "indent": 1} if column.kind == "текст" else {}


def _write_list(sheet: Any, mart: MartSheet, top: int, formats: Formats) -> int:
    """The figures of the only row below one another; returns the last row."""
    sheet.set_column(0, 0, 48)
    sheet.set_column(1, 1, 40)
    for place, heading in enumerate(("Показатель", "Значение")):
        put(sheet, top, place, heading, formats(**HEADING))
    values = next(mart.rows.iter_rows(named=True), {})
    row = top
    for row, column in enumerate((c for c in mart.columns if not c.is_aside), start=top + 1):
        band, value = str(values.get(column.band)) if column.band else "", values.get(column.name)
        sheet.set_row(row, LINE * max(lines_of(column.caption, 48), lines_of(value, 40)) + 2)
        put(sheet, row, 0, column.caption, formats(**CELL, text_wrap=True))
        style = formats(kind_of(column.kind, value), band, **CELL, align="right", text_wrap=True)
        put(sheet, row, 1, in_word(column.name, value), style, column.kind)
    sheet.freeze_panes(top + 1, 0)
    return row


def kind_of(kind: str, value: object) -> str:
    """The kind by which a value is formatted: a whole number has no decimal places."""
    return "целое" if kind == "число" and isinstance(value, int | float) and value == int(value) else kind


def lines_of(value: object, width: float) -> int:
    """In how many lines a text stands in a column."""
    return -(-len(value) // max(1, int(width) - 2)) if isinstance(value, str) and value else 1


def in_word(column: str, value: object) -> object:
    """A value, a code or the number of a month among them as its Russian word."""
    if not isinstance(value, str | int) or isinstance(value, bool):
        return value
    told = word_of(column, str(value))
    return value if told == str(value) else told


def _width(mart: MartSheet, column: Shown) -> float:
    """How wide a column is: as its longest value, but no narrower than the longest word of its heading."""
    values = mart.rows[column.name]
    if column.kind in FIGURES:
        sizes = [values.max(), values.min(), (mart.total or {}).get(column.name)]
        figures = (len(whole(abs(round(size)))) for size in sizes if isinstance(size, int | float))
        longest = 7 if column.kind in ("доля", "разность долей") else max(figures, default=1)
        longest += 2 * (column.kind == "число")
    elif column.kind in ("дата", "момент"):
        longest = 10 if column.kind == "дата" else 16
    elif column.kind in ("да/нет", "номер"):
        longest = 4
    else:
        lengths = [len(word_of(column.name, text)) for text in set(values.head(10_000)) if text is not None]
        longest = max(lengths, default=0)
        if mart.total and isinstance(of_total := mart.total.get(column.name), str):
            longest = max(longest, len(of_total))
    word = max(map(len, column.caption.split()), default=0)
    return float(min(max(longest + 2, word + 4, NARROWEST), WIDEST))
