"""The tables of a backfill's report for people: Russian captions, values as people read them."""

from __future__ import annotations

import datetime as dt
import json
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl

from contracts.forms import RULES
from contracts.forms.titles import form_title
from contracts.texts import in_words
from contracts.versions.inputs import TITLES, differences
from contracts.vocabulary import sender_name
from documents.receipts.findings import column_titles
from flows.backfills.changes import Show
from warehouse.marts.published import column_captions, mart_named

MIXED = {"Было": pl.Object(), "Станет": pl.Object()}
CODED = ("{}_name", "{}_title")
"""A column of codes is left out for people when its words stand beside it."""


def figures_table(figures: pl.DataFrame, show: Show, timezone: ZoneInfo) -> pl.DataFrame:
    """A row a figure: the dates on which it moves in the same way are put together."""
    if figures.is_empty():
        return pl.DataFrame()
    same = ["mart", "key", "name", "column", "type", "before", "after"]
    joined = figures.group_by(same, maintain_order=True).agg(
        first=pl.col("as_of").min(), last=pl.col("as_of").max(), dates=pl.len()
    )
    captions = {name: column_captions(name) for name in joined["mart"].unique()}
    return pl.DataFrame(
        [
            {
                "Витрина": mart_named(row["mart"]).about.split(". ")[0].split(": ")[0].rstrip("."),
                "Код": row["key"],
                "Название": row["name"],
                "На даты": _span(row["first"], row["last"], row["dates"]),
                "Столбец": captions[row["mart"]].get(row["column"], row["column"]),
                "Было": show(row["before"], row["type"], row["column"], timezone),
                "Станет": show(row["after"], row["type"], row["column"], timezone),
            }
            for row in joined.iter_rows(named=True)
            if not any(pattern.format(row["column"]) in captions[row["mart"]] for pattern in CODED)
        ],
        schema_overrides=MIXED,
    )


def deliveries_table(deliveries: pl.DataFrame) -> pl.DataFrame:
    """A row a delivery that is read otherwise; its file only where the column `file_name` is there."""
    if deliveries.is_empty():
        return pl.DataFrame()
    return pl.DataFrame(
        [
            {
                **({"Файл": row["file_name"]} if "file_name" in row else {}),
                "Форма": form_title(row["form"]) if row["form"] else None,
                "Отправитель": sender_name(row["sender"]) if row["sender"] else None,
                "На дату": _date(row["as_of"]),
                "Был": in_words("verdict")[row["verdict_before"]],
                "Станет": in_words("verdict")[row["verdict_after"]],
                "Принято строк": _moved(row["loaded_before"], row["loaded_after"]),
                "Отложено строк": _moved(row["quarantined_before"], row["quarantined_after"]),
            }
            for row in deliveries.iter_rows(named=True)
        ]
    )


def inputs_table(inputs: pl.DataFrame) -> pl.DataFrame:
    """By which versions of the inputs dates are judged in place of which."""
    if inputs.is_empty():
        return pl.DataFrame()
    return pl.DataFrame(
        [
            {
                "Справочник": TITLES.get(row["input"], row["input"]),
                "На даты": _span(row["first"], row["last"], row["dates"]),
                "Было": row["before"],
                "Станет": row["after"],
                "Что изменилось": "; ".join(moved_lines(row)) or row["what"],
            }
            for row in inputs.iter_rows(named=True)
        ]
    )


def findings_table(findings: pl.DataFrame) -> pl.DataFrame:
    """A row a rule: how often it was broken, and would be."""
    if findings.is_empty():
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
            for row in findings.iter_rows(named=True)
        ]
    )


def cells_table(cells: pl.DataFrame, show: Show, timezone: ZoneInfo) -> pl.DataFrame:
    """A row a cell of the sample that is read otherwise."""
    if cells.is_empty():
        return pl.DataFrame()
    titles = {form: column_titles(form) for form in cells["form"].unique()}
    return pl.DataFrame(
        [
            {
                "Форма": form_title(row["form"]),
                "Отправитель": sender_name(row["sender"]),
                "На дату": _date(row["as_of"]),
                "Код": row["key"],
                "Столбец": titles[row["form"]].get(row["column"], row["column"]),
                "Было": show(row["before"], row["type"], row["column"], timezone),
                "Станет": show(row["after"], row["type"], row["column"], timezone),
            }
            for row in cells.iter_rows(named=True)
        ],
        schema_overrides=MIXED,
    )


def moved_lines(row: dict[str, Any]) -> list[str]:
    """What a version of an input says otherwise than the one before it, line by line."""
    before, after = (json.loads(row[name]) for name in ("lines_before", "lines_after"))
    return differences(row["input"], before, after)


def _date(day: dt.date | None) -> str | None:
    return None if day is None else f"{day:%d.%m.%Y}"


def _span(first: dt.date, last: dt.date, dates: int) -> str:
    """The dates on which a figure moves in the same way."""
    return f"{first:%d.%m.%Y}" if dates == 1 else f"{first:%d.%m} – {last:%d.%m.%Y}, дат: {dates}"


def _moved(before: int | None, after: int | None) -> str:
    """Two counts: «11 → 12», or the one that stays."""
    return str(after) if before == after else f"{before or 0} → {after or 0}"
