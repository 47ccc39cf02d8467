"""What slides are made of: the marts of one region, date and moment, and what each is told as."""

from __future__ import annotations

import csv
import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache, cached_property
from typing import TYPE_CHECKING, Any

import polars as pl

from contracts.regions.pack import Region
from contracts.texts import FOLDER
from contracts.texts.figures import whole
from documents.writing.deck_table import Cell
from flows.home.shown import cell, local_time
from flows.presentation.mart_sheets import Asked, band_columns, region_row, region_view, shown_kind
from flows.presentation.on_paper import sums
from warehouse.marts.definitions import Mart
from warehouse.marts.published import mart, mart_named
from warehouse.marts.sources import behind, counting, query

if TYPE_CHECKING:
    from sqlalchemy import Connection

NOTHING = "—"
APART = "~"
MOST_NUMBERS = 40
"""Numbers of deliveries that notes name, a form."""


@dataclass(frozen=True)
class Line:
    """A line of slides.csv: a slide, its layout, the mart that it shows and which of its columns.

    `by` is the column by which rows are grouped, or `column=word|word`: which rows. Columns of `apart` do not add up
    over the groups: their names end in ~ in the table.
    """

    slide: str
    layout: str
    title: str
    mart: str
    columns: tuple[str, ...]
    by: str
    chart: tuple[str, ...]
    kind: str
    remark: str
    apart: tuple[str, ...] = ()


@cache
def lines() -> tuple[Line, ...]:
    """The slides in their order."""
    with (FOLDER / "slides.csv").open(encoding="utf-8", newline="") as file:
        return tuple(_line(row) for row in csv.DictReader(file))


def _line(row: dict[str, str]) -> Line:
    columns, chart = row.pop("columns").split(), tuple(row.pop("chart").split())
    apart = tuple(name.removesuffix(APART) for name in columns if name.endswith(APART))
    return Line(**row, columns=tuple(name.removesuffix(APART) for name in columns), chart=chart, apart=apart)


@dataclass(frozen=True)
class Night:
    """The marts of a region on a date as known at a moment, each read once."""

    connection: Connection
    region: Region
    as_of: dt.date
    known_at: dt.datetime
    read: dict[str, pl.DataFrame] = field(default_factory=dict)

    def rows(self, name: str) -> pl.DataFrame:
        """The rows of a mart."""
        if name not in self.read:
            self.read[name] = mart(self.connection, name, self.as_of, self.known_at, self.region.code)
        return self.read[name]

    @cached_property
    def documents(self) -> pl.DataFrame:
        """form, sender, delivery_id of the documents that counted."""
        return counting(self.connection, self.region.code, self.as_of, self.known_at)

    def total(self, name: str) -> dict[str, Any]:
        """The region's row of a mart: of the view that sums it up, else sums of what adds up and shares of sums."""
        definition = mart_named(name)
        if region_view(definition) is not None:
            found = region_row(self.connection, definition, self.region, Asked(self.as_of, self.known_at))
            return found or {}
        return sums(definition, self.rows(name))

    def shown(self, definition: Mart, column: str, value: object) -> str:
        """A value in words."""
        of_kind = shown_kind(definition, column)
        if of_kind == "число" and isinstance(value, int | float):
            value = round(value, 2)
        return cell(column, value, self.region.zone, of_kind)

    def cells(self, definition: Mart, columns: Sequence[str], row: Mapping[str, Any]) -> list[Cell]:
        """Values of a row in words, those that have a band in its colour."""
        bands = band_columns(definition)
        return [
            Cell(self.shown(definition, name, row.get(name)), str(row.get(bands[name]) or "") if name in bands else "")
            for name in columns
        ]

    def notes(self, name: str, columns: Sequence[str]) -> str:
        """What a speaker has to know of the figures: mart, columns, query, documents."""
        definition = mart_named(name)
        view = region_view(definition)
        total = f"; итог — {view.name}" if view else ""
        moment = f"{self.known_at.astimezone(self.region.zone):%Y-%m-%d %H:%M:%S}"
        return "\n".join([
            f"Источник: витрина {name}{total}. Столбцы: {', '.join(columns)}.",
            f"Запрос: {query(definition, self.region.code, self.as_of, self.known_at)}",
            f"Команда: profmin mart {name} --as-of {self.as_of} --known-at \"{moment}\" --region {self.region.code}",
            *self._documents(definition),
        ])  # fmt: skip

    def _documents(self, definition: Mart) -> list[str]:
        counted = behind(definition, self.documents)
        if counted.is_empty():
            return ["Документов, на которых стоят эти цифры, нет."]
        told = []
        for of_form in counted.partition_by("form", maintain_order=True):
            numbers = of_form["delivery_id"].unique().sort().to_list()
            some = ", ".join(map(str, numbers[:MOST_NUMBERS]))
            more = f" и ещё {len(numbers) - MOST_NUMBERS}" if len(numbers) > MOST_NUMBERS else ""
            told.append(f"Документы {of_form['form'][0]}: доставки {some}{more}.")
        return told

    @property
    def footer(self) -> str:
        """What stands at the foot of each slide."""
        return (
            f"{self.region.name} · на {self.as_of:%d.%m.%Y} · известно на {local_time(self.known_at, self.region.zone)}"
        )


def signed(number: float | None) -> str:
    """A change with its sign."""
    if number is None:
        return NOTHING
    return f"{'+' if number > 0 else '−' if number < 0 else ''}{whole(abs(number))}"
