"""`profmin status`: how things stand, on one screen, or as one JSON document."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from typing import Any
from zoneinfo import ZoneInfo

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from contracts.forms.titles import form_title
from contracts.texts import in_words
from contracts.texts.figures import whole
from contracts.versions.inputs import TITLES
from contracts.versions.rule_versions import COMMAND
from contracts.vocabulary import sender_name
from flows.cli.night_tables import shorter
from flows.cli.terminal import plain_table
from flows.home.json_output import write
from flows.home.settings import Settings
from flows.runs.freshness import is_stale
from flows.runs.status import Status, judge_again, of_forms, reread, span, status, versions
from warehouse.marts.definitions import marts

NAMES_SHOWN = 6
LINES_SHOWN = 4
NO_DATABASE = "Базы ещё нет: `profmin demo` покажет область на примере, `profmin run nightly` примет файлы из входящих."
STATES = {
    "completed": ("завершён", "green"),
    "completed with findings": ("завершён, есть замечания", "green"),
    "running": ("не закончен", "yellow"),
    "failed": ("сбой", "red"),
    "crashed": ("оборвался", "red"),
}
VERDICTS = {"accepted": "принято", "partial": "частично", "refused": "отклонено", "held": "ждёт решения"}
BACKFILLS = {"planning": "план готовится", "planned": "ждёт решения"}
SENDERS = (
    ("accepted", "Принято", "green"), ("partial", "Частично", "yellow"), ("refused", "Отклонено", "red"),
    ("held", "Ждёт решения", "yellow"), ("missing", "Не прислано", "red"), ("late", "Опоздали", "yellow"),
)  # fmt: skip
NOTHING = ("nothing_to_report", "Сообщать нечего", "green")
OUTCOMES = {"waiting": "ждут отправки", "sending": "отправляются", "failed": "не ушли"}


def show_status(settings: Settings, out: Console, *, as_json: bool) -> None:
    """Print how things stand; without a database, what to do."""
    found = status(settings)
    if as_json:
        write(found.document() if found else None)
    elif found is None:
        out.print(NO_DATABASE, highlight=False, soft_wrap=True)
    else:
        show(found, out, ZoneInfo(settings.timezone))


def show(found: Status, out: Console, local: ZoneInfo) -> None:
    show_freshness(out, found, local)
    show_runs(out, "Последние ночи", found.nights, local, with_kind=False)
    show_runs(out, "Другие запуски", found.runs, local, with_kind=True)
    if not found.senders.is_empty():
        out.print(senders_table(found.senders))
        show_absent(out, found.senders)
    show_incidents(out, found.incidents, local)
    show_messages(out, found.messages, local)
    show_waiting(out, found.waiting, local)
    for row in found.backfills.iter_rows(named=True):
        out.print(
            f"\n[yellow]Пересчёт {row['backfill_id']}: {BACKFILLS[row['status']]}[/yellow], за {days(row)}, "
            f"{escape(row['requested_by'])}: {escape(row['reason'])}"
        )
        out.print(f"  profmin backfill show {row['backfill_id']}", highlight=False)
    show_older(out, found.older)
    for form in found.unlisted:
        out.print(f"\n[red]Правила формы «{form_title(form)}» изменены, а версия не записана[/red]: {COMMAND}")
    if found.inputs_unlisted:
        called = ", ".join(TITLES.get(name, name) for name in found.inputs_unlisted)
        out.print(f"\n[red]Справочники изменены, а версия не записана: {called}[/red]: {COMMAND}")
    for row in found.older_inputs.iter_rows(named=True):
        out.print(
            f"\n[yellow]Опубликованы по прежней версии «{row['judged_by']}» справочника "
            f"«{TITLES.get(row['input'], row['input'])}», дат: {row['dates']}[/yellow]; их может пересудить версия "
            f"«{row['judges']}»:"
        )
        out.print(f"  {judge_again(row)}", highlight=False, soft_wrap=True)
    for year, state in found.calendars:
        words = "нет" if state == "missing" else "предварительный, без переносов"
        out.print(f"\n[yellow]Рабочий календарь на {year} год: {words}[/yellow]; contracts/vocabulary/calendar.csv")


def show_freshness(out: Console, found: Status, local: ZoneInfo) -> None:
    """What was published when, marts that this version added, the last exports, and the service."""
    out.print(published(found, local) + service(found))
    new = {mart.name for mart in marts()} - set(found.marts["mart"]) if found.published else set()
    if new:
        out.print(f"  [yellow]ещё не публиковались: {', '.join(sorted(new))}[/yellow]")
    for export in found.exports:
        words = "не было ни разу" if export.as_of is None else f"за {export.as_of:%d.%m.%Y}"
        words += f", рабочих дней без новой в этом учебном году: {export.nights}"
        mark = "[red]выгрузка устарела[/red]" if is_stale(export) else "[green]выгрузка свежая[/green]"
        line = f"  {mark}: {words} — {escape(form_title(export.form))}, {escape(sender_name(export.sender))}"
        out.print(line, no_wrap=True, overflow="ellipsis")


def published(found: Status, local: ZoneInfo) -> str:
    if found.published is None:
        return "Витрины ещё не публиковались."
    hours = (found.now - found.published["published_at"]).total_seconds() / 3600
    ago = "только что" if hours < 1 else f"{hours:.0f} ч назад" if hours < 48 else f"{hours / 24:.0f} дн. назад"
    moment = when(found.published["published_at"], local)
    return f"Витрины на [bold]{found.published['as_of']:%d.%m.%Y}[/bold], опубликованы {moment} [dim]({ago})[/dim]."


def service(found: Status) -> str:
    """Whether the service of this home runs, in a few words."""
    told = found.service
    if told is None:
        return " Служба здесь не запущена."
    if told["problem"]:
        return f" [red]Служба: {escape(told['problem'])}[/red]"
    return (
        " [green]Служба работает.[/green]" if told["phase"] == "ready" else f" [yellow]Служба: {told['phase']}[/yellow]"
    )


def show_runs(out: Console, heading: str, runs: pl.DataFrame, local: ZoneInfo, *, with_kind: bool) -> None:
    """When, for which date, how it ended, how long it took, and what became of the deliveries that it read."""
    if runs.is_empty():
        return
    table = plain_table(f"\n{heading}", with_heading=False)
    for row in runs.iter_rows(named=True):
        words, colour = STATES.get(row["state"], (row["state"], ""))
        day = f"на {row['as_of']:%d.%m.%Y}" if row["as_of"] else ""
        took = f"{(row['finished_at'] - row['started_at']).total_seconds():.0f} с" if row["finished_at"] else ""
        kind = [in_words("run_kind").get(row["kind"], row["kind"])] if with_kind else []
        read = ", ".join(f"{told} {row[verdict]}" for verdict, told in VERDICTS.items() if row[verdict])
        table.add_row(str(row["run_id"]), when(row["started_at"], local), *kind, day, Text(words, colour), took, read)
    out.print(table)


def senders_table(found: pl.DataFrame) -> Table:
    """How many senders of each form are in which state."""
    counts = [(part, states(part)) for part in of_forms(found)]
    shown = (*SENDERS, *([NOTHING] if any(counted[NOTHING[0]] for _, counted in counts) else []))
    table = plain_table("\nОтправители")
    table.add_column("Форма")
    for heading in ("Ждём", *(heading for _, heading, _ in shown)):
        table.add_column(heading, justify="right")
    table.add_column("Срок")
    for part, counted in counts:
        figures = [Text(whole(counted[state]), colour if counted[state] else "dim") for state, _, colour in shown]
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
        for state, words in (("refused", "отклонено"), ("missing", "не прислано")):
            names = part.filter(status=state)["sender_name"].to_list()
            if names:
                out.print(f"  {escape(part['form_title'][0])}, [red]{words}[/red]: {escape(some(names))}")


def show_incidents(out: Console, found: pl.DataFrame, local: ZoneInfo) -> None:
    """How many of each class; of the most serious kinds, since when and whose."""
    if found.is_empty():
        out.print("\n[green]Открытых инцидентов нет.[/green]")
        return
    classes = Counter(found["incident_class"])
    counted = ", ".join(
        f"{words} {classes[name]}" for name, words in in_words("incident_class").items() if classes[name]
    )
    out.print(f"\n[bold]Открытые инциденты: {found.height}[/bold] ({counted}); profmin incidents")
    kinds = found.partition_by("condition", maintain_order=True)
    for part in kinds[:LINES_SHOWN]:
        first = part.row(0, named=True)
        colour = "red" if first["incident_class"] == "own" else "yellow"
        names = part["sender_name"].drop_nulls().unique(maintain_order=True).to_list()
        whose = some(names, 3) if names else ", ".join(filter(None, part["subject"].unique(maintain_order=True)))
        since = when(part["opened_at"].min(), local)  # type: ignore[arg-type]
        out.print(
            f"  [{colour}]{escape(first['name'])}[/{colour}]: {part.height}, "
            f"с {since}" + (f" [dim]{escape(whose)}[/dim]" if whose else "")
        )
    rest(out, len(kinds), LINES_SHOWN)


def show_messages(out: Console, found: pl.DataFrame, local: ZoneInfo) -> None:
    """What is on its way, and what did not get through."""
    if found.is_empty():
        return
    told = []
    for row in found.iter_rows(named=True):
        again = f" (повторно {row['tried']})" if row["tried"] and row["outcome"] != "failed" else ""
        colour = "red" if row["outcome"] == "failed" else "yellow" if row["tried"] else ""
        words = f"{row['channel']} — {OUTCOMES[row['outcome']]} {row['messages']}{again}"
        told.append(f"[{colour}]{escape(words)}[/{colour}]" if colour else escape(words))
    oldest = when(found["oldest_created_at"].min(), local)  # type: ignore[arg-type]
    out.print(f"\n[bold]Сообщения[/bold] (с {oldest}): {', '.join(told)}; profmin messages")


def show_waiting(out: Console, found: pl.DataFrame, local: ZoneInfo) -> None:
    if found.is_empty():
        return
    out.print(f"\n[yellow]Ждут чтения: {found.height}[/yellow]; их прочитает следующий запуск")
    for row in found.head(LINES_SHOWN).iter_rows(named=True):
        folder = f"{row['folder']}/" if row["folder"] else ""
        out.print(
            f"  {escape(folder + row['file_name'])} [dim]{row['sha256']}, {when(row['received_at'], local)}[/dim]"
        )
    rest(out, found.height, LINES_SHOWN)


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


def some(names: Sequence[str], most: int = NAMES_SHOWN) -> str:
    shown = ", ".join(shorter(name) for name in names[:most])
    return shown + (f" и ещё {len(names) - most}" if len(names) > most else "")


def rest(out: Console, many: int, shown: int) -> None:
    if many > shown:
        out.print(f"  … и ещё {many - shown}")


def days(found: dict[str, Any]) -> str:
    first, last = found["from_as_of"], found["to_as_of"]
    return f"{first:%d.%m.%Y}" if first == last else f"{first:%d.%m.%Y}–{last:%d.%m.%Y}"


def when(moment: dt.datetime, local: ZoneInfo) -> str:
    return f"{moment.astimezone(local):%d.%m.%Y %H:%M}"
