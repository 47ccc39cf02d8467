"""What an officer decides about readings that wait: one is accepted and counts from then on, or is declined."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Engine, text

from contracts.reading import Finding, Status
from contracts.rules import HOLDS
from warehouse.core.frames import frame
from warehouse.core.slices import LONGEST_WAIT, lock_slices
from warehouse.core.transaction import begun, retried
from warehouse.deliveries.recall import recall_findings

# What is told of a reading that waits, or waited; the figures are those of its findings, and of what holds now.
HELD = """
SELECT r.delivery_id, r.reading_id, r.status, d.file_name, r.form, f.title AS form_title, r.sender,
    s.name AS sender_name, r.as_of, r.rows_loaded, r.rows_quarantined,
    ops.came_at(d) AS received_at, r.held_at,
    r.decided_at, r.decided_by, r.decision_reason, c.delivery_id AS holds_delivery_id, e.file_name AS holds_file,
    c.as_of AS holds_as_of, c.rows_loaded AS holds_rows_loaded
FROM ops.reading r
JOIN ops.delivery d ON d.delivery_id = r.delivery_id
LEFT JOIN ref.form f ON f.form = r.form
LEFT JOIN ref.sender s ON s.sender = r.sender
LEFT JOIN LATERAL (
    SELECT k.delivery_id, k.as_of, n.rows_loaded FROM ops.reading_at(r.region, r.as_of, 'infinity') k
    JOIN ops.reading n ON n.reading_id = k.reading_id
    WHERE k.form = r.form AND k.sender = r.sender AND k.delivery_id <> r.delivery_id
) c ON true
LEFT JOIN ops.delivery e ON e.delivery_id = c.delivery_id
WHERE r.held_at IS NOT NULL AND (r.status = 'held' OR :decided_too) AND coalesce(r.delivery_id = :delivery_id, true)
ORDER BY r.status = 'held' DESC, r.held_at, r.reading_id
"""
LAST = """
SELECT r.reading_id, r.status, r.slice, r.held_at IS NOT NULL, r.verdict, d.counts_at, d.file_name, r.region
FROM ops.delivery d
LEFT JOIN ops.reading r ON r.delivery_id = coalesce(d.same_as, d.delivery_id)
    AND ops.came_of_run(r.status)
WHERE d.delivery_id = :delivery_id
ORDER BY r.reading_id DESC LIMIT 1
"""
NEWER = """
SELECT d.file_name FROM ops.reading h
JOIN ops.delivery e ON e.delivery_id = h.delivery_id
JOIN ops.reading r ON r.slice = h.slice AND r.status = 'current'
JOIN ops.delivery d ON d.delivery_id = r.delivery_id
WHERE h.reading_id = :reading_id AND (d.counts_at, d.delivery_id) > (e.counts_at, e.delivery_id)
"""
SUPERSEDE = """
UPDATE ops.reading r SET status = 'superseded', superseded_by = :reading_id,
    superseded_at = greatest(cast(:now AS timestamptz), r.became_current_at)
WHERE r.slice = :slice AND r.status = 'current'
"""
# The sender hears of the decision: the receipt is written again.
DECIDE = """
UPDATE ops.reading SET status = :status, decided_at = moment.at, decided_by = :by, decision_reason = :reason,
    became_current_at = CASE WHEN :status = 'current' THEN moment.at END, answered_at = NULL
FROM (
    SELECT greatest(cast(:now AS timestamptz), h.held_at) AS at FROM ops.reading h WHERE h.reading_id = :reading_id
) moment
WHERE reading_id = :reading_id
"""
# What waits waits no more when a newer delivery of its slice counts, or when its own is read again.
OVERTAKE = """
UPDATE ops.reading h SET status = 'overtaken', decided_at = greatest(cast(:now AS timestamptz), h.held_at),
    superseded_by = n.reading_id
FROM unnest(cast(:readings AS bigint[]), cast(:deliveries AS bigint[]), cast(:slices AS text[]),
            cast(:counts AS timestamptz[]), cast(:statuses AS text[]))
        AS n (reading_id, delivery_id, slice, counts_at, status), ops.delivery d
WHERE h.status = 'held' AND h.reading_id <> n.reading_id AND d.delivery_id = h.delivery_id
  AND (h.delivery_id = n.delivery_id
       OR n.status IN ('current', 'same') AND h.slice = n.slice
          AND (d.counts_at, d.delivery_id) < (n.counts_at, n.delivery_id))
"""
ALREADY = {
    "declined": "уже отклонён решением сотрудника",
    "overtaken": "уже обогнан: пока он ждал, пришёл более новый файл",
}


class NotWaiting(Exception):
    """What was to be decided does not wait for a decision; the text says why, for people."""


@dataclass(frozen=True)
class Come:
    """A reading that has come: of which delivery, for which slice, its turn, and what became of it."""

    reading_id: int
    delivery_id: int
    slice: str | None
    counts_at: dt.datetime
    status: str


@dataclass(frozen=True)
class Decided:
    """What was decided: `is_repeat` when the same was decided before, and nothing has changed."""

    delivery_id: int
    reading_id: int
    file: str
    is_repeat: bool


@dataclass(frozen=True)
class HeldReading:
    """A reading that waits for a decision, or waited: why, and what holds in its place."""

    delivery_id: int
    reading_id: int
    status: Status
    file_name: str
    form: str | None
    form_title: str | None
    sender: str | None
    sender_name: str | None
    as_of: dt.date
    rows_loaded: int
    rows_quarantined: int
    received_at: dt.datetime
    held_at: dt.datetime
    decided_at: dt.datetime | None
    decided_by: str | None
    decision_reason: str | None
    holds_delivery_id: int | None
    holds_file: str | None
    holds_as_of: dt.date | None
    holds_rows_loaded: int | None
    findings: tuple[Finding, ...]


def held(
    connection: Connection, *, decided_too: bool = False, delivery_id: int | None = None, all_rules: bool = False
) -> list[HeldReading]:
    """Readings that wait for a decision, the oldest first; then those that waited. Their findings are those that held
    them, or all; times are in UTC."""
    rows = frame(connection, HELD, {"decided_too": decided_too, "delivery_id": delivery_id}).to_dicts()
    why = recall_findings(connection, [row["reading_id"] for row in rows], rules=None if all_rules else HOLDS)
    history_first = {
        reading_id: tuple(sorted(findings, key=lambda finding: finding.scope != "history"))
        for reading_id, findings in why.items()
    }
    return [HeldReading(**row, findings=history_first.get(row["reading_id"], ())) for row in rows]


def overtake(connection: Connection, come: Sequence[Come], now: object) -> None:
    """End the waiting of readings that those which come leave behind."""
    asked = {
        "now": now,
        "readings": [reading.reading_id for reading in come],
        "deliveries": [reading.delivery_id for reading in come],
        "slices": [reading.slice for reading in come],
        "counts": [reading.counts_at for reading in come],
        "statuses": [reading.status for reading in come],
    }
    connection.execute(text(OVERTAKE), asked)


@retried
def decide(
    engine: Engine,
    delivery_id: int,
    decision: Literal["current", "declined"],
    by: str,
    reason: str,
    wait: dt.timedelta = LONGEST_WAIT,
    run_id: int | None = None,
) -> Decided:
    """Let a reading that waits count from now on (`current`), or never (`declined`); who and why is kept.

    Deciding the same again changes nothing. Raises NotWaiting when there is nothing to decide, or something else was
    decided; Timeout when somebody writes its slice for longer than `wait`.
    """
    if not re.search(r"\w", reason):
        raise NotWaiting("Решению нужна причина: --reason «почему».")
    with engine.connect() as connection, begun(connection):
        _, _, slice_, *_, region = _last(connection, delivery_id)
        if slice_ is not None:
            lock_slices(connection, [slice_], [region], wait, run_id)
        reading_id, status, _, was_held, verdict, counts_at, file, _ = _last(connection, delivery_id)
        made = Decided(delivery_id, reading_id, file, is_repeat=True)
        accepted = was_held and status in ("current", "superseded")
        if status == decision == "declined" or (accepted and decision == "current"):
            return made
        if status != "held":
            raise NotWaiting(_why(delivery_id, file, status, verdict, accepted=accepted))
        now = connection.scalar(text("SELECT ops.clock()"))
        asked = {"reading_id": reading_id, "slice": slice_, "now": now}
        if decision == "current":
            newer = connection.scalar(text(NEWER), asked)
            if newer is not None:
                raise NotWaiting(f"Файл «{file}» ({delivery_id}) принять нельзя: действует более новый — «{newer}».")
            connection.execute(text(SUPERSEDE), asked)
        connection.execute(text(DECIDE), {**asked, "status": decision, "by": by, "reason": reason.strip()})
        if decision == "current":
            overtake(connection, [Come(reading_id, delivery_id, slice_, counts_at, "current")], now)
        return Decided(delivery_id, reading_id, file, is_repeat=False)


def _last(
    connection: Connection, delivery_id: int
) -> tuple[int, str, str | None, bool, str, dt.datetime, str, str | None]:
    """The last reading of a delivery: id, status, slice, whether it waited, verdict; when it came, its file, its
    region."""
    last = connection.execute(text(LAST), {"delivery_id": delivery_id}).one_or_none()
    if last is None:
        raise NotWaiting(f"Файла с номером {delivery_id} нет: profmin deliveries list покажет те, что ждут решения.")
    if last[0] is None:
        raise NotWaiting(f"Файл «{last[6]}» ({delivery_id}) ещё не прочитан: решать нечего.")
    return (last[0], last[1], last[2], last[3], last[4], last[5], last[6], last[7])


def _why(delivery_id: int, file: str, status: str, verdict: str, *, accepted: bool) -> str:
    state = ALREADY.get(
        status,
        "уже принят решением сотрудника"
        if accepted
        else "отклонён при проверке: его нужно исправить и прислать снова"
        if verdict == "refused"
        else "принят без решения сотрудника",
    )
    return f"Файл «{file}» ({delivery_id}) решения не ждёт: он {state}."
