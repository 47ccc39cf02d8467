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
"""Under this name and that of a region ops.applied keeps by which versions its incidents were last observed; under the
name alone, what was kept when there was one region."""
# Thresholds have a date from which they judge; what else incidents follow from is asked as it is now.
NOW = """
SELECT i.input_region, i.input,
    CASE WHEN i.input = 'thresholds' THEN ref.input_due(i.input_region, i.input, :day) ELSE (
    SELECT v.input_version FROM ref.input_version v
    WHERE v.region = i.input_region AND v.input = i.input AND v.holds ORDER BY v.position DESC LIMIT 1
) END
FROM ref.inputs_named(:region, :inputs) i
"""
SEEN = """
SELECT fingerprint FROM ops.applied WHERE name IN (:name, :name_before) ORDER BY name = :name DESC LIMIT 1
"""
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


def changes_since(
    connection: Connection, region: str, day: dt.date, all_conditions: Collection[Condition]
) -> dict[str, list[str]]:
    """Condition → what has changed, since incidents of a region were last observed, in the inputs that it follows
    from."""
    inputs = sorted({"thresholds", *(name for condition in all_conditions for name in condition.inputs)})
    versions_now = connection.execute(text(NOW), {"region": region, "day": day, "inputs": inputs}).tuples()
    now = {f"{whose} {name}".strip(): version for whose, name, version in versions_now if version is not None}
    kept_as = f"{LAST_SEEN} of {region}"
    asked = {"name": kept_as, "name_before": LAST_SEEN}
    last_seen: dict[str, int] = json.loads(connection.scalar(text(SEEN), asked) or "{}")
    last_seen = {name: last_seen.get(name, last_seen.get(_input_of(name), version)) for name, version in now.items()}
    connection.execute(text(KEEP), {"name": kept_as, "seen": json.dumps(now, sort_keys=True)})
    moved = {name for name, version in now.items() if last_seen[name] != version}
    if not moved:
        return {}
    versions = [version for name in moved for version in (last_seen[name], now[name])]
    lines: dict[int, Any] = dict(connection.execute(text(LINES), {"versions": versions}).tuples().all())
    reasons: dict[str, list[str]] = {}
    for condition in all_conditions:
        for name in sorted(moved):
            input_name = _input_of(name)
            if input_name not in ("thresholds", *condition.inputs):
                continue
            before, after = (
                _lines_about(condition, input_name, lines.get(version, ())) for version in (last_seen[name], now[name])
            )
            if changed := differences(input_name, before, after):
                title = TITLES.get(input_name, input_name)
                reasons.setdefault(condition.name, []).append(f"{title}: {'; '.join(changed[:3])}")
    return reasons


def _input_of(seen: str) -> str:
    """The name of an input out of «69 thresholds», or out of «calendar» that all regions share."""
    return seen.rpartition(" ")[2]


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
