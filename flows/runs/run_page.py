"""The page of a run for Prefect, as Markdown: the night in figures, what it moved, its deliveries, open incidents.

Neither file names nor free text of senders are on it: a file may be named after a person.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from contracts.forms.titles import form_title
from contracts.regions.pack import Region
from contracts.texts import in_words
from contracts.texts.figures import whole
from contracts.vocabulary import contacts_of, sender_name
from flows.intake.outcome import Outcome
from flows.runs.summary import Night, markdown, read_tables
from warehouse.marts.movement import moved
from warehouse.marts.published import column_captions
from warehouse.watch.standing import open_incidents, senders

if TYPE_CHECKING:
    from sqlalchemy import Connection

MOST = 100
"""Rows of a table: Prefect keeps a page as one text."""
WORST_FIRST = (None, "refused", "held", "partial", "accepted")
OWING = {"refused": "отклонено", "missing": "не прислано"}
"""States of what is owed in which somebody has to be called."""


def run_page(connection: Connection, night: Night, run_id: int, outbox: Path) -> str:
    """The page of a run that took in deliveries and published."""
    sections = (
        [markdown(night, read_tables(connection, night.region, night.as_of))],
        moves_section(moved(connection, run_id)),
        deliveries_section(night.outcomes, outbox),
        calls_section(senders(connection, night.region.code)),
        _incidents_section(_of_region(open_incidents(connection), night.region)),
        [f"Журнал: `profmin logs {run_id}`"],
    )
    return "\n\n".join("\n".join(section) for section in sections)


def moves_section(moves: pl.DataFrame) -> list[str]:
    """Figures as published before and by the run."""
    lines = ["## Что изменилось с прошлой публикации", ""]
    if moves.is_empty():
        return [*lines, "Цифры отчётных единиц не изменились, или сравнить не с чем."]
    rows = []
    for row in moves.head(MOST).iter_rows(named=True):
        same = row["before_as_of"] == row["as_of"]
        was = "" if same else f" ({row['before_as_of']:%d.%m.%Y})"
        caption = column_captions(row["mart"])[row["metric"]]
        gone = row["before"] is None or row["after"] is None
        difference = "" if gone else f"{row['after'] - row['before']:+d}".replace("-", "−")
        figures = [f"{row['as_of']:%d.%m.%Y}", row["name"], caption, whole(row["before"]) + was, whole(row["after"])]
        rows.append([*figures, difference])
    headings = ("На дату", "Отчётная единица", "Показатель", "Было", "Стало", "Изменение")
    return [*lines, *_table(headings, rows, figures=3), *_more(moves.height)]


def deliveries_section(outcomes: Sequence[Outcome], outbox: Path) -> list[str]:
    """What came, the worst first, with the folder of its receipt and the command that writes it again."""
    lines = ["## Файлы и квитанции", ""]
    if not outcomes:
        return [*lines, "Новых файлов нет."]
    rows = []
    for outcome in sorted(outcomes, key=lambda outcome: WORST_FIRST.index(outcome.verdict))[:MOST]:
        words = in_words("verdict")[outcome.verdict] if outcome.verdict else "сбой у нас"
        words = f"ждёт формы «{form_title(outcome.waits_for)}»" if outcome.waits_for else words
        form = form_title(outcome.form) if outcome.form else "форма не узнана"
        sender = sender_name(outcome.sender) if outcome.sender else "отправитель не узнан"
        counts = (whole(outcome.rows.loaded), whole(outcome.rows.quarantined), whole(len(outcome.findings)))
        receipt = f"`{outbox / outcome.place}`" if outcome.reading_id else "—"
        again = f"`profmin receipt {outcome.sha256[:8]}`" if outcome.reading_id else "—"
        rows.append([sender, form, words, receipt, again, *counts])
    headings = ("Отправитель", "Форма", "Итог", "Папка квитанции", "Ещё раз", "Принято строк", "Отложено", "Замечаний")
    return [*lines, *_table(headings, rows, figures=3), *_more(len(outcomes))]


def calls_section(expected: pl.DataFrame) -> list[str]:
    """Whom to call: the senders of whom something is owed for the published date, with what, and their contacts."""
    lines = ["## Кому звонить", ""]
    owing = expected.filter(pl.col("status").is_in(list(OWING))) if not expected.is_empty() else expected
    rows = []
    for of_sender in owing.partition_by("sender", maintain_order=True) if not owing.is_empty() else ():
        forms = of_sender.select("form_title", "status").iter_rows()
        what = "; ".join(f"{title}: {OWING[status]}" for title, status in forms)
        sender = of_sender["sender"][0]
        rows.append(
            [of_sender["sender_name"][0], what, "; ".join(contacts_of(sender)) or "контакта в папке региона нет"]
        )
    if not rows:
        return [*lines, "Все прислали то, чего от них ждут."]
    return [*lines, *_table(("Отправитель", "Что должен", "Кому звонить"), rows[:MOST], figures=0), *_more(len(rows))]


def _of_region(incidents: pl.DataFrame, region: Region) -> pl.DataFrame:
    """Incidents of a region, and of the installation."""
    return incidents.filter(pl.col("region").is_null() | (pl.col("region") == region.code))


def _incidents_section(incidents: pl.DataFrame) -> list[str]:
    """How many incidents are open, by class and condition."""
    lines = ["## Открытые инциденты", ""]
    if incidents.is_empty():
        return [*lines, "Открытых инцидентов нет."]
    counted = Counter(zip(incidents["incident_class"], incidents["name"], strict=True))
    rows = [
        [in_words("incident_class")[incident_class], name, str(count)]
        for (incident_class, name), count in counted.items()
    ]
    return [*lines, *_table(("Класс", "Что не так", "Открыто"), rows, figures=1), "", "Подробнее: `profmin incidents`"]


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]], *, figures: int) -> list[str]:
    """A Markdown table whose last columns are figures."""
    aligned = ["---"] * (len(headings) - figures) + ["---:"] * figures
    return [f"| {' | '.join(cells)} |" for cells in (headings, aligned, *(map(_escaped, row) for row in rows))]


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace("|", "\\|").replace("\n", " ")


def _more(count: int) -> list[str]:
    return ["", f"… и ещё {count - MOST}."] if count > MOST else []
