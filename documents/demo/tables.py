"""The document of any form as its clerk made it: typed rows in headings, words and dress of the sender's style.

How a style says things follows from its place among the styles: the heading that it has of those which a form knows,
the spelling of a code, a class in one column or in two.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from contracts.form import Column, Form
from contracts.vocabulary import words
from documents.demo.dress import STYLES, Style, untidily
from documents.demo.mistakes import Row
from documents.demo.reports import draw_heading
from documents.demo.sheets import DAY_ZERO, Cell, Page, text_file, workbook

ABOVE = ("{title}", "Муниципальное образование: {name}", "по состоянию на {date}", "")
FILE_NAMES = ("{title} {file_as} {date}", "{file_as}_{title}_{iso}", "{title} ({file_as}) на {date}")
HEADINGS, SPELLINGS = 3, 2
"""How many of the headings of a column, and of the words of a code, styles take turns in."""
SAID_OF_ALL = ("Исполнитель",)


def table(form: Form, style: Style, unit: Row, rows: Sequence[Row], as_of: dt.date) -> tuple[str, bytes]:
    """File name and bytes. A row has a typed value a column; a text that is no code stands in its cell as it is."""
    page = drawn(form, dressed(style), unit, rows, as_of)
    name = file_name(form, style, unit, as_of, "csv" if style.csv else "xlsx")
    return name, text_file(page, "cp1251") if style.csv else workbook([page])


def file_name(form: Form, style: Style, unit: Row, as_of: dt.date, ending: str) -> str:
    """What a sender of a style calls a file of a form."""
    return f"{FILE_NAMES[turn_of(style) % len(FILE_NAMES)].format(**_slots(form, unit, as_of))}.{ending}"


def dressed(style: Style) -> Style:
    """The style without what only a readiness report has."""
    below = tuple(line for line in style.below if not line or line.startswith(SAID_OF_ALL))
    return replace(style, above=ABOVE if style.above else (), below=below, own=(), cover=())


def turn_of(style: Style) -> int:
    """The place of a style among the styles."""
    return list(STYLES).index(style.name)


def drawn(form: Form, style: Style, unit: Row, rows: Sequence[Row], as_of: dt.date) -> Page:
    """The table on a page: lines above, heading, rows, their total, lines below."""
    page, blank = Page(style.sheet), style.first[1]
    slots = _slots(form, unit, as_of)
    page.rows += [[*[None] * blank, line.format(**slots) or None] for line in style.above]
    page.rows.extend([] for _ in range(style.first[0] - len(page.rows)))
    columns = columns_of(form, style, rows, as_of)
    if style.merged_lines:
        last = bool(style.numbering) + len(columns) - 1
        page.merged += [(r, 0, r, last) for r, row in enumerate(page.rows) if any(row)]
    draw_heading(page, style, [(column.name, *_heading(column, style)) for column in columns])
    is_whole = is_whole_class(columns)
    for turn, row in enumerate(rows):
        told = row | {"grade": f"{row['grade']}{row['letter'] or ''}"} if is_whole else row
        cells = [*[None] * blank, *([turn + 1] if style.numbering else [])]
        page.rows.append([*cells, *(cell(style, column, told.get(column.name), turn) for column in columns)])
    summed = {control.stated for control in form.controls}
    if style.totals and summed:
        page.rows.append(_totals(style, columns, rows, summed))
    page.rows += [[*[None] * blank, line or None] for line in style.below]
    return page


def columns_of(form: Form, style: Style, rows: Sequence[Row], as_of: dt.date) -> list[Column]:
    """The columns that a style has: those that are asked for, and others with something in them; of a class sometimes
    one for grade and letter."""
    edition = form.edition_at(as_of)
    filled = [c for c in edition.columns if c.required or any(row.get(c.name) is not None for row in rows)]
    names = {column.name for column in filled}
    if {"grade", "letter"} <= names and turn_of(style) % 2:
        filled = [column for column in filled if column.name != "letter"]
    return filled


def is_whole_class(columns: Sequence[Column]) -> bool:
    """Does the column of the grade have the letter too?"""
    names = [column.name for column in columns]
    return "grade" in names and "letter" not in names


def _heading(column: Column, style: Style) -> tuple[str | None, str]:
    """Upper heading or None, and heading."""
    known = (column.title, *column.headings)
    upper, _, lower = known[turn_of(style) % min(len(known), HEADINGS)].rpartition(": ")
    return upper or None, lower


def cell(style: Style, column: Column, value: Any, turn: int) -> Cell:
    """A value in the words of the style."""
    if value is None:
        return None
    if isinstance(value, bool):
        word = style.word("yes" if value else "no", turn) if column.vocabulary is None else ("да" if value else "нет")
        return int(word) if word.isdigit() and style.numbers == "number" else word
    if isinstance(value, dt.date):
        if style.dates == "serial":
            return (value - DAY_ZERO).days
        return value.strftime("%d.%m.%Y") if style.dates == "text" else value
    if isinstance(value, int | float):
        return f"{value:g}".replace(".", ",") if style.numbers == "text" or style.csv else value
    if column.kind == "choice" and column.vocabulary is not None:
        return spelt(style, column.vocabulary, value)
    if column.kind == "school_name" and style.untidy and turn % style.untidy == 0:
        return untidily(value, turn // style.untidy)
    return str(value).replace("-", "–") if column.kind == "grades" else str(value)


def spelt(style: Style, vocabulary: str, code: str) -> str:
    """The word of a style for a code; what is no code stays as it is."""
    known = [word for word, meant in words(vocabulary).items() if meant == code]
    return known[turn_of(style) % min(len(known), SPELLINGS)] if known else code


def _totals(style: Style, columns: Sequence[Column], rows: Sequence[Row], summed: set[str]) -> list[Cell]:
    """The row of sums; a figure that stands as a text counts as the number that it is."""
    cells: list[Cell] = [None] * (style.first[1] + bool(style.numbering))
    for column in columns:
        total = sum((float(row.get(column.name) or 0) for row in rows), 0.0) if column.name in summed else None
        cells.append(cell(style, column, None if total is None else int(total) if total.is_integer() else total, 0))
    place = next((i for i, column in enumerate(columns) if column.kind == "school_name"), 0)
    cells[style.first[1] + bool(style.numbering) + place] = style.totals
    return cells


def _slots(form: Form, unit: Row, as_of: dt.date) -> dict[str, str]:
    return {
        "title": form.title, "name": unit["name"], "file_as": unit["file_as"],
        "date": as_of.strftime("%d.%m.%Y"), "iso": as_of.isoformat(),
    }  # fmt: skip
