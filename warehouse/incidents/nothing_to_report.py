"""Statements that there is nothing to report: who said so, for which campaign, night, month or year, and until when."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, text

from contracts.regions import code_at
from warehouse.core.slices import LONGEST_WAIT, lock_slices

# Of what is owed every month the running one too, where the one that is over is not owed.
OWED = """
WITH whose AS MATERIALIZED (SELECT s.region FROM ref.sender s WHERE s.sender = :sender),
now AS MATERIALIZED (SELECT r.* FROM whose w CROSS JOIN LATERAL ref.roster_now(w.region, :day) r),
running AS (
    SELECT r.* FROM whose w
    CROSS JOIN LATERAL
        ref.roster_now(w.region, (date_trunc('month', cast(:day AS timestamp)) + interval '1 month')::date) r
    WHERE r.expected = 'month'
      AND NOT EXISTS (SELECT FROM now n WHERE n.form = r.form AND n.sender = r.sender)
)
SELECT o.form, f.title AS form_title, o.campaign, c.title AS campaign_title, o.expected, o.owed_from
FROM (SELECT * FROM now UNION ALL SELECT * FROM running) o
JOIN ref.form f ON f.form = o.form
LEFT JOIN ref.campaign c ON c.campaign = o.campaign AND c.region = (SELECT w.region FROM whose w)
WHERE o.sender = :sender AND o.deadline IS NOT NULL
  AND (cast(:campaign AS text) IS NULL OR o.campaign = :campaign)
ORDER BY o.form
"""
RUNS_ON = """
SELECT c.deadline FROM ref.campaign c JOIN ref.sender s ON s.region = c.region
WHERE c.campaign = :campaign AND s.sender = :sender
"""
SAME = """
n.form = :form AND n.sender = :sender
  AND n.campaign IS NOT DISTINCT FROM :campaign AND n.as_of IS NOT DISTINCT FROM :as_of
"""
IS_RECORDED = f"""
SELECT EXISTS (
    SELECT FROM ops.statement n
    WHERE {SAME}
      AND CASE WHEN cast(:delivery_id AS bigint) IS NOT NULL THEN n.delivery_id = :delivery_id
               ELSE n.withdrawn_at IS NULL AND (n.reason, n.stated_by) = (:reason, :stated_by) END
)
"""
SAME_WORDS = f"""
UPDATE ops.delivery d SET same_as = n.delivery_id
FROM ops.statement n JOIN ops.delivery e ON e.delivery_id = n.delivery_id
WHERE d.delivery_id = :delivery_id AND d.delivery_id <> e.delivery_id AND d.sha256 = e.sha256
  AND n.withdrawn_at IS NULL AND {SAME}
"""
WITHDRAW = f"""
UPDATE ops.statement n SET withdrawn_at = greatest(n.stated_at, :at), withdrawn_by = :by
WHERE {SAME} AND n.withdrawn_at IS NULL
"""
INSERT = """
INSERT INTO ops.statement
    (region, form, sender, campaign, as_of, reason, stated_by, stated_at, delivery_id, recorded_at)
SELECT s.region, :form, s.sender, :campaign, :as_of, :reason, :stated_by, :stated_at, :delivery_id, ops.clock()
FROM ref.sender s WHERE s.sender = :sender
"""
UNANSWERED = """
SELECT n.statement_id, n.form, f.title AS form_title, f.expected, n.sender, n.campaign, c.title AS campaign_title,
    n.as_of,
    n.reason, n.stated_at, d.sha256,
    d.file_name AS file
FROM ops.statement n
JOIN ref.form f ON f.form = n.form
JOIN ops.delivery d ON d.delivery_id = n.delivery_id
LEFT JOIN ref.campaign c ON c.region = n.region AND c.campaign = n.campaign
WHERE n.answered_at IS NULL ORDER BY n.statement_id
"""
ANSWERED = "UPDATE ops.statement SET answered_at = clock_timestamp() WHERE statement_id = ANY (:statements)"


@dataclass(frozen=True)
class Duty:
    """A form that a sender owes on a day: by campaign, or (`campaign` is None) by night, month or year, of which
    `owed_from` is the first day."""

    form: str
    form_title: str
    campaign: str | None
    campaign_title: str | None
    expected: str
    owed_from: dt.date


@dataclass(frozen=True)
class Statement:
    """There is nothing to report of a form, for a campaign, or for a night, month or year that `as_of` begins."""

    form: str
    sender: str
    campaign: str | None
    as_of: dt.date | None
    reason: str
    stated_by: str
    stated_at: dt.datetime
    delivery_id: int | None = None

    @property
    def slot(self) -> str:
        """The campaign, or the first day."""
        return self.campaign or str(self.as_of)

    @property
    def place(self) -> str:
        """What one writer at a time may write."""
        return f"statement/{self.form}/{self.sender}/{self.slot}"


@dataclass(frozen=True)
class Unanswered:
    """A statement by file that its sender has not been answered."""

    statement_id: int
    form: str
    form_title: str
    expected: str
    sender: str
    campaign: str | None
    campaign_title: str | None
    as_of: dt.date | None
    reason: str
    stated_at: dt.datetime
    sha256: str
    file: str | None


def duties(connection: Connection, sender: str, day: dt.date, campaign: str | None = None) -> list[Duty]:
    """The forms of a sender that can have nothing to report on a day, or for a campaign, whenever it runs."""
    if campaign is not None:
        day = connection.scalar(text(RUNS_ON), {"sender": sender, "campaign": campaign}) or day
    rows = connection.execute(text(OWED), {"sender": sender, "day": day, "campaign": campaign}).mappings()
    return [Duty(**row) for row in rows]


def duty_of_month(connection: Connection, sender: str, form: str, day: dt.date) -> Duty | None:
    """What a sender owes of a form for the month of a day; None for a month of which nothing is owed."""
    month = day.replace(day=1)
    after = (month + dt.timedelta(days=31)).replace(day=1)
    owed = duties(connection, sender, after)
    return next((duty for duty in owed if (duty.form, duty.owed_from) == (form, month)), None)


def record(
    connection: Connection,
    statements: Sequence[Statement],
    wait: dt.timedelta = LONGEST_WAIT,
    run_id: int | None = None,
) -> list[bool]:
    """Record statements, each in place of what stood before it; which of them are new.

    The same delivery changes nothing, withdrawn or not; the same words under another name, or of the same officer,
    change nothing while they stand. Raises Timeout when somebody publishes their region for longer than `wait`.
    """
    if not statements:
        return []
    whose = {code_at(statement.sender) for statement in statements}
    lock_slices(connection, sorted({statement.place for statement in statements}), whose, wait, run_id)
    return [_record_one(connection, statement) for statement in statements]


def _record_one(connection: Connection, statement: Statement) -> bool:
    """Record a statement; says whether it is new."""
    values = dict(vars(statement))
    if statement.delivery_id is not None and connection.execute(text(SAME_WORDS), values).rowcount:
        return False
    if connection.scalar(text(IS_RECORDED), values):
        return False
    connection.execute(text(WITHDRAW), {**values, "at": statement.stated_at, "by": statement.stated_by})
    connection.execute(text(INSERT), values)
    return True


def withdraw(
    connection: Connection, statement: Statement, by: str, now: dt.datetime, wait: dt.timedelta = LONGEST_WAIT
) -> bool:
    """Take a statement back; says whether there was one."""
    lock_slices(connection, [statement.place], [code_at(statement.sender)], wait)
    return connection.execute(text(WITHDRAW), {**vars(statement), "at": now, "by": by}).rowcount > 0


def unanswered(connection: Connection) -> list[Unanswered]:
    """Statements by file that nobody has answered yet."""
    return [Unanswered(**row) for row in connection.execute(text(UNANSWERED)).mappings()]


def note_answered(connection: Connection, statements: Collection[int]) -> None:
    """Record that answers are in the outbox."""
    connection.execute(text(ANSWERED), {"statements": list(statements)})
