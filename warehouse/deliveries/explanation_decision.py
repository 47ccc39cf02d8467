"""What an officer decides of explanations: which of them wait, which was accepted or refused, by whom and why."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from contracts.explanation import Decision
from warehouse.core.slices import LONGEST_WAIT, lock_slices
from warehouse.core.transaction import begun, retried
from warehouse.deliveries.judging import UNANSWER, found_across

LAST = """
LEFT JOIN LATERAL (
    SELECT o.decision, o.decided_at, o.decided_by, o.reason FROM ops.explanation_decision o
    WHERE o.explanation_id = e.explanation_id ORDER BY o.decided_at DESC, o.decision_id DESC LIMIT 1
) c ON true
"""
# Whether the finding stands in what holds of its sender now, and where it was when it was explained.
LISTED = f"""
WITH listed AS MATERIALIZED (
    SELECT e.*, c.decision, c.decided_at, c.decided_by, c.reason FROM ops.explanation e {LAST}
    WHERE e.gone_at = 'infinity' AND (:decided_too OR c.decision IS NULL)
      AND coalesce(e.region = :region, true) AND coalesce(e.sender = :sender, true)
),
now AS MATERIALIZED (
    SELECT DISTINCT w.finding_key FROM ops.warnings_of(ARRAY(
        SELECT r.reading_id FROM ops.reading r
        WHERE r.status = 'current' AND (r.sender, r.form) IN (SELECT l.sender, l.form FROM listed l))) w
),
said_of AS MATERIALIZED (
    SELECT DISTINCT ON (w.finding_key) w.finding_key, f.sheet, f.cell, f.row_no, f.value, f.message
    FROM ops.warnings_of(ARRAY(SELECT DISTINCT l.reading_id FROM listed l)) w
    LEFT JOIN ops.finding f ON f.finding_id = w.finding_id
    WHERE w.finding_key IN (SELECT l.finding_key FROM listed l)
    ORDER BY w.finding_key, w.finding_id
),
said_across AS MATERIALIZED (
    SELECT l.explanation_id, max(a.finding_across_id) AS finding_across_id
    FROM listed l
    JOIN ops.reading r ON r.reading_id = l.reading_id
    JOIN ops.finding_across a ON a.reading_id = l.reading_id AND a.rule = l.rule
    WHERE ops.across_key(r, a.rule, a.school_id, a.place, a.value) = l.finding_key
    GROUP BY l.explanation_id
)
SELECT l.explanation_id, l.region, l.form, f.title AS form_title, l.sender, s.name AS sender_name, l.span, l.rule,
    coalesce(o.message, k.what, l.rule) AS finding, o.sheet, coalesce(o.cell, o.row_no::text) AS place, o.value,
    l.explanation, l.said_at, d.file_name AS file, n.finding_key IS NOT NULL AS stands,
    l.decision, l.decided_at, l.decided_by, l.reason, a.finding_across_id
FROM listed l
JOIN ops.delivery d ON d.delivery_id = l.delivery_id
JOIN ref.sender s ON s.sender = l.sender
JOIN ref.form f ON f.form = l.form
LEFT JOIN ref.rule k ON k.rule = l.rule
LEFT JOIN said_of o ON o.finding_key = l.finding_key
LEFT JOIN said_across a ON a.explanation_id = l.explanation_id
LEFT JOIN now n ON n.finding_key = l.finding_key
ORDER BY l.decision IS NOT NULL, l.region, l.sender, l.form, l.rule, l.explanation_id
"""
ASKED = f"""
SELECT e.explanation_id, e.region, e.sender, e.form, e.finding_key, e.gone_at < 'infinity' AS is_gone,
    c.decision, c.reason
FROM ops.explanation e {LAST} WHERE e.explanation_id = ANY (:ids)
"""
DECIDE = """
INSERT INTO ops.explanation_decision (explanation_id, decision, decided_by, reason, decided_at)
SELECT e.id, :decision, :by, :reason, :now FROM unnest(cast(:ids AS bigint[])) AS e (id)
"""
READINGS = """
SELECT DISTINCT w.reading_id FROM ops.warnings_of(ARRAY(
    SELECT r.reading_id FROM ops.reading r
    WHERE r.status IN ('current', 'held') AND r.sender = ANY (:senders) AND r.form = ANY (:forms))) w
WHERE w.finding_key = ANY (:keys)
"""


class NotThere(Exception):
    """There is no such explanation to decide of; the text says why, for people."""


@dataclass(frozen=True)
class ListedExplanation:
    """An explanation with its finding; `stands` says whether what holds of its sender still has the finding."""

    explanation_id: int
    region: str
    form: str
    form_title: str
    sender: str
    sender_name: str
    span: str
    rule: str
    finding: str
    sheet: str | None
    place: str | None
    value: str | None
    explanation: str
    said_at: dt.datetime
    file: str
    stands: bool
    decision: Decision | None
    decided_at: dt.datetime | None
    decided_by: str | None
    reason: str | None


@dataclass(frozen=True)
class DecidedOf:
    """An explanation of which was decided, of which region; `is_repeat` when the same was decided before."""

    explanation_id: int
    region: str
    is_repeat: bool


def listed(
    connection: Connection, *, decided_too: bool = False, region: str | None = None, sender: str | None = None
) -> list[ListedExplanation]:
    """The explanations that wait for a decision (of a region, a sender), or all that hold; times in UTC."""
    asked = {"decided_too": decided_too, "region": region, "sender": sender}
    rows = [dict(row) for row in connection.execute(text(LISTED), asked).mappings()]
    numbers = [row.pop("finding_across_id") for row in rows]
    across = found_across(connection, [number for number in numbers if number is not None])
    for row, number in zip(rows, numbers, strict=True):
        if number in across:
            row.update(finding=across[number].message, value=across[number].value)
    return [ListedExplanation(**row) for row in rows]


@retried
def decide_of(
    engine: Engine,
    ids: Sequence[int],
    decision: Decision,
    by: str,
    reason: str | None,
    wait: dt.timedelta = LONGEST_WAIT,
) -> list[DecidedOf]:
    """Accept or refuse explanations, all of them or none; who and why is kept, and a former decision too.

    The receipts that have them are to be written again. Raises NotThere; Timeout when somebody keeps explanations of
    one of the senders for longer than `wait`.
    """
    reason = (reason or "").strip() or None
    if decision == "refused" and not re.search(r"\w", reason or ""):
        raise NotThere("Отказу нужна причина, отправитель её прочтёт: --reason «почему».")
    with engine.connect() as connection, begun(connection):
        whose = {
            (row["sender"], row["region"]) for row in connection.execute(text(ASKED), {"ids": list(ids)}).mappings()
        }
        places = [f"explanations/{sender}" for sender, _ in whose]
        lock_slices(connection, places, {region for _, region in whose}, wait)
        rows = {row["explanation_id"]: row for row in connection.execute(text(ASKED), {"ids": list(ids)}).mappings()}
        for number in ids:
            if number not in rows:
                raise NotThere(f"Пояснения {number} нет: profmin incidents explain покажет те, что ждут решения.")
            if rows[number]["is_gone"]:
                raise NotThere(f"Пояснение {number} отправитель заменил другим: решать нужно о нём.")
        new = [row for row in rows.values() if (row["decision"], row["reason"]) != (decision, reason)]
        now = connection.scalar(text("SELECT ops.clock()"))
        decided = {"ids": [row["explanation_id"] for row in new], "decision": decision, "by": by, "reason": reason}
        connection.execute(text(DECIDE), decided | {"now": now})
        asked = {name: [row[column] for row in new] for name, column in
                 (("senders", "sender"), ("forms", "form"), ("keys", "finding_key"))}  # fmt: skip
        readings = list(connection.scalars(text(READINGS), asked)) if new else []
        connection.execute(text(UNANSWER), {"readings": readings})
    changed = {row["explanation_id"] for row in new}
    return [DecidedOf(number, rows[number]["region"], number not in changed) for number in ids]
