"""The marts of a region or of a reporting unit in one workbook, with what they come to and whom to call."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from typing import TYPE_CHECKING, Any

import polars as pl

from contracts.regions.pack import Region
from contracts.texts import word_of
from contracts.texts.figures import percent, whole
from contracts.vocabulary import contacts_of
from documents.writing.mart_xlsx import MartSheet, marts_xlsx
from documents.writing.report_front import Call, Front, Line
from flows.presentation.mart_sheets import Asked, region_row, region_view, sheet_of, short_title, state_lines, title_of
from flows.presentation.on_paper import on_paper
from warehouse.marts.definitions import Mart, marts, views
from warehouse.marts.indicators import LONG
from warehouse.marts.published import mart

if TYPE_CHECKING:
    from sqlalchemy import Connection

OWING = ("missing", "refused")
NO_CONTACT = "контакта в папке региона нет"
ORDER = ("unit", "", "sender", "school")
"""Grains of marts in the order of the sheets: what is of units first, long tables of schools last."""
IN_NO_NAME = re.compile(r"[\[\]:*?/\\']")
LONGEST_NAME = 31


def make_report(connection: Connection, region: Region, unit: str | None, unit_name: str, asked: Asked) -> bytes:
    """The workbook; of the region, or of a reporting unit what is its own and its schools'."""
    whose = unit_name if unit else region.name
    told, titles = told_marts(), titles_of_told()
    lines: list[Line] = []
    sheets: list[MartSheet] = []
    for definition in told:
        rows = mart(connection, definition.name, asked.as_of, asked.known_at, region.code)
        total = None if unit else region_row(connection, definition, region, asked)
        if unit:
            if not {"reporting_unit", "sender"} & set(rows.columns):
                continue
            rows = rows.filter(pl.col("reporting_unit" if "reporting_unit" in rows.columns else "sender") == unit)
        is_one = bool(unit) and definition.grain == "unit" and rows.height == 1
        name = "" if rows.is_empty() else _name(len(sheets) + 1, titles[definition.name])
        if name:
            sheet = sheet_of(definition, rows, region, asked, name, total, is_one_row=is_one)
            sheets.append(on_paper(sheet, definition))
        lines.append(_line(definition, rows, total, name, titles[definition.name]))
    front = Front(
        f"{whose}: мониторинг Профминимума",
        state_lines(health := _health(connection, region, asked), region.name, region.zone, asked),
        lines,
        list(_calls(health, unit)),
        "Кому звонить" if unit is None else "Что прислано и кому звонить",
        "Все прислали то, чего от них ждут.",
    )
    return marts_xlsx(_sheets(sheets), front.write)


def _sheets(sheets: list[MartSheet]) -> Iterator[MartSheet]:
    """The sheets, each let go when it is written."""
    while sheets:
        yield sheets.pop(0)


@cache
def told_marts() -> tuple[Mart, ...]:
    """The marts in the order of the sheets, without the views that are the total row of another, repeat all, or are of
    the country."""
    everyone = [each for each in (*marts(), *views()) if each.audience.kind != "country"]
    totals = {view.name for each in everyone if (view := region_view(each))}
    told = [each for each in everyone if each.name not in {*totals, LONG}]
    return tuple(sorted(told, key=lambda each: (ORDER.index(each.grain), each.subject, each.name)))


@cache
def titles_of_told() -> dict[str, str]:
    """Mart → what it is called beside the others: its short title, where that is its alone."""
    told = told_marts()
    short = Counter(short_title(definition) for definition in told)
    return {each.name: short_title(each) if short[short_title(each)] == 1 else title_of(each) for each in told}


def _health(connection: Connection, region: Region, asked: Asked) -> pl.DataFrame:
    return mart(connection, "delivery_health", asked.as_of, asked.known_at, region.code)


def _line(definition: Mart, rows: pl.DataFrame, total: dict[str, Any] | None, name: str, title: str) -> Line:
    """What a mart comes to: its first share, of the region or of the unit's only row."""
    only = total or (rows.row(0, named=True) if rows.height == 1 else {})
    rate = next((rate for rate in definition.stated.rates if rate.name in only), None)
    figure = band = ""
    if rate and only.get(rate.numerator) is not None:
        counts = f"{whole(only[rate.numerator])} из {whole(only[rate.denominator])}"
        figure = f"{counts} ({percent(only[rate.name])})"
        band = str(only.get(rate.band) or "")
    has_state = {"completeness", "is_final"} <= set(rows.columns) and not rows.is_empty()
    return Line(
        name,
        title,
        rows.height,
        figure,
        band,
        word_of("band", band),
        rows["completeness"].min() if has_state else None,  # type: ignore[arg-type]  # a share
        bool(rows["is_final"].all()) if has_state else None,
    )


def _calls(health: pl.DataFrame, unit: str | None) -> Iterator[Call]:
    """Who owes something and whom to call there; of a unit what became of each of its forms."""
    owing = pl.col("status").is_in(OWING) if unit is None else pl.col("sender") == unit
    rows = health.filter(owing) if not health.is_empty() else health
    for of_sender in rows.partition_by("sender", maintain_order=True) if not rows.is_empty() else ():
        forms = of_sender.select("form_title", "status_name").iter_rows()
        owed = "; ".join(f"{title}: {str(status).lower()}" for title, status in forms)
        sender = of_sender["sender"][0]
        yield Call(of_sender["sender_name"][0], owed, "; ".join(contacts_of(sender)) or NO_CONTACT)


def _name(number: int, title: str) -> str:
    """The name of a sheet: its number, and of its title the words that have room."""
    name = f"{number}"
    for word in IN_NO_NAME.sub(" ", title).split():
        if len(f"{name} {word}") > LONGEST_NAME:
            break
        name = f"{name} {word}"
    return name
