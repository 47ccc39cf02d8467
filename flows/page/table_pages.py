"""A page for each mart that the audience sees: the table, the files beside it, what its figures mean and rest on."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from itertools import zip_longest

import polars as pl
from markupsafe import Markup, escape

from contracts.forms.titles import form_title
from contracts.texts.figures import whole
from documents.pages.mart_html import HtmlTable, html_table, link, simple_table
from documents.writing.mart_csv import mart_csv
from documents.writing.mart_xlsx import MartSheet, marts_xlsx
from flows.page.address_moment import marked
from flows.page.figure_links import is_found_by, rate_id
from flows.page.frame import MOST_ROWS, Frame, named, told
from flows.page.made_of import Page, digest
from flows.page.page_audience import CORRECTIONS
from flows.presentation.mart_sheets import region_row, sheet_of
from flows.presentation.officer_report import titles_of_told
from flows.presentation.slide_data import MOST_NUMBERS
from warehouse.marts.definitions import Mart
from warehouse.marts.sources import behind, query

DECK = "deck.pptx"


def table_pages(frame: Frame) -> Iterator[Page]:
    """Each mart of the audience as a page, a workbook and a CSV, then the list of them."""
    titles = titles_of_told()
    groups: dict[str, list[tuple[str, Markup, str]]] = {}
    for definition in frame.seen:
        yield from _table(frame, definition, titles[definition.name])
        rows = whole(frame.rows(definition.name).height)
        groups.setdefault(definition.subject, []).append(
            (f"table/{definition.name}.html", named(titles[definition.name], definition.name), rows)
        )
    state = frame.state(frame.rows("delivery_health"))
    deck = "" if frame.audience.unit else DECK
    yield frame.page(
        "tables.html", "tables.html", "Все таблицы", state, told("section_tables"), groups=list(groups.items()),
        deck=deck,
    )  # fmt: skip


def _table(frame: Frame, definition: Mart, title: str) -> Iterator[Page]:
    rows, path = frame.rows(definition.name), f"table/{definition.name}"
    night = frame.night
    total = None
    if not frame.audience.unit and not rows.is_empty():
        total = region_row(night.connection, definition, night.region, frame.asked)
    counted, others = behind(definition, night.documents), _others(frame, definition)
    of_rows = digest(rows)
    of_table = digest(of_rows, total)

    @cache
    def sheet() -> MartSheet:
        return sheet_of(definition, rows, night.region, frame.of_date, total=total)

    def page() -> bytes:
        return frame.draw(
            f"{path}.html", "table.html", title, sheet().lines[:2], named(title, definition.name),
            said=sheet().lines[2:], stem=definition.name, about=definition.about,
            notes=list(zip_longest(map(rate_id, definition.stated.rates), sheet().notes)),
            others=_others_table(frame, definition, others),
            told=html_table(sheet(), definition.label, frame.links("../"), MOST_ROWS, _anchor(rows)),
            captions=[(name, definition.captions[name]) for name in definition.captions if name in rows.columns],
            sources=[*_rules(rows), *_documents(frame, definition, counted)],
        )  # fmt: skip

    yield Page(f"{path}.html", page, digest(frame.made_of, of_table, counted, sorted(frame.forms), others))
    yield Page(f"{path}.csv", lambda: mart_csv(rows).encode(), digest(frame.made_of, of_rows))
    if frame.has_book(definition.name):
        made_of = digest(frame.made_of, of_table)
        yield Page(f"{path}.xlsx", lambda: _book(night.books, of_table, sheet()), made_of)


def _anchor(rows: pl.DataFrame) -> str:
    """The column by which a row is found: a school, or a unit, of which there is one row."""
    return next((name for name in ("school_code", "reporting_unit") if is_found_by(rows, name)), "")


def _others(frame: Frame, definition: Mart) -> pl.DataFrame | None:
    """Beside the corrections of the date those of the dates around it, the newest first."""
    if definition.name != CORRECTIONS:
        return None
    rows = frame.night.corrections_around
    return rows.filter(pl.col("as_of") != frame.night.as_of) if rows.height else rows


def _others_table(frame: Frame, definition: Mart, rows: pl.DataFrame | None) -> HtmlTable:
    if rows is None:
        return simple_table([], [])
    sheet = sheet_of(definition, rows, frame.night.region, frame.of_date)
    dated = [replace(column, is_aside=column.is_aside and column.name != "as_of") for column in sheet.columns]
    dated.sort(key=lambda column: column.name != "as_of")
    return html_table(replace(sheet, columns=dated), "as_of", frame.links("../"), MOST_ROWS)


def _book(written: dict[str, bytes], of_table: str, sheet: MartSheet) -> bytes:
    """The workbook beside a table, which has the columns of that. Units that were given the same rows have the same."""
    key = f"{sheet.name} {of_table}"
    if key not in written:
        as_on_page = replace(sheet, columns=[column for column in sheet.columns if not column.is_aside])
        written[key] = marts_xlsx([as_on_page], in_memory=True)
    return written[key]


def _rules(rows: pl.DataFrame) -> list[str]:
    """By which versions of rules rows were judged."""
    found = []
    for name, words in (("judged_by", "Правила форм"), ("band_rule_version", "Правило полос")):
        if name in rows.columns and (versions := rows[name].drop_nulls().unique().sort().to_list()):
            found.append(f"{words}: {', '.join(map(str, versions))}.")
    return found


def _documents(frame: Frame, definition: Mart, counted: pl.DataFrame) -> list[Markup | str]:
    """Which documents counted, each with the page that says in which cells they are read, and the query that shows the
    figures again."""
    night = frame.night
    lines: list[Markup | str] = []
    for of_form in counted.partition_by("form", maintain_order=True) if not counted.is_empty() else ():
        form, numbers = of_form["form"][0], of_form["delivery_id"].unique().sort().to_list()
        page = f"../form/{form}.html" if form in frame.forms else ""
        some = [link(f"{page}#d{number}", number) if page else escape(number) for number in numbers[:MOST_NUMBERS]]
        more = f" и ещё {len(numbers) - MOST_NUMBERS}" if len(numbers) > MOST_NUMBERS else ""
        title = link(page, form_title(form)) if page else escape(form_title(form))
        lines.append(title + ": доставки " + Markup(", ").join(some) + more + ".")
    asked = f"Запрос: {query(definition, night.region.code, night.as_of, night.known_at)}"
    return [*lines, marked(asked, night.known_at, night.region.zone)]
