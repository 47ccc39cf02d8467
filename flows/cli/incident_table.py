"""Incidents on the terminal: what is open, and the life of one."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Sequence
from zoneinfo import ZoneInfo

import polars as pl
from rich.console import Console
from rich.markup import escape

from contracts.regions import name_of, only_region, zone_of
from contracts.texts import in_words, incident_texts
from contracts.vocabulary import contacts_of
from flows.cli.night_tables import shorter
from flows.cli.terminal import plain_table
from flows.home.shown import local_time
from flows.messages.incident_text import event_text
from warehouse.incidents.handling import Incident
from warehouse.incidents.observe import IncidentEvent

CLASSES, EVENTS, OUTCOMES = in_words("incident_class"), in_words("incident_event"), in_words("message_outcome")
COLOURS = {"own": "red", "data": "yellow", "lateness": "yellow"}


def show(out: Console, incidents: Sequence[Incident]) -> None:
    """Incidents in a table, a line each: what, whose, since when, and what people said of it."""
    if not incidents:
        out.print("[green]Открытых инцидентов нет.[/green]")
        return
    table = plain_table()
    several = only_region() is None
    for heading in ("№", *(["Регион"] if several else []), "Класс", "Что не так", "С", "Отметки"):
        table.add_column(heading, overflow="fold", no_wrap=heading in ("№", "С"))
    for incident in incidents:
        zone = zone_of(incident.region)
        colour = COLOURS[incident.incident_class] if incident.state == "open" else "dim"
        table.add_row(
            str(incident.incident_id), *([incident.region or "—"] if several else []),
            f"[{colour}]{CLASSES[incident.incident_class]}[/{colour}]",
            escape(_incident_line(incident)), incident.opened_at.astimezone(zone).strftime("%d.%m.%Y"),
            escape(", ".join(_handling_marks(incident, zone))),
        )  # fmt: skip
    out.print(table)
    out.print("\n[dim]Подробно: profmin incidents show №[/dim]", highlight=False)


def _incident_line(incident: Incident) -> str:
    """Whose incident it is and what it says, in a line."""
    name = f"{shorter(incident.sender_name)}: " if incident.sender_name else ""
    return name + event_text(_as_just_opened(incident)).title


def _handling_marks(incident: Incident, zone: ZoneInfo) -> list[str]:
    """What people did about it: closed, assigned, acknowledged, muted; and how far it was escalated."""
    words = [f"закрыт {local_time(incident.closed_at, zone)}"] if incident.closed_at else []
    words += [f"поручен: {incident.assigned_to}"] if incident.assigned_to else []
    words += [f"знает {incident.acknowledged_by}"] if incident.acknowledged_by else []
    muted = incident.muted_until
    words += [f"без сообщений до {muted.astimezone(zone):%d.%m.%Y}"] if muted and incident.state == "open" else []
    return words + ([f"ступень {incident.level}"] if incident.level > 1 else [])


def show_one(out: Console, incident: Incident, events: pl.DataFrame, messages: pl.DataFrame) -> None:
    """One incident: its words as they would be told now, whom to call, its history, the messages about it."""
    zone = zone_of(incident.region)
    text = event_text(_as_just_opened(incident))
    colour = COLOURS[incident.incident_class] if incident.state == "open" else "green"
    state = "открыт" if incident.state == "open" else "закрыт"
    name = f"[bold]Инцидент {incident.incident_id}[/bold]"
    out.print(f"{name}, [{colour}]{state}[/{colour}]: {CLASSES[incident.incident_class]}")
    if only_region() is None and incident.region:
        out.print(escape(name_of(incident.region)))
    if incident.sender_name:
        out.print(escape(incident.sender_name))
    for contact in contacts_of(incident.sender or ""):
        out.print(f"[dim]кому звонить: {escape(contact)}[/dim]")
    out.print(f"[bold]{escape(text.title)}[/bold]")
    for line in text.lines:
        out.print(f"  {escape(line)}")
    if incident.state == "open":
        out.print(f"[dim]→ {escape(text.mend)}[/dim]")
    if words := _handling_marks(incident, zone):
        out.print(escape(", ".join(words)))
    table = plain_table("\nИстория", with_heading=False)
    for event in events.iter_rows(named=True):
        details = json.loads(event["details"])
        to = details.get("to") or (
            details.get("until") and local_time(dt.datetime.fromisoformat(details["until"]), zone)
        )
        by = [words for words in (event["done_by"], event["reason"]) if words]
        run = [f"запуск {event['run_id']}"] if event["run_id"] else []
        table.add_row(
            local_time(event["at"], zone), f"{EVENTS[event['kind']]}{f': {to}' if to and by else ''}",
            escape("; ".join([*by, *run])),
        )  # fmt: skip
    out.print(table)
    if messages.height:
        table = plain_table("\nСообщения", with_heading=False)
        for message in messages.iter_rows(named=True):
            moment = message["sent_at"] or message["created_at"]
            table.add_row(
                local_time(moment, zone), escape(f"{message['recipient']}, {message['channel']}"),
                OUTCOMES[message["outcome"]], escape(message["subject"]),
            )  # fmt: skip
        out.print(table)


def _as_just_opened(incident: Incident) -> IncidentEvent:
    """The incident as an event that has just opened it: its words without «reminder» or «changed»."""
    return IncidentEvent(
        event_id=0, incident_id=incident.incident_id, kind="opened", condition=incident.condition,
        incident_class=incident.incident_class, audiences=incident_texts()[incident.condition].audiences,
        region=incident.region, form=incident.form, form_title=incident.form_title, sender=incident.sender,
        sender_name=incident.sender_name, subject=incident.subject, at=incident.opened_at,
        opened_at=incident.opened_at, level=incident.level, details=incident.details, deliveries=(),
    )  # fmt: skip
