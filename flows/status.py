"""`profmin status`: how things stand, on one screen, or as one JSON document."""

from __future__ import annotations

import datetime as dt
import json
import sys
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from contracts.forms import FORMS
from contracts.versions import COMMAND, changed, listed
from flows.intake import warehouse
from flows.mart import plain
from flows.reader import contract_version
from flows.settings import Settings
from flows.summary import whole
from flows.tables import shorter
from warehouse.status import (
    deliveries_waiting,
    is_set_up,
    last_published,
    last_runs,
    only_reading,
    open_backfills,
    senders,
)
from warehouse.versions import by_older_rules

if TYPE_CHECKING:
    from sqlalchemy import Engine

RUNS_SHOWN = 5
NAMES_SHOWN = 6
NO_DATABASE = "Базы ещё нет: `profmin demo` покажет область на примере, `profmin run nightly` примет файлы из входящих."
KINDS = {
    "nightly": "ночной запуск", "ingest": "приём файлов", "backfill plan": "план пересчёта",
    "backfill apply": "пересчёт применён", "backfill revert": "пересчёт отменён",
}  # fmt: skip
STATES = {
    "completed": ("завершён", "green"),
    "completed with findings": ("завершён, есть замечания", "green"),
    "running": ("не закончен", "yellow"),
    "failed": ("сбой", "red"),
}
BACKFILLS = {"planning": "план готовится", "planned": "ждёт решения"}
SENDERS = (
    ("accepted", "Принято", "green"), ("partial", "Частично", "yellow"), ("refused", "Отклонено", "red"),
    ("missing", "Не прислано", "red"), ("late", "Опоздали", "yellow"),
)  # fmt: skip


@dataclass(frozen=True)
class Status:
    """How things stand at a moment; `unlisted` are forms whose rules nobody wrote into the table of versions."""

    now: dt.datetime
    published: dict[str, Any] | None
    runs: pl.DataFrame
    senders: pl.DataFrame
    waiting: pl.DataFrame
    backfills: pl.DataFrame
    older: pl.DataFrame
    unlisted: tuple[str, ...]

    def document(self) -> dict[str, Any]:
        """One JSON document; times in UTC."""
        return {
            "now": self.now.isoformat(),
            "published": self.published and plain(self.published),
            **{
                name: [plain(row) for row in part.iter_rows(named=True)]
                for name, part in (
                    ("runs", self.runs), ("senders", self.senders), ("waiting", self.waiting),
                    ("backfills", self.backfills), ("judged_by_older_rules", self.older),
                )
            },
            "read_again": [reread(part) for part in of_forms(self.older)],
            "rules_not_listed": list(self.unlisted),
        }  # fmt: skip


def show_status(settings: Settings, out: Console, *, as_json: bool) -> None:
    """Print how things stand; without a database, what to do."""
    found = status(settings)
    if as_json:
        sys.stdout.write(json.dumps(found.document() if found else None, ensure_ascii=False, indent=2) + "\n")
    elif found is None:
        out.print(NO_DATABASE, highlight=False, soft_wrap=True)
    else:
        show(found, out, ZoneInfo(settings.timezone))


def status(settings: Settings) -> Status | None:
    """How things stand; None when there is no database yet, and none is made."""
    if not has_database(settings):
        return None
    with warehouse(settings) as engine:
        return status_of(engine)


def has_database(settings: Settings) -> bool:
    if settings.database_url is None:
        return (settings.pgdata / "PG_VERSION").exists()
    return is_set_up(settings.database_url.get_secret_value())


def status_of(engine: Engine) -> Status:
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
        only_reading(connection)
        published = last_published(connection)
        return Status(
            now=dt.datetime.now(dt.UTC),
            published=None if published.is_empty() else published.row(0, named=True),
            runs=last_runs(connection, RUNS_SHOWN),
            senders=senders(connection),
            waiting=deliveries_waiting(connection, contract_version()),
            backfills=open_backfills(connection),
            older=by_older_rules(connection),
            unlisted=tuple(form.name for form in changed(listed())),
        )


def show(found: Status, out: Console, local: ZoneInfo) -> None:
    out.print(freshness(found, local))
    show_runs(out, found.runs, local)
    if not found.senders.is_empty():
        out.print(senders_table(found.senders))
        show_absent(out, found.senders)
    if not found.waiting.is_empty():
        out.print(f"\n[yellow]Ждут чтения: {found.waiting.height}[/yellow]; их прочитает следующий запуск")
        for row in found.waiting.head(NAMES_SHOWN).iter_rows(named=True):
            folder = f"{row['folder']}/" if row["folder"] else ""
            out.print(
                f"  {escape(folder + row['file_name'])} [dim]{row['sha256']}, {when(row['received_at'], local)}[/dim]"
            )
        rest(out, found.waiting.height)
    for row in found.backfills.iter_rows(named=True):
        out.print(
            f"\n[yellow]Пересчёт {row['backfill_id']}: {BACKFILLS[row['status']]}[/yellow], за {days(row)}, "
            f"{escape(row['requested_by'])}: {escape(row['reason'])}"
        )
        out.print(f"  profmin backfill show {row['backfill_id']}", highlight=False)
    show_older(out, found.older)
    for form in found.unlisted:
        out.print(f"\n[red]Правила формы «{title(form)}» изменены, а версия не записана[/red]: {COMMAND}")


def freshness(found: Status, local: ZoneInfo) -> str:
    if found.published is None:
        return "Витрины ещё не публиковались."
    hours = (found.now - found.published["published_at"]).total_seconds() / 3600
    ago = "только что" if hours < 1 else f"{hours:.0f} ч назад" if hours < 48 else f"{hours / 24:.0f} дн. назад"
    moment = when(found.published["published_at"], local)
    return f"Витрины на [bold]{found.published['as_of']:%d.%m.%Y}[/bold], опубликованы {moment} [dim]({ago})[/dim]"


def show_runs(out: Console, runs: pl.DataFrame, local: ZoneInfo) -> None:
    table = Table(title="Последние запуски", show_header=False, **PLAIN)
    for row in runs.iter_rows(named=True):
        words, colour = STATES.get(row["state"], (row["state"], ""))
        day = f"на {row['as_of']:%d.%m.%Y}" if row["as_of"] else ""
        took = f"{(row['finished_at'] - row['started_at']).total_seconds():.0f} с" if row["finished_at"] else ""
        table.add_row(
            when(row["started_at"], local), KINDS.get(row["kind"], row["kind"]), day, Text(words, colour), took
        )
    if runs.height:
        out.print(table)


PLAIN: dict[str, Any] = {
    "title_justify": "left", "title_style": "bold", "box": None, "padding": (0, 2, 0, 0), "pad_edge": False,
}  # fmt: skip


def senders_table(found: pl.DataFrame) -> Table:
    """How many senders of each form are in which state."""
    table = Table(title="\nОтправители", **PLAIN)
    table.add_column("Форма")
    for heading in ("Ждём", *(heading for _, heading, _ in SENDERS)):
        table.add_column(heading, justify="right")
    table.add_column("Срок")
    for part in of_forms(found):
        counted = states(part)
        figures = [Text(whole(counted[state]), colour if counted[state] else "dim") for state, _, colour in SENDERS]
        deadline = part["deadline"].max()
        table.add_row(
            part["form_title"][0], whole(part.height), *figures,
            f"{deadline:%d.%m.%Y}" if isinstance(deadline, dt.date) else "—",
        )  # fmt: skip
    return table


def states(found: pl.DataFrame) -> Counter[str]:
    """How many senders are in each state; an export of another day than the published one was not sent for it."""
    counted: Counter[str] = Counter()
    for row in found.iter_rows(named=True):
        state = row["status"]
        counted["missing" if state in ("accepted", "partial") and not row["is_received"] else state] += 1
        counted["late"] += row["on_time"] is False
    return counted


def show_absent(out: Console, found: pl.DataFrame) -> None:
    """Who has to be called, by name."""
    for part in of_forms(found):
        for status, words in (("refused", "отклонено"), ("missing", "не прислано")):
            names = part.filter(status=status)["sender_name"].to_list()
            if names:
                out.print(f"  {escape(part['form_title'][0])}, [red]{words}[/red]: {escape(some(names))}")


def show_older(out: Console, older: pl.DataFrame) -> None:
    """Who was judged by older rules, and the command that reads them again."""
    for part in of_forms(older):
        out.print(
            f"\n[yellow]По прежним правилам: {escape(part['form_title'][0])}[/yellow], отправителей {part.height}, "
            f"за {days(span(part))}; проверены по версии {versions(part, 'judged_by')}, "
            f"действует {versions(part, 'judges')}"
        )
        out.print(f"  {escape(some(part['sender_name'].to_list()))}")
        out.print(Text(f"  {reread(part)}"), soft_wrap=True)


def reread(part: pl.DataFrame) -> str:
    """The command that plans reading again what a form's senders were judged for by older rules."""
    found = span(part)
    return (
        f"profmin backfill plan --form {part['form'][0]} --from {found['from_as_of']} --to {found['to_as_of']} "
        f'--reason "Правила версии {versions(part, "judges")}"'
    )


def versions(part: pl.DataFrame, column: str) -> str:
    return ", ".join(part[column].drop_nulls().unique().sort())


def span(part: pl.DataFrame) -> dict[str, Any]:
    return {"from_as_of": part["from_as_of"].min(), "to_as_of": part["to_as_of"].max()}


def of_forms(found: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """The rows of each form, in their order."""
    if not found.is_empty():
        yield from found.partition_by("form", maintain_order=True)


def some(names: Sequence[str]) -> str:
    shown = ", ".join(shorter(name) for name in names[:NAMES_SHOWN])
    return shown + (f" и ещё {len(names) - NAMES_SHOWN}" if len(names) > NAMES_SHOWN else "")


def rest(out: Console, many: int) -> None:
    if many > NAMES_SHOWN:
        out.print(f"  … и ещё {many - NAMES_SHOWN}")


def days(found: dict[str, Any]) -> str:
    first, last = found["from_as_of"], found["to_as_of"]
    return f"{first:%d.%m.%Y}" if first == last else f"{first:%d.%m.%Y}–{last:%d.%m.%Y}"


def when(moment: dt.datetime, local: ZoneInfo) -> str:
    return f"{moment.astimezone(local):%d.%m.%Y %H:%M}"


def title(name: str) -> str:
    return next(form.title for form in FORMS if form.name == name)
