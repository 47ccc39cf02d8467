"""The before/after report of a backfill: for the terminal, as JSON, as a workbook, as Markdown for Prefect."""

from __future__ import annotations

import datetime as dt
import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contracts.forms import RULES
from contracts.forms.titles import form_title
from contracts.texts import in_words
from contracts.versions.inputs import TITLES, differences
from contracts.vocabulary import sender_name
from documents.receipts.findings import column_titles
from documents.writing.mart_xlsx import frames_xlsx
from flows.backfills.changes import MAY_HOLD_NAMES, Show, number_or_shown, plain, shown
from flows.home import json_output
from flows.home import shown as values
from warehouse.backfill.comparison import changed_cells, changed_deliveries, changed_findings, changed_inputs, changes
from warehouse.backfill.requests import Refused, backfills
from warehouse.marts.published import column_captions, mart_named

if TYPE_CHECKING:
    from sqlalchemy import Connection

SHOWN = 15
STATUSES = {
    "planning": "план не дочитан", "planned": "план готов", "applied": "применён", "reverted": "возвращён",
    "cancelled": "отменён",
}  # fmt: skip
REQUEST = {
    "backfill_id": "Пересчёт", "status": "Состояние", "requested_by": "Кто просит", "reason": "Зачем",
    "forms": "Формы", "senders": "Отправители", "from_as_of": "С даты", "to_as_of": "По дату", "campaign": "Кампания",
    "register_known_at": "Реестр, известный на", "contract_version": "Версия правил", "requested_at": "Запрошен",
    "planned_at": "План готов", "approved_by": "Кто разрешил", "applied_at": "Применён", "reverted_at": "Возвращён",
    "cancelled_at": "Отменён", "deliveries": "Файлов прочитано заново", "same": "Из них без изменений",
    "changed": "Из них иначе", "waiting": "Осталось прочитать", "figures": "Изменений в витринах",
    "inputs": "Справочники", "dates_judged": "Судит дат по другим справочникам",
}  # fmt: skip
MIXED = {"Было": pl.Object(), "Станет": pl.Object()}
CODED = ("{}_name", "{}_title")
"""A column of codes is left out for people when its words stand beside it."""


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
        told = self.request
        left = f", осталось прочитать {told['waiting']}" if told["waiting"] else ""
        moved = self.units.height + self.schools.height
        changed = f"иначе {told['changed']}{left}; у отчётных единиц и школ меняется цифр: {moved}"
        if told["status"] == "cancelled":
            changed = "предложенное удалено"
        judged = f" По другим справочникам судит дат: {told['dates_judged']}." if told["dates_judged"] else ""
        return (
            f"Пересчёт {told['backfill_id']}: {STATUSES[told['status']]}. "
            f"Файлов прочитано заново: {told['deliveries'] - told['waiting']}, {changed}.{judged}"
        )

    def document(self) -> json_output.Document:
        """One JSON document: a row a figure and date; numbers, truths and ISO dates as they are."""
        figures = {"totals": self.totals, "units": self.units, "schools": self.schools, "others": self.others}
        return {
            "backfill": json_output.plain(self.request),
            **{name: [plain(row) for row in part.iter_rows(named=True)] for name, part in figures.items()},
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
        """Each part as a table for people; without `names` also without what may hold a person's name."""
        cells = self.cells if names else self.cells.filter(~pl.col("column").is_in(MAY_HOLD_NAMES))
        deliveries = self.deliveries if names else self.deliveries.drop("file_name")
        return {
            "Итоги по региону": self.figures(self.totals, show).drop("Код", "Название", strict=False),
            "Отчётные единицы": self.figures(self.units, show).drop("Код", strict=False),
            "Школы": self.figures(self.schools, show),
            "Остальное": self.figures(self.others, show).drop("Код", strict=False),
            "Справочники": self.judged(),
            "Файлы": self.files(deliveries),
            "Замечания": self.rules(),
            "Ячейки, выборка": self.sample(cells, show),
        }

    def figures(self, part: pl.DataFrame, show: Show) -> pl.DataFrame:
        """A row a figure: the dates on which it moves in the same way are put together."""
        if part.is_empty():
            return pl.DataFrame()
        same = ["mart", "key", "name", "column", "type", "before", "after"]
        joined = part.group_by(same, maintain_order=True).agg(
            first=pl.col("as_of").min(), last=pl.col("as_of").max(), dates=pl.len()
        )
        captions = {name: column_captions(name) for name in joined["mart"].unique()}
        return pl.DataFrame(
            [
                {
                    "Витрина": mart_named(row["mart"]).about.split(". ")[0].split(": ")[0].rstrip("."),
                    "Код": row["key"],
                    "Название": row["name"],
                    "На даты": span(row["first"], row["last"], row["dates"]),
                    "Столбец": captions[row["mart"]].get(row["column"], row["column"]),
                    "Было": show(row["before"], row["type"], row["column"], self.timezone),
                    "Станет": show(row["after"], row["type"], row["column"], self.timezone),
                }
                for row in joined.iter_rows(named=True)
                if not any(pattern.format(row["column"]) in captions[row["mart"]] for pattern in CODED)
            ],
            schema_overrides=MIXED,
        )

    def files(self, deliveries: pl.DataFrame) -> pl.DataFrame:
        if deliveries.is_empty():
            return pl.DataFrame()
        return pl.DataFrame(
            [
                {
                    **({"Файл": row["file_name"]} if "file_name" in row else {}),
                    "Форма": form_title(row["form"]) if row["form"] else None,
                    "Отправитель": sender_name(row["sender"]) if row["sender"] else None,
                    "На дату": date(row["as_of"]),
                    "Был": in_words("verdict")[row["verdict_before"]],
                    "Станет": in_words("verdict")[row["verdict_after"]],
                    "Принято строк": moved(row["loaded_before"], row["loaded_after"]),
                    "Отложено строк": moved(row["quarantined_before"], row["quarantined_after"]),
                }
                for row in deliveries.iter_rows(named=True)
            ]
        )

    def judged(self) -> pl.DataFrame:
        """By which versions of the inputs dates are judged in place of which."""
        if self.inputs.is_empty():
            return pl.DataFrame()
        return pl.DataFrame(
            [
                {
                    "Справочник": TITLES.get(row["input"], row["input"]),
                    "На даты": span(row["first"], row["last"], row["dates"]),
                    "Было": row["before"],
                    "Станет": row["after"],
                    "Что изменилось": "; ".join(moved_lines(row)) or row["what"],
                }
                for row in self.inputs.iter_rows(named=True)
            ]
        )

    def rules(self) -> pl.DataFrame:
        if self.findings.is_empty():
            return pl.DataFrame()
        return pl.DataFrame(
            [
                {
                    "Правило": row["rule"],
                    "О чём": RULES[row["rule"]].what if row["rule"] in RULES else None,
                    "Тяжесть": in_words("severity")[row["severity"]],
                    "Было": row["before"],
                    "Станет": row["after"],
                }
                for row in self.findings.iter_rows(named=True)
            ]
        )

    def sample(self, cells: pl.DataFrame, show: Show) -> pl.DataFrame:
        if cells.is_empty():
            return pl.DataFrame()
        titles = {form: column_titles(form) for form in cells["form"].unique()}
        return pl.DataFrame(
            [
                {
                    "Форма": form_title(row["form"]),
                    "Отправитель": sender_name(row["sender"]),
                    "На дату": date(row["as_of"]),
                    "Код": row["key"],
                    "Столбец": titles[row["form"]].get(row["column"], row["column"]),
                    "Было": show(row["before"], row["type"], row["column"], self.timezone),
                    "Станет": show(row["after"], row["type"], row["column"], self.timezone),
                }
                for row in cells.iter_rows(named=True)
            ],
            schema_overrides=MIXED,
        )

    def asked(self) -> pl.DataFrame:
        """The request as caption and value."""
        told = [(caption, values.cell(name, self.request[name], self.timezone)) for name, caption in REQUEST.items()]
        shown = {**dict(told), REQUEST["status"]: STATUSES[self.request["status"]]}
        for name in ("forms", "senders"):
            shown[REQUEST[name]] = self.request[name] or "все"
        return pl.DataFrame({"Запрос": list(shown), "Значение": list(shown.values())})

    def workbook(self) -> bytes:
        return frames_xlsx({"Запрос": self.asked(), **self.tables(number_or_shown)}, {})

    def markdown(self) -> str:
        """The report with the first rows of each part, for a run's page; without file names and free text."""
        told = [f"**{self.sentence}**", "", f"{self.request['requested_by']}: {one_line(self.request['reason'])}"]
        for title, part in self.tables(names=False).items():
            if part.is_empty():
                continue
            told += [
                "",
                f"### {title}: {part.height}",
                "",
                f"| {' | '.join(part.columns)} |",
                "|---" * part.width + "|",
            ]
            told += [f"| {' | '.join(one_line(value) for value in row)} |" for row in part.head(SHOWN).iter_rows()]
            if part.height > SHOWN:
                told += ["", f"… и ещё {part.height - SHOWN}: `profmin backfill show {self.request['backfill_id']}`"]
        return "\n".join(told)

    def show(self, out: Console) -> None:
        out.print(escape(self.sentence))
        out.print(f"[dim]{escape(self.request['requested_by'])}: {escape(self.request['reason'])}[/dim]")
        for title, part in self.tables().items():
            if part.is_empty():
                continue
            same = [name for name in ("Витрина", "Форма") if name in part.columns and part[name].n_unique() == 1]
            narrow = part.drop(same)
            table = Table(title=f"\n{title}: {part.height}", title_justify="left", box=None, padding=(0, 2, 0, 0))
            for name, dtype in narrow.schema.items():
                table.add_column(name, overflow="fold", justify="right" if dtype.is_numeric() else "left")
            for row in narrow.head(SHOWN).iter_rows():
                table.add_row(*("—" if value is None else escape(str(value)) for value in row))
            out.print(table)
            if part.height > SHOWN:
                out.print(f"  … и ещё {part.height - SHOWN}: --to FILE.xlsx")


def report_of(connection: Connection, backfill_id: int, timezone: str = "Asia/Tomsk") -> Report:
    """The report as it was stored with the plan. Raises Refused when there is no such backfill."""
    requests = backfills(connection, backfill_id)
    if requests.is_empty():
        raise Refused(f"there is no backfill {backfill_id}")
    moved = changes(connection, backfill_id)
    of_schools = pl.col("mart").str.ends_with("_by_school")
    of_units = pl.col("mart").str.ends_with("_by_municipality")
    of_region = pl.col("mart").str.ends_with("_region")
    return Report(
        requests.row(0, named=True),
        moved.filter(of_region),
        moved.filter(of_units),
        moved.filter(of_schools),
        moved.filter(~of_units & ~of_schools & ~of_region),
        changed_deliveries(connection, backfill_id),
        changed_findings(connection, backfill_id),
        changed_cells(connection, backfill_id),
        changed_inputs(connection, backfill_id),
        ZoneInfo(timezone),
    )


def moved_lines(row: dict[str, Any]) -> list[str]:
    """What a version of an input says otherwise than the one before it, line by line."""
    before, after = (json.loads(row[name]) for name in ("lines_before", "lines_after"))
    return differences(row["input"], before, after)


def date(day: dt.date | None) -> str | None:
    return None if day is None else f"{day:%d.%m.%Y}"


def span(first: dt.date, last: dt.date, dates: int) -> str:
    """The dates on which a figure moves in the same way."""
    return f"{first:%d.%m.%Y}" if dates == 1 else f"{first:%d.%m} – {last:%d.%m.%Y}, дат: {dates}"


def moved(before: int | None, after: int | None) -> str:
    """Two counts: «11 → 12», or the one that stays."""
    return str(after) if before == after else f"{before or 0} → {after or 0}"


def one_line(value: object) -> str:
    """A value in a cell of a Markdown table."""
    return "—" if value is None else str(value).replace("|", "\\|").replace("\n", " ")
