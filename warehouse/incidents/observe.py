"""Incidents: what is wrong for longer than a moment, opened, changed and closed by what the conditions find.

An incident is one condition about one form, sender and subject of a region, or of the installation. One that is back
within the cool-down, in the same state, is the same incident opened again. Its state is compared by a fingerprint;
figures beside it change silently.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Literal

from sqlalchemy import Connection, text

from warehouse.incidents.condition import Condition, conditions, find
from warehouse.incidents.reasons import changes_since, tell_why

EventKind = Literal["opened", "changed", "reminded", "escalated", "closed"]
IncidentClass = Literal["data", "lateness", "own"]
Details = Mapping[str, Any]
"""Figures of a condition, as its SELECT made them; kept as JSON."""

LOCK = "SELECT pg_advisory_xact_lock(hashtextextended('profmin incidents', 0))"
TODAY = "SELECT ref.region_date(:region, :now)"
HIGHEST_LEVEL = 3
SETTLES_IN = dt.timedelta(days=1)
"""How long one of our own failures that came back has to stay away before it is closed."""

SAME = """i.condition = f.condition AND i.region IS NOT DISTINCT FROM f.region
    AND coalesce(i.form, '') = coalesce(f.form, '')
    AND coalesce(i.sender, '') = coalesce(f.sender, '') AND i.subject = f.subject"""
RECORD = """
INSERT INTO ops.incident_event (incident_id, kind, at, details, level, run_id)
SELECT c.incident_id, '{kind}', :now, {details}, c.level, :run_id FROM come c ORDER BY c.incident_id
RETURNING event_id
"""
# An incident of a condition that could not be evaluated stays as it is, and so do those of other regions.
CLOSE = f"""
WITH come AS (
    UPDATE ops.incident i SET state = 'closed', closed_at = :now
    WHERE i.state = 'open' AND coalesce(i.region = :region, true) AND i.condition <> ALL (:left_out)
      AND NOT EXISTS (SELECT FROM pg_temp.incident_found f WHERE {SAME})
      AND (i.incident_class <> 'own' OR i.seen_at <= cast(:now AS timestamptz) - cast(:settles_in AS interval)
           OR (SELECT count(*) FROM ops.incident_event e WHERE e.incident_id = i.incident_id AND e.kind = 'opened') < 2)
    RETURNING i.incident_id, i.details, i.level
)
{RECORD.format(kind="closed", details="c.details")}"""
# Whoever acknowledged an incident acknowledged it as it was.
CHANGE = f"""
WITH come AS (
    UPDATE ops.incident i
    SET changed_at = :now, seen_at = :now, fingerprint = md5(f.state::text), details = f.details,
        acknowledged_by = NULL, acknowledged_at = NULL
    FROM pg_temp.incident_found f
    WHERE i.state = 'open' AND {SAME} AND i.fingerprint <> md5(f.state::text)
    RETURNING i.incident_id, i.details, i.level
)
{RECORD.format(kind="changed", details="c.details")}"""
SEE = f"""
UPDATE ops.incident i SET seen_at = :now, details = f.details
FROM pg_temp.incident_found f WHERE i.state = 'open' AND {SAME} AND i.seen_at < :now
"""
OPEN_AGAIN = f"""
WITH come AS (
    UPDATE ops.incident i
    SET state = 'open', closed_at = NULL, changed_at = :now, seen_at = :now, details = f.details, level = 1,
        acknowledged_by = NULL, acknowledged_at = NULL
    FROM pg_temp.incident_found f
    WHERE i.incident_id = (
        SELECT i.incident_id FROM ops.incident i WHERE {SAME} ORDER BY i.state = 'open' DESC, i.incident_id DESC LIMIT 1
    ) AND i.state = 'closed' AND i.closed_at > cast(:now AS timestamptz) - cast(:cool_down AS interval)
      AND i.fingerprint = md5(f.state::text)
    RETURNING i.incident_id, i.level, i.details || jsonb_build_object('again', (
        SELECT count(*) + 1 FROM ops.incident_event e WHERE e.incident_id = i.incident_id AND e.kind = 'opened'
    )) AS details
)
{RECORD.format(kind="opened", details="c.details")}"""
OPEN = f"""
WITH come AS (
    INSERT INTO ops.incident (condition, name, incident_class, region, form, sender, subject, opened_at, changed_at,
        seen_at, fingerprint, details)
    SELECT f.condition, k.name, k.incident_class, f.region, f.form, f.sender, f.subject, :now, :now, :now,
        md5(f.state::text), f.details
    FROM pg_temp.incident_found f
    JOIN unnest(cast(:conditions AS text[]), cast(:names AS text[]), cast(:classes AS text[]))
        AS k (condition, name, incident_class) ON k.condition = f.condition
    WHERE NOT EXISTS (SELECT FROM ops.incident i WHERE i.state = 'open' AND {SAME})
    ORDER BY f.condition, f.form, f.sender, f.subject
    RETURNING incident_id, details, level
)
{RECORD.format(kind="opened", details="c.details")}"""
# A failure of ours that may yet settle is not there at the moment (`seen_at`): nobody is told again.
WAITS = """i.state = 'open' AND coalesce(i.region = :region, true) AND i.seen_at = :now AND i.acknowledged_at IS NULL
    AND coalesce(i.muted_until <= :now, true) AND i.condition = ANY (:told)"""
# Counted from when it was opened, went to the last contact, or changed after somebody knew.
ESCALATE = f"""
WITH come AS (
    UPDATE ops.incident i SET level = i.level + 1, told_at = :now
    WHERE {WAITS} AND i.level < :highest AND coalesce(i.told_at < :now, true) AND (
        SELECT ref.working_days_between(:region, ref.region_date(:region, greatest(
            max(e.at) FILTER (WHERE e.kind IN ('opened', 'escalated')),
            min(e.at) FILTER (WHERE e.kind = 'changed' AND e.event_id > (
                SELECT max(a.event_id) FROM ops.incident_event a
                WHERE a.incident_id = i.incident_id AND a.kind = 'acknowledged'))
        )), :day) >= :days
        FROM ops.incident_event e WHERE e.incident_id = i.incident_id
    )
    RETURNING i.incident_id, i.details, i.level
)
{RECORD.format(kind="escalated", details="c.details")}"""
# What changed while it was muted is told when the mute has ended.
REMIND = f"""
WITH come AS (
    UPDATE ops.incident i SET told_at = :now
    WHERE {WAITS} AND (coalesce(i.told_at, i.opened_at) <= cast(:now AS timestamptz) - cast(:cool_down AS interval)
                       OR i.muted_until > i.told_at AND i.changed_at > i.told_at)
    RETURNING i.incident_id, i.details, i.level
)
{RECORD.format(kind="reminded", details="c.details")}"""
TELL = "UPDATE ops.incident SET told_at = :now WHERE incident_id = ANY (:incidents)"
EVENTS = f"""
SELECT e.event_id, i.incident_id, e.kind, i.condition, i.incident_class, i.region, i.form, m.title AS form_title,
    i.sender, s.name AS sender_name, i.subject, e.at, i.opened_at, e.level, e.details,
    coalesce(f.deliveries, '{{}}') AS deliveries, coalesce(i.muted_until > :now, false) AS is_muted
FROM ops.incident_event e
JOIN ops.incident i ON i.incident_id = e.incident_id
LEFT JOIN ref.form m ON m.form = i.form
LEFT JOIN ref.sender s ON s.sender = i.sender
LEFT JOIN pg_temp.incident_found f ON {SAME}
WHERE e.event_id = ANY (:events) ORDER BY e.event_id
"""


@dataclass(frozen=True)
class IncidentEvent:
    """What happened to an incident and is to be told; `details` are those of the condition, with its figures.

    `region` is None of what is wrong with the installation. `deliveries` are the deliveries whose receipts belong to
    it. `audiences` out of sender, officer, engineer. `details["again"]` says how many times an incident that is back
    has been opened, `details["because"]` what of the thresholds and lists has changed since the last look.
    """

    event_id: int
    incident_id: int
    kind: EventKind
    condition: str
    incident_class: IncidentClass
    audiences: tuple[str, ...]
    region: str | None
    form: str | None
    form_title: str | None
    sender: str | None
    sender_name: str | None
    subject: str
    at: dt.datetime
    opened_at: dt.datetime
    level: int
    details: Details
    deliveries: tuple[int, ...]


def observe(
    connection: Connection,
    region: str,
    now: dt.datetime,
    cool_down: dt.timedelta,
    escalate_days: int,
    run_id: int | None = None,
    *,
    nightly_hours: float = 25,
) -> list[IncidentEvent]:
    """Bring the incidents of a region, and of the installation, to what the conditions find, in the caller's
    transaction; returns what is to be told.

    Everything that happens is recorded; what is told depends on the condition. A muted incident is never told of, an
    acknowledged one is neither reminded of nor escalated, until it changes. It is reminded of after `cool_down`, and
    escalated each `escalate_days` working days, up to the third level. Needs READ COMMITTED: two runs at once wait for
    one another.
    """
    connection.execute(text(LOCK))
    day = connection.execute(text(TODAY), {"region": region, "now": now}).scalar_one()
    all_conditions = conditions()
    left_out = find(connection, region, now, day, list(all_conditions.values()), nightly_hours)
    parameters = {
        "region": region, "now": now, "day": day, "run_id": run_id, "cool_down": cool_down, "settles_in": SETTLES_IN,
        "left_out": list(left_out), "conditions": list(all_conditions),
        "names": [condition.title for condition in all_conditions.values()],
        "classes": [condition.incident_class for condition in all_conditions.values()],
        "highest": HIGHEST_LEVEL, "days": escalate_days,
    }  # fmt: skip
    moved = changes_since(connection, region, day, all_conditions.values())
    happened: list[int] = []
    for statement in (CLOSE, CHANGE, OPEN_AGAIN, OPEN):
        happened += connection.scalars(text(statement), parameters)
    tell_why(connection, happened, moved)
    connection.execute(text(SEE), parameters)
    events = _to_tell(connection, happened, now, all_conditions)
    connection.execute(text(TELL), {"now": now, "incidents": [event.incident_id for event in events]})
    later: list[int] = []
    for kind, statement in (("escalated", ESCALATE), ("reminded", REMIND)):
        later += connection.scalars(
            text(statement), {**parameters, "told": _names_telling(kind, all_conditions.values())}
        )
    return events + _to_tell(connection, later, now, all_conditions)


def _names_telling(kind: str, all_conditions: Collection[Condition]) -> list[str]:
    """The conditions that tell of a kind of event."""
    return [condition.name for condition in all_conditions if kind in condition.tells]


def _to_tell(
    connection: Connection, events: Collection[int], now: dt.datetime, all_conditions: Mapping[str, Condition]
) -> list[IncidentEvent]:
    """Those of these events that somebody is to hear of. That one is open again is news only for who heard its end."""
    to_tell = []
    for row in connection.execute(text(EVENTS), {"events": list(events), "now": now}).mappings():
        condition = all_conditions.get(row["condition"])
        if condition is None or row["is_muted"] or row["kind"] not in condition.tells:
            continue
        if "again" in row["details"] and row["kind"] == "opened" and "closed" not in condition.tells:
            continue
        event = {name: value for name, value in row.items() if name != "is_muted"}
        event["deliveries"] = tuple(row["deliveries"]) if row["kind"] != "closed" else ()
        to_tell.append(IncidentEvent(**event, audiences=condition.audiences))
    return to_tell
