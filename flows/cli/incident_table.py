"""Incidents on the terminal: what is open, and the life of one."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import polars as pl
from rich.console import Console
from rich.markup import escape

from contracts.texts import in_words, incident_texts
from flows.cli.night_tables import shorter
from flows.cli.terminal import plain_table
from flows.messages.incident_text import told
from warehouse.incidents.handling import Incident
from warehouse.incidents.observe import IncidentEvent

CLASSES, EVENTS, OUTCOMES = in_words("incident_class"), in_words("incident_event"), in_words("message_outcome")
COLOURS = {"own": "red", "data": "yellow", "lateness": "yellow"}


def show(out: Console, found: Sequence[Incident], zone: ZoneInfo) -> None:
    """Incidents in a table, a line each: what, whose, since when, and what people said of it."""
    if not found:
        out.print("[green]Открытых инцидентов нет.[/green]")
        return
    table = plain_table()
    for heading in ("№", "Класс", "Что не так", "С", "Отметки"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("№", "С"))
    for row in found:
        colour = COLOURS[row.incident_class] if row.state == "open" else "dim"
        table.add_row(
            str(row.incident_id), f"[{colour}]{CLASSES[row.incident_class]}[/{colour}]", escape(what(row, zone)),
            row.opened_at.astimezone(zone).strftime("%d.%m.%Y"), escape(", ".join(marks(row, zone))),
        )  # fmt: skip
    out.print(table)
    out.print("\n[dim]Подробно: profmin incidents show №[/dim]", highlight=False)


def what(row: Incident, zone: ZoneInfo) -> str:
    """Whose incident it is and what it says, in a line."""
    name = f"{shorter(row.sender_name)}: " if row.sender_name else ""
    return name + told(now_open(row), zone).title


def marks(row: Incident, zone: ZoneInfo) -> list[str]:
    """What was said of it: closed, whose it is, who knows, until when it is muted, how far it went."""
    found = [f"закрыт {when(row.closed_at, zone)}"] if row.closed_at else []
    found += [f"поручен: {row.assigned_to}"] if row.assigned_to else []
    found += [f"знает {row.acknowledged_by}"] if row.acknowledged_by else []
    muted = row.muted_until
    found += [f"без сообщений до {muted.astimezone(zone):%d.%m.%Y}"] if muted and row.state == "open" else []
    return found + ([f"ступень {row.level}"] if row.level > 1 else [])


def show_one(out: Console, row: Incident, events: pl.DataFrame, messages: pl.DataFrame, zone: ZoneInfo) -> None:
    """One incident: its words as they would be told now, its history, the messages about it."""
    text = told(now_open(row), zone)
    colour = COLOURS[row.incident_class] if row.state == "open" else "green"
    state = "открыт" if row.state == "open" else "закрыт"
    out.print(f"[bold]Инцидент {row.incident_id}[/bold], [{colour}]{state}[/{colour}]: {CLASSES[row.incident_class]}")
    if row.sender_name:
        out.print(escape(row.sender_name))
    out.print(f"[bold]{escape(text.title)}[/bold]")
    for line in text.lines:
        out.print(f"  {escape(line)}")
    if row.state == "open":
        out.print(f"[dim]→ {escape(text.mend)}[/dim]")
    if found := marks(row, zone):
        out.print(escape(", ".join(found)))
    table = plain_table("\nИстория", with_heading=False)
    for event in events.iter_rows(named=True):
        said = json.loads(event["details"])
        to = said.get("to") or (said.get("until") and when(dt.datetime.fromisoformat(said["until"]), zone))
        by = [each for each in (event["done_by"], event["reason"]) if each]
        run = [f"запуск {event['run_id']}"] if event["run_id"] else []
        table.add_row(
            when(event["at"], zone), f"{EVENTS[event['kind']]}{f': {to}' if to and by else ''}",
            escape("; ".join(each for each in (*by, *run) if each)),
        )  # fmt: skip
    out.print(table)
    if messages.height:
        table = plain_table("\nСообщения", with_heading=False)
        for each in messages.iter_rows(named=True):
            moment = each["sent_at"] or each["created_at"]
            table.add_row(
                when(moment, zone), escape(f"{each['recipient']}, {each['channel']}"), OUTCOMES[each["outcome"]],
                escape(each["subject"]),
            )  # fmt: skip
        out.print(table)


def now_open(row: Incident) -> IncidentEvent:
    """The incident as an event that has just opened it: its words without «reminder» or «changed»."""
    return IncidentEvent(
        event_id=0, incident_id=row.incident_id, kind="opened", condition=row.condition,
        incident_class=row.incident_class, audiences=incident_texts()[row.condition].audiences,
        form=row.form, form_title=row.form_title, sender=row.sender, sender_name=row.sender_name,
        subject=row.subject, at=row.opened_at, opened_at=row.opened_at, level=row.level,
        details=row.details, deliveries=(),
    )  # fmt: skip


def when(moment: dt.datetime, zone: ZoneInfo) -> str:
    return f"{moment.astimezone(zone):%d.%m.%Y %H:%M}"
