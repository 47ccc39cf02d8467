"""A figure of a mart as known at each publication, as text or a workbook."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl
from rich.console import Group
from rich.table import Table
from rich.text import Text

from contracts.regions.pack import Region
from contracts.texts.figures import percent, whole
from documents.writing.matrix_xlsx import matrix_xlsx
from flows.presentation.mart_sheets import caption_of, title_of
from warehouse.marts.matrix import is_share
from warehouse.marts.published import mart_named

MARK = "*"


@dataclass(frozen=True)
class Matrix:
    """`cells` are as `warehouse.marts.matrix.matrix` gives them, of one region."""

    name: str
    figure: str
    region: Region
    cells: pl.DataFrame

    @property
    def title(self) -> str:
        """Figure and mart in words."""
        definition = mart_named(self.name)
        return f"{caption_of(definition, self.figure)}: {title_of(definition)}"

    @property
    def moments(self) -> list[dt.datetime]:
        """Publications by the region's clocks."""
        return [self._local(moment) for moment in self.cells["known_at"].unique().sort()]

    @property
    def rows(self) -> dict[dt.date, dict[dt.datetime, tuple[float | None, bool]]]:
        """Date → publication → figure and whether it changed."""
        rows: dict[dt.date, dict[dt.datetime, tuple[float | None, bool]]] = {}
        for as_of, moment, figure, is_changed in self.cells.iter_rows():
            rows.setdefault(as_of, {})[self._local(moment)] = (figure, is_changed)
        return rows

    def workbook(self) -> bytes:
        """The matrix as a workbook."""
        kind = "доля" if is_share(self.name, self.figure) else "целое"
        whose = f"{self.region.name} · публикации по времени {self.region.time_zone}"
        return matrix_xlsx(self.title, [whose], self.moments, self.rows, kind)

    def table(self) -> Group:
        """The matrix as a table on a terminal."""
        told = percent if is_share(self.name, self.figure) else whole
        table = Table(box=None, padding=(0, 1), pad_edge=False)
        table.add_column("На дату")
        for moment in self.moments:
            table.add_column(f"{moment:%d.%m.%Y}\n{moment:%H:%M:%S}", justify="right")
        for day, cells in self.rows.items():
            texts = [
                Text(f"{told(value)}{MARK if is_changed else ''}", "yellow" if is_changed else "")
                for value, is_changed in (cells.get(moment, (None, False)) for moment in self.moments)
            ]
            table.add_row(f"{day:%d.%m.%Y}", *texts)
        legend = f"{MARK} прежняя публикация знала другую цифру"
        return Group(Text(self.title, "bold"), table, Text(legend, "dim"))

    def _local(self, moment: dt.datetime) -> dt.datetime:
        return moment.astimezone(self.region.zone).replace(tzinfo=None)
