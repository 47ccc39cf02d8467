"""The before/after report of a backfill: for the terminal, as JSON, as a workbook, as Markdown for Prefect."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contracts.regions import zone_of
from documents.writing.frames_xlsx import frames_xlsx
from flows.backfills.changes import MAY_HOLD_NAMES, Show, number_or_shown, plain, shown
from flows.backfills.report_tables import (
    cells_table,
    deliveries_table,
    figures_table,
    findings_table,
    inputs_table,
    moved_lines,
)
from flows.home import json_output
from flows.home import shown as values
from warehouse.backfill.comparison import changed_cells, changed_deliveries, changed_findings, changed_inputs, changes
from warehouse.backfill.requests import Refused, backfills

if TYPE_CHECKING:
    from sqlalchemy import Connection

SHOWN = 15
STATUSES = {
    "planning": "план не дочитан", "planned": "план готов", "applied": "применён", "reverted": "возвращён",
    "cancelled": "отменён",
}  # fmt: skip
REQUEST = {
    "backfill_id": "Пересчёт", "region": "Регион", "status": "Состояние", "requested_by": "Кто просит",
    "reason": "Зачем",
    "forms": "Формы", "senders": "Отправители", "from_as_of": "С даты", "to_as_of": "По дату", "campaign": "Кампания",
    "register_known_at": "Реестр, известный на", "contract_version": "Версия правил", "requested_at": "Запрошен",
    "planned_at": "План готов", "approved_by": "Кто разрешил", "applied_at": "Применён", "reverted_at": "Возвращён",
    "cancelled_at": "Отменён", "deliveries": "Файлов прочитано заново", "same": "Из них без изменений",
    "changed": "Из них иначе", "waiting": "Осталось прочитать", "figures": "Изменений в витринах",
    "inputs": "Справочники", "dates_judged": "Судит дат по другим справочникам",
}  # fmt: skip


@dataclass(frozen=True)
class Report:
    """What a backfill changes: its request, figures of the region, units and schools, deliveries, findings, cells.

    Figures and cells have columns `before` and `after` as texts of the SQL type in `type`.
    """

    request: dict[str, Any]
    totals: pl.DataFrame
    units: pl.DataFrame
    schools: pl.DataFrame
    others: pl.DataFrame
    deliveries: pl.DataFrame
    findings: pl.DataFrame
    cells: pl.DataFrame
    inputs: pl.DataFrame
    timezone: ZoneInfo

    @property
    def sentence(self) -> str:
        """The state and the size of the backfill in Russian."""
        request = self.request
        left = f", осталось прочитать {request['waiting']}" if request["waiting"] else ""
        moved = self.units.height + self.schools.height
        changed = f"иначе {request['changed']}{left}; у отчётных единиц и школ меняется цифр: {moved}"
        if request["status"] == "cancelled":
            changed = "предложенное удалено"
        judged = f" По другим справочникам судит дат: {request['dates_judged']}." if request["dates_judged"] else ""
        return (
            f"Пересчёт {request['backfill_id']}: {STATUSES[request['status']]}. "
            f"Файлов прочитано заново: {request['deliveries'] - request['waiting']}, {changed}.{judged}"
        )

    def document(self) -> json_output.Document:
        """One JSON document: a row a figure and date; numbers, truths and ISO dates as they are."""
        figures = {"totals": self.totals, "units": self.units, "schools": self.schools, "others": self.others}
        return {
            "backfill": json_output.plain(self.request),
            **{name: [plain(row) for row in frame.iter_rows(named=True)] for name, frame in figures.items()},
            "deliveries": [json_output.plain(row) for row in self.deliveries.iter_rows(named=True)],
            "findings": self.findings.to_dicts(),
            "cells": [plain(row) for row in self.cells.iter_rows(named=True)],
            "inputs": [
                {
                    **json_output.plain({name: row[name] for name in row if not name.startswith("lines_")}),
                    "moved": moved_lines(row),
                }
                for row in self.inputs.iter_rows(named=True)
            ],
        }

    def tables(self, show: Show = shown, *, names: bool = True) -> dict[str, pl.DataFrame]:
        """Each frame as a table for people; without `names` also without what may hold a person's name."""
        cells = self.cells if names else self.cells.filter(~pl.col("column").is_in(MAY_HOLD_NAMES))
        deliveries = self.deliveries if names else self.deliveries.drop("file_name")
        return {
            "Итоги по региону": figures_table(self.totals, show, self.timezone).drop("Код", "Название", strict=False),
            "Отчётные единицы": figures_table(self.units, show, self.timezone).drop("Код", strict=False),
            "Школы": figures_table(self.schools, show, self.timezone),
            "Остальное": figures_table(self.others, show, self.timezone).drop("Код", strict=False),
            "Справочники": inputs_table(self.inputs),
            "Файлы": deliveries_table(deliveries),
            "Замечания": findings_table(self.findings),
            "Ячейки, выборка": cells_table(cells, show, self.timezone),
        }

    def request_table(self) -> pl.DataFrame:
        """The request as caption and value."""
        captioned = [
            (caption, values.cell(name, self.request[name], self.timezone)) for name, caption in REQUEST.items()
        ]
        by_caption = {**dict(captioned), REQUEST["status"]: STATUSES[self.request["status"]]}
        for name in ("forms", "senders"):
            by_caption[REQUEST[name]] = self.request[name] or "все"
        return pl.DataFrame({"Запрос": list(by_caption), "Значение": list(by_caption.values())})

    def workbook(self) -> bytes:
        """The report as an xlsx, a sheet a table, counts as numbers."""
        return frames_xlsx({"Запрос": self.request_table(), **self.tables(number_or_shown)}, {})

    def markdown(self) -> str:
        """The report with the first rows of each table, for a run's page; without file names and free text."""
        lines = [f"**{self.sentence}**", "", f"{self.request['requested_by']}: {_one_line(self.request['reason'])}"]
        for title, frame in self.tables(names=False).items():
            if frame.is_empty():
                continue
            lines += [
                "",
                f"### {title}: {frame.height}",
                "",
                f"| {' | '.join(frame.columns)} |",
                "|---" * frame.width + "|",
            ]
            lines += [f"| {' | '.join(_one_line(value) for value in row)} |" for row in frame.head(SHOWN).iter_rows()]
            if frame.height > SHOWN:
                lines += ["", f"… и ещё {frame.height - SHOWN}: `profmin backfill show {self.request['backfill_id']}`"]
        return "\n".join(lines)

    def show(self, out: Console) -> None:
        """Print the first rows of each table."""
        out.print(escape(self.sentence))
        out.print(f"[dim]{escape(self.request['requested_by'])}: {escape(self.request['reason'])}[/dim]")
        for title, frame in self.tables().items():
            if frame.is_empty():
                continue
            same = [name for name in ("Витрина", "Форма") if name in frame.columns and frame[name].n_unique() == 1]
            narrow = frame.drop(same)
            table = Table(title=f"\n{title}: {frame.height}", title_justify="left", box=None, padding=(0, 2, 0, 0))
            for name, dtype in narrow.schema.items():
                table.add_column(name, overflow="fold", justify="right" if dtype.is_numeric() else "left")
            for row in narrow.head(SHOWN).iter_rows():
                table.add_row(*("—" if value is None else escape(str(value)) for value in row))
            out.print(table)
            if frame.height > SHOWN:
                out.print(f"  … и ещё {frame.height - SHOWN}: --to FILE.xlsx")


def report_of(connection: Connection, backfill_id: int) -> Report:
    """The report as it was stored with the plan. Raises Refused when there is no such backfill."""
    requests = backfills(connection, backfill_id)
    if requests.is_empty():
        raise Refused(f"there is no backfill {backfill_id}")
    figures = changes(connection, backfill_id)
    of_schools = pl.col("mart").str.ends_with("_by_school")
    of_units = pl.col("mart").str.contains("_by_(municipality|unit)$")
    of_region = pl.col("mart").str.ends_with("_region")
    return Report(
        requests.row(0, named=True),
        figures.filter(of_region),
        figures.filter(of_units),
        figures.filter(of_schools),
        figures.filter(~of_units & ~of_schools & ~of_region),
        changed_deliveries(connection, backfill_id),
        changed_findings(connection, backfill_id),
        changed_cells(connection, backfill_id),
        changed_inputs(connection, backfill_id),
        zone_of(requests["region"][0]),
    )


def _one_line(value: object) -> str:
    """A value in a cell of a Markdown table."""
    return "—" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
