"""What people do with incidents: look at them, acknowledge, assign and mute them; each time who and why is kept."""

from __future__ import annotations

import datetime as dt
import json
from typing import Literal, NamedTuple

import polars as pl
from sqlalchemy import Connection, text

from warehouse.core.frames import frame
from warehouse.incidents.observe import Details, IncidentClass

INCIDENTS = """
SELECT i.incident_id, i.condition, i.name, i.incident_class, i.region, i.form, f.title AS form_title, i.sender,
    s.name AS sender_name, i.subject, i.state, i.level, i.opened_at, i.changed_at, i.seen_at, i.closed_at, i.told_at,
    i.acknowledged_by, i.acknowledged_at, i.assigned_to, i.muted_until, i.details::text AS details
FROM ops.incident i
LEFT JOIN ref.form f ON f.form = i.form
LEFT JOIN ref.sender s ON s.sender = i.sender
WHERE (i.state = 'open' OR :closed_too)
  AND coalesce(i.incident_class = :incident_class, true) AND coalesce(i.sender = :sender, true)
  AND coalesce(i.region = :region, true)
  AND coalesce(i.incident_id = :incident_id, true)
ORDER BY i.state DESC, array_position(ARRAY['own', 'data', 'lateness'], i.incident_class), i.condition, i.opened_at,
    i.incident_id
"""
HISTORY = """
SELECT e.event_id, e.kind, e.at, e.done_by, e.reason, e.level, e.run_id, e.details::text AS details
FROM ops.incident_event e WHERE e.incident_id = :incident_id ORDER BY e.event_id
"""
MESSAGES = """
SELECT m.message_id, m.recipient, m.channel, m.subject, m.outcome, m.created_at, m.sent_at
FROM ops.message m WHERE m.incident_ids @> ARRAY[cast(:incident_id AS bigint)] ORDER BY m.message_id
"""
CHANGES = {
    "acknowledged": "acknowledged_by = :by, acknowledged_at = :at",
    "assigned": "assigned_to = :value",
    "muted": "muted_until = cast(:value AS timestamptz)",
    "unmuted": "muted_until = NULL",
}
HANDLE = """
WITH come AS (
    UPDATE ops.incident SET {change} WHERE incident_id = :incident_id AND state = 'open' RETURNING incident_id, level
)
INSERT INTO ops.incident_event (incident_id, kind, at, done_by, reason, details, level)
SELECT incident_id, :kind, :at, :by, :reason, cast(:details AS jsonb), level FROM come RETURNING event_id
"""


class Incident(NamedTuple):
    """An incident as it stands; `details` are those of its condition, with its figures."""

    incident_id: int
    condition: str
    name: str
    incident_class: IncidentClass
    region: str | None
    form: str | None
    form_title: str | None
    sender: str | None
    sender_name: str | None
    subject: str
    state: Literal["open", "closed"]
    level: int
    opened_at: dt.datetime
    changed_at: dt.datetime
    seen_at: dt.datetime
    closed_at: dt.datetime | None
    told_at: dt.datetime | None
    acknowledged_by: str | None
    acknowledged_at: dt.datetime | None
    assigned_to: str | None
    muted_until: dt.datetime | None
    details: Details


class NotOpen(Exception):
    """There is no such incident, or it is closed; the text says which, for people."""


def incidents(
    connection: Connection,
    *,
    closed_too: bool = False,
    incident_class: str | None = None,
    sender: str | None = None,
    incident_id: int | None = None,
    region: str | None = None,
) -> list[Incident]:
    """Incidents (of a region), open ones first, our own failures before data before lateness; times in UTC."""
    parameters = {
        "closed_too": closed_too, "incident_class": incident_class, "sender": sender, "incident_id": incident_id,
        "region": region,
    }  # fmt: skip
    rows = frame(connection, INCIDENTS, parameters).iter_rows(named=True)
    return [Incident(**row | {"details": json.loads(row["details"])}) for row in rows]


def history(connection: Connection, incident_id: int) -> pl.DataFrame:
    """event_id, kind, at, done_by, reason, level, run_id, details (JSON) of an incident, in their order."""
    return frame(connection, HISTORY, {"incident_id": incident_id})


def messages_about(connection: Connection, incident_id: int) -> pl.DataFrame:
    """message_id, recipient, channel, subject, outcome, created_at, sent_at of what was said about an incident."""
    return frame(connection, MESSAGES, {"incident_id": incident_id})


def acknowledge(connection: Connection, incident_id: int, by: str, reason: str, now: dt.datetime) -> None:
    """Somebody knows: no reminder and no escalation until the incident changes. Raises NotOpen."""
    _handle(connection, "acknowledged", incident_id, by, reason, now)


def assign(connection: Connection, incident_id: int, to: str, by: str, reason: str, now: dt.datetime) -> None:
    """Somebody is to mend it. Raises NotOpen."""
    _handle(connection, "assigned", incident_id, by, reason, now, to=to)


def mute(connection: Connection, incident_id: int, until: dt.datetime, by: str, reason: str, now: dt.datetime) -> None:
    """Nothing is told of it until a moment, not even its end; everything is recorded. Raises NotOpen; ValueError for a
    moment that is over."""
    if until <= now:
        raise ValueError(f"{until} уже прошло")
    _handle(connection, "muted", incident_id, by, reason, now, until=until.isoformat())


def unmute(connection: Connection, incident_id: int, by: str, reason: str, now: dt.datetime) -> None:
    """It is told of again. Raises NotOpen."""
    _handle(connection, "unmuted", incident_id, by, reason, now)


def _handle(
    connection: Connection, kind: str, incident_id: int, by: str, reason: str, now: dt.datetime, **details: str
) -> None:
    if not by.strip() or not reason.strip():
        raise ValueError("скажите, кто и почему: это хранится")
    parameters = {
        "incident_id": incident_id, "kind": kind, "by": by, "reason": reason, "at": now,
        "value": next(iter(details.values()), None), "details": json.dumps(details, ensure_ascii=False),
    }  # fmt: skip
    if connection.scalar(text(HANDLE.format(change=CHANGES[kind])), parameters) is None:
        incident = next(iter(incidents(connection, closed_too=True, incident_id=incident_id)), None)
        if incident is None:
            raise NotOpen(f"инцидента {incident_id} нет")
        raise NotOpen(f"инцидент {incident_id} закрыт {incident.closed_at:%d.%m.%Y}")
