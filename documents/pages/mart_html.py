"""A mart as a table of a page: what a workbook shows (documents/writing/mart_xlsx.py), with links, and each band told
by a sign and a word beside its colour."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import polars as pl
from markupsafe import Markup, escape

from contracts.texts import word_of
from contracts.texts.figures import percent, points, whole
from documents.writing.mart_xlsx import FIGURES, MartSheet, Shown, in_word

SIGNS = {"green": "✓", "amber": "!", "red": "✕", "no_data": "?"}
"""Band → its sign: what colour says, said without it."""
NOTHING = "—"
Links = Mapping[str, Callable[[Mapping[str, object]], str]]
"""Column → the address to which a value of it leads, empty for none."""


@dataclass(frozen=True)
class HtmlTable:
    """A table as markup. `left_out` counts rows that the files beside it have and the page has not."""

    headings: Sequence[tuple[Markup, bool]]
    rows: Sequence[Markup]
    total: Markup | None
    left_out: int = 0


# Markup.format is ten times as slow as these: a site has a hundred thousand cells.
def banded(text: object, band: str | None) -> Markup:
    """A figure with its band: sign, and the word for those who do not see it."""
    if not band:
        return escape(text)
    sign, word = SIGNS.get(band, ""), escape(word_of("band", band))
    return Markup(
        f'<span class="band {escape(band)}">{escape(text)} <b aria-hidden="true">{sign}</b>'
        f'<span class="unseen">, {word}</span></span>'
    )


def html_table(sheet: MartSheet, label: str, links: Links, most: int, anchor: str = "") -> HtmlTable:
    """The columns that a reader of the workbook sees at once, at most so many rows. `label` is the column that names a
    row, `anchor` one by whose values, each of one row, a row is found (`row_id`)."""
    shown = [column for column in sheet.columns if not column.is_aside]
    head = label if any(column.name == label for column in shown) else ""
    part = sheet.rows.head(most)
    found = [_cells(column, part, links, is_head=column.name == head) for column in shown]
    if anchor and head:
        place = next(number for number, column in enumerate(shown) if column.name == head)
        found[place] = [
            cell.replace("<th ", f'<th id="{row_id(value)}" ', 1)
            for cell, value in zip(found[place], part[anchor], strict=True)
        ]
    rows = [Markup("".join(cells)) for cells in zip(*found, strict=True)]
    total = None if sheet.total is None else Markup("".join(
        _cell(column, _value(column, sheet.total, {}), is_head=column.name == head) for column in shown
    ))  # fmt: skip
    headings = [(caption(column), _is_figure(column)) for column in shown]
    return HtmlTable(headings, rows, total, max(0, sheet.rows.height - most))


def figures_list(sheet: MartSheet, links: Links) -> list[tuple[str, Markup]]:
    """The figures of the only row, each with what it is called."""
    values = next(sheet.rows.iter_rows(named=True), {})
    shown = (column for column in sheet.columns if not column.is_aside and column.name in values)
    return [(column.caption, _value(column, values, links)) for column in shown]


def row_id(value: object) -> str:
    """Where on a page the row of a unit or of a school is."""
    return f"row-{escape(value)}"


def in_two_languages(russian: str, english: str) -> Markup:
    """Russian words, with the English for the switch."""
    return Markup(f'<span data-en="{escape(english)}">{escape(russian)}</span>')


def caption(column: Shown) -> Markup:
    """What a column is called; in English as it is named."""
    return in_two_languages(column.caption, column.name.replace("_", " ").capitalize())


def _cells(column: Shown, rows: pl.DataFrame, links: Links, *, is_head: bool) -> list[str]:
    """The cells of a column. Equal values in equal bands look alike; those that lead somewhere do by their row."""
    if column.name in links:
        return [_cell(column, _value(column, row, links), is_head=is_head) for row in rows.iter_rows(named=True)]
    names = [name for name in dict.fromkeys((column.name, column.band)) if name in rows.columns]
    seen: dict[tuple[object, ...], str] = {}
    cells = []
    for values in rows.select(names).iter_rows():
        if values not in seen:
            told = _value(column, dict(zip(names, values, strict=True)), links)
            seen[values] = _cell(column, told, is_head=is_head)
        cells.append(seen[values])
    return cells


def _cell(column: Shown, told: Markup, *, is_head: bool) -> str:
    if is_head:
        return f'<th scope="row">{told}</th>'
    return f'<td class="n">{told}</td>' if _is_figure(column) else f"<td>{told}</td>"


def _value(column: Shown, values: Mapping[str, object], links: Links) -> Markup:
    value = values.get(column.name)
    text = escape(as_text(column, value))
    band = values.get(column.band) if column.band else None
    told = banded(text, str(band)) if band else text
    address = links[column.name](values) if value is not None and column.name in links else ""
    return link(address, told) if address else told


def as_text(column: Shown, value: object) -> str:
    """A value as the workbook shows it."""
    if value is None:
        return NOTHING
    if isinstance(value, bool):
        return "да" if value else "нет"
    if isinstance(value, dt.datetime):
        return f"{value:%d.%m.%Y %H:%M}"
    if isinstance(value, dt.date):
        return f"{value:%d.%m.%Y}"
    if isinstance(value, int | float) and column.kind in FIGURES:
        share = {"доля": percent, "разность долей": points}.get(column.kind)
        return share(value) if share else whole(round(value, 4))
    return str(in_word(column.name, value))


def _is_figure(column: Shown) -> bool:
    return column.kind in FIGURES and column.band != column.name


def simple_table(headings: Sequence[tuple[object, bool]], rows: Sequence[Sequence[object]]) -> HtmlTable:
    """A table of values as they are; the first of a row names it. A heading says whether figures stand below it."""
    opened = ['<th scope="row">', *('<td class="n">' if is_figure else "<td>" for _, is_figure in headings[1:])]
    closed = ["</th>", *["</td>"] * len(headings)]
    made = [
        Markup("".join(f"{one}{escape(value)}{end}" for one, value, end in zip(opened, row, closed, strict=False)))
        for row in rows
    ]
    return HtmlTable([(escape(heading), is_figure) for heading, is_figure in headings], made, None)


def link(address: str, text: object) -> Markup:
    """Text that leads to an address."""
    return Markup(f'<a href="{escape(address)}">{escape(text)}</a>')
