"""Explanations of warnings: what senders say in receipts that come back, and what officers decide of it.

Nothing of what is said gets into a log or a mart; marts count explanations.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, RowMapping, text

from contracts.explanation import CameOf, Decision, Explained, Returned
from contracts.reading import Finding
from warehouse.deliveries.judging import UNANSWER, said_across

# The file that the receipt says to answer, if its sender is this one; and what now holds of the sender, where findings
# of an old receipt may be found again.
CANDIDATES = """
WITH asked AS (SELECT coalesce(d.same_as, d.delivery_id) AS delivery_id FROM ops.delivery d WHERE d.sha256 = :about)
SELECT r.reading_id, r.delivery_id IN (SELECT a.delivery_id FROM asked a) AS is_asked
FROM ops.reading r
WHERE r.sender = :sender
  AND (r.status = 'current' OR r.delivery_id IN (SELECT a.delivery_id FROM asked a) AND ops.came_of_run(r.status))
"""
FOUND = """
SELECT w.finding_key, w.form, w.span, w.rule, max(w.reading_id) AS reading_id, bool_or(r.status = 'current') AS holds
FROM ops.warnings_of(:readings) w JOIN ops.reading r ON r.reading_id = w.reading_id
WHERE w.finding_key = ANY (:keys)
GROUP BY w.finding_key, w.form, w.span, w.rule
"""
STANDING = """
SELECT e.finding_key, e.explanation FROM ops.explanation e
WHERE e.finding_key = ANY (:keys) AND e.gone_at = 'infinity'
"""
GONE = """
UPDATE ops.explanation SET gone_at = greatest(cast(:now AS timestamptz), said_at + interval '1 microsecond')
WHERE finding_key = ANY (:keys) AND gone_at = 'infinity'
"""
SAY = """
INSERT INTO ops.explanation
    (region, form, sender, span, rule, finding_key, explanation, delivery_id, reading_id, said_at)
SELECT s.region, n.form, s.sender, n.span, n.rule, n.finding_key, n.explanation, :delivery_id, n.reading_id, :now
FROM jsonb_to_recordset(cast(:said AS jsonb)) AS n (
    form text, span text, rule text, finding_key text, explanation text, reading_id bigint)
JOIN ref.sender s ON s.sender = :sender
"""
NOTE = """
INSERT INTO ops.returned_receipt
    (delivery_id, sender, about_sha256, is_alone, is_foreign, taken, known, mended, astray, shortened, of_errors,
     recorded_at)
VALUES (:delivery_id, :sender, :about, :is_alone, :is_foreign, :taken, :known, :mended, :astray, :shortened,
        :of_errors, :now)
"""
# The reading that a receipt which came back says to answer, when its table says what that said: in force, or replaced.
ANSWERED_BY = """
SELECT DISTINCT ON (i.place) i.place, r.reading_id
FROM unnest(cast(:places AS integer[]), cast(:abouts AS text[]), cast(:slices AS text[]), cast(:facts AS text[]))
    AS i (place, about, slice, facts)
JOIN ops.delivery d ON d.sha256 = i.about
JOIN ops.reading r ON r.delivery_id = coalesce(d.same_as, d.delivery_id) AND r.slice = i.slice
    AND r.facts_digest = i.facts AND r.status IN ('current', 'superseded')
ORDER BY i.place, r.status, r.reading_id DESC
"""
NOTED = "SELECT EXISTS (SELECT FROM ops.returned_receipt e WHERE e.delivery_id = :delivery_id)"
SENDER_ASKED = """
SELECT max(r.sender) FROM ops.delivery d
JOIN ops.reading r ON r.delivery_id = coalesce(d.same_as, d.delivery_id)
WHERE d.sha256 = :about HAVING count(DISTINCT r.sender) = 1
"""
CAME_OF = """
SELECT delivery_id, is_foreign, taken, known, mended, astray, shortened, of_errors
FROM ops.returned_receipt WHERE delivery_id = ANY (:deliveries)
"""
UNANSWERED = """
SELECT e.delivery_id, d.sha256, d.file_name AS file, e.sender, d.sender_folder, e.is_foreign, e.taken, e.known,
    e.mended, e.astray, e.shortened, e.of_errors
FROM ops.returned_receipt e JOIN ops.delivery d ON d.delivery_id = e.delivery_id
WHERE e.is_alone AND e.answered_at IS NULL ORDER BY e.delivery_id
"""
ANSWERED = "UPDATE ops.returned_receipt SET answered_at = clock_timestamp() WHERE delivery_id = ANY (:deliveries)"
EXPLAINED = """
SELECT w.reading_id, w.finding_across_id, w.finding_key, e.explanation, e.said_at, c.decision, c.decided_at, c.reason,
    f.rule, f.severity, f.scope, f.sheet, f.cell, f.row_no, f.column_name, f.value, f.expected,
    cast(f.difference AS double precision) AS difference, f.message, f.row_key
FROM ops.warnings_of(:readings) w
LEFT JOIN ops.finding f ON f.finding_id = w.finding_id
LEFT JOIN ops.explanation e ON e.finding_key = w.finding_key AND e.gone_at = 'infinity'
LEFT JOIN LATERAL (
    SELECT o.decision, o.decided_at, o.reason FROM ops.explanation_decision o
    WHERE o.explanation_id = e.explanation_id ORDER BY o.decided_at DESC, o.decision_id DESC LIMIT 1
) c ON true
"""


@dataclass(frozen=True)
class Brought:
    """A receipt that came back: the delivery that it is, whose it is (None when nobody proves that), what it says."""

    delivery_id: int
    sender: str | None
    returned: Returned

    @property
    def place(self) -> str:
        """What one writer at a time may write."""
        return f"explanations/{self.sender}"


@dataclass(frozen=True)
class UnansweredReturn:
    """A receipt without a table that its sender has not been answered."""

    delivery_id: int
    sha256: str
    file: str
    sender: str | None
    folder: str | None
    came_of: CameOf


def take(connection: Connection, brought: Brought) -> bool:
    """Keep what a receipt says of findings of its sender, in the transaction of its delivery; says whether it was new.

    Its place is locked. A word that stands already changes nothing; another one takes its place, and waits for an
    officer.
    """
    asked: dict[str, object] = {"delivery_id": brought.delivery_id, "sender": brought.sender}
    if connection.scalar(text(NOTED), asked):
        return False
    returned, now = brought.returned, connection.scalar(text("SELECT ops.clock()"))
    asked |= {"about": returned.about, "now": now, "is_alone": returned.is_alone}
    candidates = connection.execute(text(CANDIDATES), asked).mappings().all()
    said = dict(returned.said)
    readings = [row["reading_id"] for row in candidates]
    found = connection.execute(text(FOUND), {"readings": readings, "keys": list(said)}).mappings().all()
    standing = dict(connection.execute(text(STANDING), {"keys": list(said)}).tuples().all())
    new = [row for row in found if standing.get(row["finding_key"]) != said[row["finding_key"]]]
    connection.execute(text(GONE), {"keys": [row["finding_key"] for row in new], "now": now})
    lines = [
        {name: row[name] for name in ("form", "span", "rule", "finding_key", "reading_id")}
        | {"explanation": said[row["finding_key"]]}
        for row in new
    ]
    connection.execute(text(SAY), asked | {"said": json.dumps(lines, ensure_ascii=False)})
    is_foreign = bool(said) and not found and not any(row["is_asked"] for row in candidates)
    counts = {
        "taken": len(new), "known": len(found) - len(new), "mended": sum(not row["holds"] for row in found),
        "astray": returned.astray + (0 if is_foreign else len(said) - len(found)), "shortened": returned.shortened,
        "of_errors": list(returned.of_errors),
    }  # fmt: skip
    connection.execute(text(NOTE), asked | counts | {"is_foreign": is_foreign})
    told = [row["reading_id"] for row in found]
    connection.execute(text(UNANSWER), {"readings": told})
    return True


def answered_by(connection: Connection, come: Sequence[tuple[Brought | None, str | None, str]]) -> dict[int, int]:
    """Of deliveries that come, each with its slice and the digest of its facts, by their places: which readings those
    answer that are receipts with explanations, and their tables as they were. Who explains sends no data, and an old
    receipt brings no old data back."""
    back = [
        (place, brought.returned.about, slice_, facts)
        for place, (brought, slice_, facts) in enumerate(come)
        if brought is not None and brought.returned.says_something
    ]
    if not back:
        return {}
    asked = dict(zip(("places", "abouts", "slices", "facts"), map(list, zip(*back, strict=True)), strict=True))
    return dict(connection.execute(text(ANSWERED_BY), asked).tuples().all())


def sender_asked(connection: Connection, about: str | None) -> str | None:
    """Whose file a receipt says to answer, where only one sender sent it: an operator who hands it in says no more."""
    return connection.scalar(text(SENDER_ASKED), {"about": about}) if about else None


def came_of(connection: Connection, delivery_ids: Collection[int]) -> dict[int, CameOf]:
    """Delivery → what came of the explanations that it brought back, for those that brought some."""
    if not delivery_ids:
        return {}
    rows = connection.execute(text(CAME_OF), {"deliveries": list(delivery_ids)}).mappings()
    return {row["delivery_id"]: _came_of(row) for row in rows}


def unanswered_returns(connection: Connection) -> list[UnansweredReturn]:
    """Receipts without a table that nobody has answered yet."""
    rows = connection.execute(text(UNANSWERED)).mappings()
    return [
        UnansweredReturn(
            row["delivery_id"], row["sha256"], row["file"], row["sender"], row["sender_folder"], _came_of(row)
        )
        for row in rows
    ]


def note_returns_answered(connection: Connection, deliveries: Collection[int]) -> None:
    """Record that answers are in the outbox."""
    connection.execute(text(ANSWERED), {"deliveries": list(deliveries)})


def _came_of(row: RowMapping) -> CameOf:
    return CameOf(
        row["is_foreign"], row["taken"], row["known"], row["mended"], row["astray"], row["shortened"],
        tuple(row["of_errors"]),
    )  # fmt: skip


def explained(connection: Connection, reading_ids: Collection[int]) -> dict[int, dict[Finding, Explained]]:
    """Reading id → its warnings that may be explained, each with what is said of it now."""
    rows = connection.execute(text(EXPLAINED), {"readings": list(reading_ids)}).mappings().all()
    across_ids = {row["finding_across_id"]: row for row in rows if row["finding_across_id"] is not None}
    told: dict[int, dict[Finding, Explained]] = {}
    for row in rows:
        if row["finding_across_id"] is None:
            found = Finding(
                row["rule"], row["severity"], row["scope"], row["sheet"], row["cell"], row["row_no"],
                row["column_name"], row["value"], row["expected"], row["difference"], row["message"], row["row_key"],
            )  # fmt: skip
            told.setdefault(row["reading_id"], {})[found] = _explained(row)
    if across_ids:
        by_id: dict[int, Finding] = {}
        said_across(connection, reading_ids, by_id=by_id)
        for number, found in by_id.items():
            if number in across_ids:
                row = across_ids[number]
                told.setdefault(row["reading_id"], {})[found] = _explained(row)
    return told


def _explained(row: RowMapping) -> Explained:
    decision: Decision | None = row["decision"]
    return Explained(row["finding_key"], row["explanation"], row["said_at"], decision, row["decided_at"], row["reason"])
