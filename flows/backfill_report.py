"""The before/after report of a backfill: for the terminal, as JSON, as a workbook, as Markdown for Prefect."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import polars as pl
from rich.console import Console
from rich.table import Table

from documents.mart_xlsx import frames_xlsx
from flows.mart import plain
from warehouse.comparison import changed_cells, changed_deliveries, changed_findings, changes
from warehouse.query import column_captions
from warehouse.requests import Refused, backfills

if TYPE_CHECKING:
    from sqlalchemy import Connection

SHOWN = 15
CAPTIONS = {
    "mart": "Витрина", "as_of": "На дату", "key": "Ключ", "name": "Название", "column": "Столбец", "before": "Было",
    "after": "Станет", "dates": "Дат", "rule": "Правило", "severity": "Тяжесть", "form": "Форма", "file_name": "Файл",
    "sender": "Отправитель", "verdict_before": "Вердикт был", "verdict_after": "Вердикт станет",
    "loaded_before": "Загружено было", "loaded_after": "Загружено станет", "quarantined_before": "Отложено было",
    "quarantined_after": "Отложено станет", "delivery_id": "Доставка",
}  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What a backfill changes: its request, figures of units and schools, deliveries, findings, a sample of cells."""

    request: dict[str, Any]
    units: pl.DataFrame
    schools: pl.DataFrame
    others: pl.DataFrame
    deliveries: pl.DataFrame
    findings: pl.DataFrame
    cells: pl.DataFrame

    @property
    def parts(self) -> dict[str, pl.DataFrame]:
        return {
            "Отчётные единицы": self.units, "Школы": self.schools, "Остальное": self.others,
            "Доставки": self.deliveries, "Замечания": self.findings, "Ячейки": self.cells,
        }  # fmt: skip

    @property
    def sentence(self) -> str:
        told = self.request
        moved = self.units.height + self.schools.height
        return (
            f"backfill {told['backfill_id']} is {told['status']}: {told['deliveries']} deliveries read again, "
            f"{told['changed']} come out otherwise, {told['waiting']} are left; "
            f"{moved} figures of units and schools move"
        )

    def document(self) -> dict[str, Any]:
        """One JSON document."""
        return {
            "backfill": plain(self.request),
            **{
                name: [plain(row) for row in part.iter_rows(named=True)]
                for name, part in (
                    ("units", self.units), ("schools", self.schools), ("others", self.others),
                    ("deliveries", self.deliveries), ("findings", self.findings), ("cells", self.cells),
                )
            },
        }  # fmt: skip

    def workbook(self) -> bytes:
        request = pl.DataFrame({"Запрос": list(self.request), "": [str(value) for value in self.request.values()]})
        return frames_xlsx({"Запрос": request, **self.parts}, CAPTIONS)

    def markdown(self) -> str:
        """The report with the first rows of each part, for a run's page."""
        told = [f"**{self.sentence}**", "", f"{self.request['requested_by']}: {self.request['reason']}"]
        for title, part in self.parts.items():
            if part.is_empty():
                continue
            heads = [CAPTIONS.get(name, name) for name in part.columns]
            told += ["", f"### {title}: {part.height}", "", f"| {' | '.join(heads)} |", "|" + "---|" * len(heads)]
            told += [f"| {' | '.join(cell(value) for value in row)} |" for row in part.head(SHOWN).iter_rows()]
        return "\n".join(told)

    def show(self, out: Console) -> None:
        out.print(self.sentence)
        out.print(f"[dim]{self.request['requested_by']}: {self.request['reason']}[/dim]")
        for title, part in self.parts.items():
            if part.is_empty():
                continue
            table = Table(title=f"{title}: {part.height}", title_justify="left", box=None, padding=(0, 2, 0, 0))
            shown = [name for name in part.columns if name not in ("delivery_id", "mart")]
            for name in shown:
                table.add_column(CAPTIONS.get(name, name), overflow="ellipsis", no_wrap=True)
            for row in part.select(shown).head(SHOWN).iter_rows():
                table.add_row(*(cell(value) for value in row))
            out.print(table)
            if part.height > SHOWN:
                out.print(f"  … и ещё {part.height - SHOWN}")


def report_of(connection: Connection, backfill_id: int) -> Report:
    """The report as it was stored with the plan. Raises Refused when there is no such backfill."""
    requests = backfills(connection, backfill_id)
    if requests.is_empty():
        raise Refused(f"there is no backfill {backfill_id}")
    moved = captioned(changes(connection, backfill_id))
    of_schools = pl.col("mart").str.ends_with("_by_school")
    of_units = pl.col("mart").str.ends_with("_by_municipality")
    return Report(
        requests.row(0, named=True),
        moved.filter(of_units),
        moved.filter(of_schools),
        moved.filter(~of_units & ~of_schools),
        changed_deliveries(connection, backfill_id),
        changed_findings(connection, backfill_id),
        changed_cells(connection, backfill_id),
    )


def captioned(moved: pl.DataFrame) -> pl.DataFrame:
    """Changes with the captions of the columns in place of their names."""
    names = moved.select("mart", "column").unique().rows()
    known = {(mart, column): column_captions(mart).get(column, column) for mart, column in names}
    titles = [known[mart, column] for mart, column in moved.select("mart", "column").iter_rows()]
    return moved.with_columns(pl.Series("column", titles, dtype=pl.String))


def cell(value: object) -> str:
    if value is None:
        return "—"
    return f"{value:%d.%m.%Y}" if isinstance(value, dt.date) else str(value)
