"""`profmin status`: how things stand, on one screen, or as one JSON document."""

from __future__ import annotations

import datetime as dt
from collections import Counter
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import polars as pl
from rich.console import Console
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from contracts.forms.titles import form_title
from contracts.regions import name_of, only_region, zone_of
from contracts.texts import in_words
from contracts.texts.figures import whole
from contracts.versions.inputs import TITLES
from contracts.versions.rule_versions import COMMAND
from contracts.vocabulary import contacts_of, sender_name
from flows.cli.night_tables import shorter
from flows.cli.terminal import plain_table
from flows.home.bi_database import said_of
from flows.home.json_output import write
from flows.home.settings import Settings
from flows.home.shown import local_time
from flows.runs.freshness import is_stale
from flows.runs.status import (
    OTHERS_SHOWN,
    Standing,
    Status,
    command_to_judge_again,
    command_to_read_again,
    of_forms,
    span,
    status,
    versions,
)
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


def show_status(settings: Settings, out: Console, region: str | None, *, as_json: bool) -> None:
    """Print how things stand in a region, or in all; without a database, what to do."""
    standing = status(settings, region=region)
    if as_json:
        write(standing.document() if standing else None)
    elif standing is None:
        out.print(NO_DATABASE, highlight=False, soft_wrap=True)
    else:
        show(standing, out)


def show(standing: Status, out: Console) -> None:
    """Of each region what was published, the last runs, the senders; and whatever somebody has to look at."""
    for each in standing.standings:
        if len(standing.standings) > 1:
            out.rule(f"[bold]{escape(each.region.name)}[/bold] ({each.region.code})", align="left")
        _show_region(out, standing, each)
    if len(standing.standings) > 1:
        out.rule("[bold]Общее[/bold]", align="left")
        out.print(_service(standing).strip())
        _show_runs(out, "Запуски не одного региона", standing.runs, zone_of(None), with_kind=True)
        _show_incidents(out, standing.incidents, zone_of(None))
    _show_messages(out, standing.messages, zone_of(None))
    for row in standing.backfills.iter_rows(named=True):
        out.print(
            f"\n[yellow]Пересчёт {row['backfill_id']}: {BACKFILLS[row['status']]}[/yellow]{_of_region(row['region'])}, "
            f"за {_days(row['from_as_of'], row['to_as_of'])}, {escape(row['requested_by'])}: {escape(row['reason'])}"
        )
        out.print(f"  profmin backfill show {row['backfill_id']}", highlight=False)
    _show_older(out, standing.older)
    for each in standing.standings:
        for form in each.unlisted:
            out.print(
                f"\n[red]Правила формы «{form_title(form)}» изменены, а версия не записана[/red]"
                f"{_of_region(each.region.code)}: {COMMAND}"
            )
    if standing.inputs_unlisted:
        titles = ", ".join(TITLES.get(name, name) for name in standing.inputs_unlisted)
        out.print(f"\n[red]Справочники изменены, а версия не записана: {titles}[/red]: {COMMAND}")
    for row in standing.older_inputs.iter_rows(named=True):
        out.print(
            f"\n[yellow]Опубликованы по прежней версии «{row['judged_by']}» справочника "
            f"«{TITLES.get(row['input'], row['input'])}», дат: {row['dates']}[/yellow]{_of_region(row['region'])}; "
            "их может пересудить версия "
            f"«{row['judges']}»:"
        )
        out.print(f"  {command_to_judge_again(row)}", highlight=False, soft_wrap=True)
    if standing.replica is not None:
        colour, (_, said) = "green" if standing.replica.is_fit else "red", said_of(standing.replica)
        out.print(f"\n[{colour}]{said[0].upper()}{said[1:]}[/{colour}]", soft_wrap=True)
    for year, state in standing.calendars:
        words = "нет" if state == "missing" else "предварительный, без переносов"
        out.print(f"\n[yellow]Рабочий календарь на {year} год: {words}[/yellow]; contracts/vocabulary/calendar.csv")


def _show_region(out: Console, standing: Status, each: Standing) -> None:
    """What was published, the last runs, the senders, incidents and what waits; with what is of no one region where
    there is but one."""
    is_alone, local = len(standing.standings) == 1, each.region.zone
    runs, incidents = each.runs, each.incidents
    if is_alone:
        runs = pl.concat([runs, standing.runs]).sort("run_id", descending=True).head(OTHERS_SHOWN)
        incidents = pl.concat([standing.incidents, incidents])
    _show_freshness(out, standing, each, local, with_service=is_alone)
    _show_runs(out, "Последние ночи", each.nights, local, with_kind=False)
    _show_runs(out, "Другие запуски", runs, local, with_kind=True)
    if not each.senders.is_empty():
        out.print(_senders_table(each.senders))
        _show_absent(out, each.senders)
    _show_incidents(out, incidents, local)
    _show_waiting(out, each.waiting, local, has_register=each.has_register)


def _of_region(code: str) -> str:
    """« (Томская область)» where several regions are in force."""
    return "" if only_region() else f" ({escape(name_of(code))})"


def _show_freshness(out: Console, standing: Status, each: Standing, local: ZoneInfo, *, with_service: bool) -> None:
    """What was published when, marts that this version added, the last exports, and the service."""
    out.print(_published(standing.now, each, local) + (_service(standing) if with_service else ""))
    new = {mart.name for mart in marts()} - set(each.marts["mart"]) if each.published else set()
    if new:
        out.print(f"  [yellow]ещё не публиковались: {', '.join(sorted(new))}[/yellow]")
    for export in each.exports:
        words = "не было ни разу" if export.as_of is None else f"за {export.as_of:%d.%m.%Y}"
        words += f", рабочих дней без новой в этом учебном году: {export.nights}"
        mark = "[red]выгрузка устарела[/red]" if is_stale(export) else "[green]выгрузка свежая[/green]"
        line = f"  {mark}: {words} — {escape(form_title(export.form))}, {escape(sender_name(export.sender))}"
        out.print(line, no_wrap=True, overflow="ellipsis")


def _published(now: dt.datetime, each: Standing, local: ZoneInfo) -> str:
    """For which date and how long ago a region's marts were published."""
    if each.published is None:
        return "Витрины ещё не публиковались."
    hours = (now - each.published.published_at).total_seconds() / 3600
    ago = "только что" if hours < 1 else f"{hours:.0f} ч назад" if hours < 48 else f"{hours / 24:.0f} дн. назад"
    moment = local_time(each.published.published_at, local)
    return f"Витрины на [bold]{each.published.as_of:%d.%m.%Y}[/bold], опубликованы {moment} [dim]({ago})[/dim]."


def _service(standing: Status) -> str:
    """Whether the service of this home runs, in a few words."""
    service_status = standing.service
    if service_status is None:
        return " Служба здесь не запущена."
    if service_status["problem"]:
        return f" [red]Служба: {escape(service_status['problem'])}[/red]"
    return (
        " [green]Служба работает.[/green]"
        if service_status["phase"] == "ready"
        else f" [yellow]Служба: {service_status['phase']}[/yellow]"
    )


def _show_runs(out: Console, heading: str, runs: pl.DataFrame, local: ZoneInfo, *, with_kind: bool) -> None:
    """When, for which date, how it ended, how long it took, and what became of the deliveries that it read."""
    if runs.is_empty():
        return
    table = plain_table(f"\n{heading}", with_heading=False)
    for row in runs.iter_rows(named=True):
        words, colour = STATES.get(row["state"], (row["state"], ""))
        day = f"на {row['as_of']:%d.%m.%Y}" if row["as_of"] else ""
        took = f"{(row['finished_at'] - row['started_at']).total_seconds():.0f} с" if row["finished_at"] else ""
        kind = [in_words("run_kind").get(row["kind"], row["kind"])] if with_kind else []
        read = ", ".join(f"{label} {row[verdict]}" for verdict, label in VERDICTS.items() if row[verdict])
        table.add_row(
            str(row["run_id"]), local_time(row["started_at"], local), *kind, day, Text(words, colour), took, read
        )
    out.print(table)


def _senders_table(senders: pl.DataFrame) -> Table:
    """How many senders of each form are in which state."""
    counts = [(of_form, states(of_form)) for of_form in of_forms(senders)]
    shown = (*SENDERS, *([NOTHING] if any(count_of[NOTHING[0]] for _, count_of in counts) else []))
    table = plain_table("\nОтправители")
    table.add_column("Форма")
    for heading in ("Ждём", *(heading for _, heading, _ in shown)):
        table.add_column(heading, justify="right")
    table.add_column("Срок")
    for of_form, count_of in counts:
        figures = [Text(whole(count_of[state]), colour if count_of[state] else "dim") for state, _, colour in shown]
        deadline = of_form["deadline"].max()
        table.add_row(
            of_form["form_title"][0], whole(of_form.height), *figures,
            f"{deadline:%d.%m.%Y}" if isinstance(deadline, dt.date) else "—",
        )  # fmt: skip
    return table


def states(senders: pl.DataFrame) -> Counter[str]:
    """How many senders are in each state; an export of another day than the published one was not sent for it."""
    count_of: Counter[str] = Counter()
    for row in senders.iter_rows(named=True):
        state = row["status"]
        count_of["missing" if state in ("accepted", "partial") and not row["is_received"] else state] += 1
        count_of["late"] += row["on_time"] is False
    return count_of


def _show_absent(out: Console, senders: pl.DataFrame) -> None:
    """Who has to be called: by name, with the post and the phone."""
    for of_form in of_forms(senders):
        for state, words in (("refused", "отклонено"), ("missing", "не прислано")):
            absent = of_form.filter(status=state)
            if absent.is_empty():
                continue
            names = _first_names(absent["sender_name"].to_list())
            out.print(f"  {escape(of_form['form_title'][0])}, [red]{words}[/red]: {escape(names)}")
            for name, sender in absent.select("sender_name", "sender").head(NAMES_SHOWN).iter_rows():
                for contact in contacts_of(sender):
                    out.print(f"    [dim]{escape(shorter(name))}: {escape(contact)}[/dim]")


def _show_incidents(out: Console, incidents: pl.DataFrame, local: ZoneInfo) -> None:
    """How many of each class; of the most serious kinds, since when and whose."""
    if incidents.is_empty():
        out.print("\n[green]Открытых инцидентов нет.[/green]")
        return
    classes = Counter(incidents["incident_class"])
    totals = ", ".join(
        f"{words} {classes[name]}" for name, words in in_words("incident_class").items() if classes[name]
    )
    out.print(f"\n[bold]Открытые инциденты: {incidents.height}[/bold] ({totals}); profmin incidents")
    kinds = incidents.partition_by("condition", maintain_order=True)
    for of_kind in kinds[:LINES_SHOWN]:
        first = of_kind.row(0, named=True)
        colour = "red" if first["incident_class"] == "own" else "yellow"
        names = of_kind["sender_name"].drop_nulls().unique(maintain_order=True).to_list()
        whose = (
            _first_names(names, 3) if names else ", ".join(filter(None, of_kind["subject"].unique(maintain_order=True)))
        )
        since = local_time(of_kind["opened_at"].min(), local)  # type: ignore[arg-type]
        out.print(
            f"  [{colour}]{escape(first['name'])}[/{colour}]: {of_kind.height}, "
            f"с {since}" + (f" [dim]{escape(whose)}[/dim]" if whose else "")
        )
    _show_how_many_more(out, len(kinds), LINES_SHOWN)


def _show_messages(out: Console, messages: pl.DataFrame, local: ZoneInfo) -> None:
    """What is on its way, and what did not get through."""
    if messages.is_empty():
        return
    phrases = []
    for row in messages.iter_rows(named=True):
        repeated = f" (повторно {row['tried']})" if row["tried"] and row["outcome"] != "failed" else ""
        colour = "red" if row["outcome"] == "failed" else "yellow" if row["tried"] else ""
        words = f"{row['channel']} — {OUTCOMES[row['outcome']]} {row['messages']}{repeated}"
        phrases.append(f"[{colour}]{escape(words)}[/{colour}]" if colour else escape(words))
    oldest = local_time(messages["oldest_created_at"].min(), local)  # type: ignore[arg-type]
    out.print(f"\n[bold]Сообщения[/bold] (с {oldest}): {', '.join(phrases)}; profmin messages")


def _show_waiting(out: Console, deliveries: pl.DataFrame, local: ZoneInfo, *, has_register: bool) -> None:
    """Deliveries that nobody has read yet, and what they wait for."""
    if deliveries.is_empty():
        return
    when = "их прочитает следующий запуск" if has_register else "формы со школами ждут реестра школ, он ещё не загружен"
    out.print(f"\n[yellow]Ждут чтения: {deliveries.height}[/yellow]; {when}")
    for row in deliveries.head(LINES_SHOWN).iter_rows(named=True):
        folder = f"{row['folder']}/" if row["folder"] else ""
        out.print(
            f"  {escape(folder + row['file_name'])} [dim]{row['sha256']}, {local_time(row['received_at'], local)}[/dim]"
        )
    _show_how_many_more(out, deliveries.height, LINES_SHOWN)


def _show_older(out: Console, older: pl.DataFrame) -> None:
    """Who was judged by older rules, and the command that reads them again."""
    for of_form in of_forms(older):
        out.print(
            f"\n[yellow]По прежним правилам: {escape(of_form['form_title'][0])}[/yellow]"
            f"{_of_region(of_form['region'][0])}, "
            f"отправителей {of_form.height}, за {_days(*span(of_form))}; "
            f"проверены по версии {versions(of_form, 'judged_by')}, действует {versions(of_form, 'judges')}"
        )
        out.print(f"  {escape(_first_names(of_form['sender_name'].to_list()))}")
        out.print(Text(f"  {command_to_read_again(of_form)}"), soft_wrap=True)


def _first_names(names: Sequence[str], most: int = NAMES_SHOWN) -> str:
    """The first names of senders, and how many more there are."""
    shown = ", ".join(shorter(name) for name in names[:most])
    return shown + (f" и ещё {len(names) - most}" if len(names) > most else "")


def _show_how_many_more(out: Console, count: int, shown: int) -> None:
    if count > shown:
        out.print(f"  … и ещё {count - shown}")


def _days(first: dt.date, last: dt.date) -> str:
    """A day, or from which to which."""
    return f"{first:%d.%m.%Y}" if first == last else f"{first:%d.%m.%Y}–{last:%d.%m.%Y}"
