"""Why incidents came and went without anything having been sent: thresholds, campaigns or the calendar have changed."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import Connection, text

from contracts.versions.inputs import TITLES, Line, differences
from warehouse.incidents.condition import Condition

LAST_SEEN = "incidents by inputs"
"""Under this name ops.applied keeps by which versions the incidents were last observed."""
# Thresholds have a date from which they judge; what else incidents follow from is asked as it is now.
NOW = """
SELECT i.input, CASE WHEN i.input = 'thresholds' THEN ref.input_due(i.input, :day) ELSE (
    SELECT v.input_version FROM ref.input_version v
    WHERE v.input = i.input AND v.holds ORDER BY v.position DESC LIMIT 1
) END
FROM unnest(cast(:inputs AS text[])) AS i (input)
"""
SEEN = "SELECT fingerprint FROM ops.applied WHERE name = :name"
KEEP = """
INSERT INTO ops.applied (name, fingerprint) VALUES (:name, :seen)
ON CONFLICT (name) DO UPDATE SET fingerprint = excluded.fingerprint, applied_at = clock_timestamp()
WHERE ops.applied.fingerprint <> excluded.fingerprint
"""
LINES = "SELECT input_version, lines FROM ref.input_version WHERE input_version = ANY (:versions)"
TELL = """
UPDATE ops.incident_event e
SET reason = :reason, details = e.details || jsonb_build_object('because', cast(:because AS text))
FROM ops.incident i
WHERE i.incident_id = e.incident_id AND i.condition = :condition AND e.event_id = ANY (:events)
"""


def changes_since(connection: Connection, day: dt.date, all_conditions: Collection[Condition]) -> dict[str, list[str]]:
    """Condition → what has changed, since incidents were last observed, in the inputs that it follows from."""
    inputs = sorted({"thresholds", *(name for condition in all_conditions for name in condition.inputs)})
    versions_now = connection.execute(text(NOW), {"day": day, "inputs": inputs}).tuples()
    now = {name: version for name, version in versions_now if version is not None}
    last_seen: dict[str, int] = json.loads(connection.scalar(text(SEEN), {"name": LAST_SEEN}) or "{}")
    connection.execute(text(KEEP), {"name": LAST_SEEN, "seen": json.dumps(now, sort_keys=True)})
    moved = {name for name, version in now.items() if last_seen.get(name, version) != version}
    if not moved:
        return {}
    versions = [version for name in moved for version in (last_seen[name], now[name])]
    lines: dict[int, Any] = dict(connection.execute(text(LINES), {"versions": versions}).tuples().all())
    reasons: dict[str, list[str]] = {}
    for condition in all_conditions:
        for name in moved.intersection(("thresholds", *condition.inputs)):
            before, after = (
                _lines_about(condition, name, lines.get(version, ())) for version in (last_seen[name], now[name])
            )
            if changed := differences(name, before, after):
                reasons.setdefault(condition.name, []).append(f"{TITLES.get(name, name)}: {'; '.join(changed[:3])}")
    return reasons


def _lines_about(condition: Condition, input_name: str, lines: Collection[Line]) -> list[Line]:
    """Those lines of an input that concern a condition."""
    return [line for line in lines if input_name != "thresholds" or line["condition"] == condition.name]


def tell_why(connection: Connection, events: Collection[int], reasons: Mapping[str, Collection[str]]) -> None:
    """Write into events of incidents what has changed beside what was sent."""
    for condition, changed in reasons.items():
        because = "; ".join(changed)
        connection.execute(
            text(TELL),
            {
                "condition": condition, "events": list(events), "because": because,
                "reason": f"С прошлой проверки изменено: {because}.",
            },
        )  # fmt: skip
