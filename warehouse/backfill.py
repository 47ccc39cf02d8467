"""Backfills: a recorded request to read deliveries again, the readings it proposes, and making them current or not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from contracts.forms import FORMS
from contracts.reading import PupilStream, Reading
from warehouse.copying import run_script
from warehouse.digest import digest
from warehouse.facts import fact_table
from warehouse.load import received_at, waves
from warehouse.publish import Published, be_the_publisher, publish_within
from warehouse.pupils import attach_pupils, copy_pupils
from warehouse.requests import Refused
from warehouse.slices import holding
from warehouse.storing import Incoming, propose, reserve

WAITING = """
SELECT o.delivery_id FROM ops.backfill_delivery o JOIN ops.delivery d ON d.delivery_id = o.delivery_id
WHERE o.backfill_id = :id AND o.outcome = 'waiting'
ORDER BY d.received_at, o.delivery_id
"""
DIGESTS = """
SELECT o.delivery_id, r.digest FROM ops.backfill_delivery o JOIN ops.reading r ON r.reading_id = o.reading_before
WHERE o.backfill_id = :id AND o.delivery_id = ANY (:deliveries)
"""
NOTE = """
UPDATE ops.backfill_delivery SET outcome = :outcome WHERE backfill_id = :id AND delivery_id = ANY (:deliveries)
"""
TOUCHED = """
SELECT DISTINCT slice FROM ops.reading
WHERE slice IS NOT NULL AND (backfill_id = :id OR reading_id IN (
    SELECT reading_before FROM ops.backfill_delivery WHERE backfill_id = :id AND outcome = 'proposed'))
ORDER BY slice
"""
MOVED = """
SELECT DISTINCT coalesce(r.slice, d.file_name) FROM ops.reading r
JOIN ops.delivery d ON d.delivery_id = r.delivery_id
WHERE r.backfill_id IS DISTINCT FROM :id AND r.status <> 'proposed'
  AND (r.slice = ANY (:slices) OR r.delivery_id IN (
      SELECT delivery_id FROM ops.backfill_delivery WHERE backfill_id = :id AND outcome = 'proposed'))
  AND greatest(r.became_current_at, CASE WHEN r.status = 'reverted' THEN r.superseded_at END) > :since
ORDER BY 1
"""
MAKE_KNOWN = """
UPDATE ops.reading SET became_current_at = :now, superseded_at = :now, status = 'superseded'
WHERE backfill_id = :id AND status = 'proposed'
"""
SUPERSEDE_BEFORE = """
UPDATE ops.reading r SET status = 'superseded', superseded_at = :now, superseded_by = n.reading_id
FROM ops.backfill_delivery o JOIN ops.reading n ON n.delivery_id = o.delivery_id AND n.backfill_id = o.backfill_id
WHERE o.backfill_id = :id AND r.reading_id = o.reading_before AND r.status = 'current'
"""
CONFIRM = """
UPDATE ops.reading r SET confirmed_version = b.contract_version
FROM ops.backfill_delivery o JOIN ops.backfill b ON b.backfill_id = o.backfill_id
WHERE o.backfill_id = :id AND o.outcome = 'same' AND r.reading_id = o.reading_before
"""
UNDO = """
UPDATE ops.reading SET status = 'reverted', superseded_at = :now, superseded_by = NULL
WHERE backfill_id = :id AND status IN ('current', 'superseded')
"""
# A slice holds the last reading of its newest delivery. A refused reading has no slice and is current when it is the
# last of its delivery.
SETTLE_LOSERS = """
UPDATE ops.reading r SET status = 'superseded', superseded_at = :now
WHERE r.slice = ANY (:slices) AND r.status = 'current' AND r.reading_id <> ALL (:winners)
"""
WINNERS = """
SELECT DISTINCT ON (k.slice) k.reading_id FROM ops.reading_known('infinity') k
WHERE k.slice = ANY (:slices)
ORDER BY k.slice, k.received_at DESC, k.as_of DESC, k.became_current_at DESC, k.reading_id DESC
"""
LAST_REFUSED = """
SELECT l.reading_id FROM (
    SELECT DISTINCT ON (r.delivery_id) r.* FROM ops.reading r
    JOIN ops.backfill_delivery o ON o.delivery_id = r.delivery_id AND o.backfill_id = :id AND o.outcome = 'proposed'
    WHERE r.status IN ('current', 'superseded')
    ORDER BY r.delivery_id, r.became_current_at DESC, r.reading_id DESC
) l WHERE l.slice IS NULL
"""
SETTLE_WINNERS = """
UPDATE ops.reading SET status = 'current', superseded_at = NULL, superseded_by = NULL
WHERE reading_id = ANY (:winners) AND status = 'superseded'
"""
PARTS = (
    "ops.raw_row", "ops.finding", "core.control_total_fact", "core.school_outcome_fact",
)  # fmt: skip


def waiting(connection: Connection, backfill_id: int) -> list[int]:
    """Deliveries that the plan has not read again yet, in the order in which they were received."""
    return list(connection.scalars(text(WAITING), {"id": backfill_id}))


def propose_readings(
    engine: Engine, backfill_id: int, readings: Sequence[tuple[Reading, int]], contract_version: str, run_id: int | None
) -> int:
    """Store those of the readings that say something else than before; returns how many. One transaction."""
    deliveries = [delivery_id for _, delivery_id in readings]
    received = received_at(engine, deliveries)
    with engine.begin() as connection:
        look_through(connection, backfill_id)
        asked = {"id": backfill_id, "deliveries": deliveries}
        before = dict(connection.execute(text(DIGESTS), asked).tuples().all())
        changed = [each for each in readings if digest(each[0]) != before[each[1]]]
        changed.sort(key=lambda each: (received[each[1]], each[0].as_of or dt.date.min))
        incoming = {
            place: Incoming(reading, delivery_id, received[delivery_id], reading_id, contract_version, run_id)
            for place, ((reading, delivery_id), reading_id) in enumerate(
                zip(changed, reserve(connection, len(changed)), strict=True)
            )
        }
        for wave in waves(incoming):
            propose(connection, list(wave.values()), backfill_id)
        proposed = [delivery_id for _, delivery_id in changed]
        note(connection, backfill_id, "proposed", proposed)
        note(connection, backfill_id, "same", [each for each in deliveries if each not in set(proposed)])
    return len(changed)


def propose_pupils(
    engine: Engine, backfill_id: int, stream: PupilStream, delivery_id: int, contract_version: str, run_id: int | None
) -> int:
    """Store an export's reading with its pupils, if it says something else than before; returns 1 or 0."""
    received = received_at(engine, [delivery_id])[delivery_id]
    connection = engine.connect()
    with connection, connection.begin() as transaction:
        look_through(connection, backfill_id)
        before = connection.execute(text(DIGESTS), {"id": backfill_id, "deliveries": [delivery_id]}).one()[1]
        (reading_id,) = reserve(connection, 1)
        copy_pupils(connection, reading_id, stream)
        reading = stream.reading()
        if digest(reading) == before:
            transaction.rollback()
        else:
            made = Incoming(reading, delivery_id, received, reading_id, contract_version, run_id)
            (result,) = propose(connection, [made], backfill_id)
            attach_pupils(connection, reading_id, keep=result.reading.verdict != "refused")
            note(connection, backfill_id, "proposed", [delivery_id])
            return 1
    with engine.begin() as connection:
        note(connection, backfill_id, "same", [delivery_id])
    return 0


def note(connection: Connection, backfill_id: int, outcome: str, deliveries: Collection[int]) -> None:
    connection.execute(text(NOTE), {"id": backfill_id, "outcome": outcome, "deliveries": list(deliveries)})


def look_through(connection: Connection, backfill_id: int) -> None:
    """Until the transaction ends, see the warehouse as if the backfill were applied."""
    connection.execute(text("SELECT set_config('profmin.backfill', :id, true)"), {"id": str(backfill_id)})


def apply(
    engine: Engine,
    backfill_id: int,
    contract_version: str,
    dates: Callable[[Connection], Collection[dt.date]],
    *,
    oldest: dt.timedelta,
    wait: dt.timedelta,
    told: Callable[[str], None],
    run_id: int | None = None,
) -> list[Published]:
    """Make a plan's readings current and publish `dates`, in one transaction.

    Raises Refused when the plan is not there to be applied, is older than `oldest`, was made by other rules, or when
    production has moved since; Timeout when a slice stays locked for longer than `wait`.
    """
    with locked(engine, backfill_id, wait, told) as connection:
        plan = status_of(connection, backfill_id)
        if plan.status != "planned":
            raise Refused(f"backfill {backfill_id} is {plan.status}; only a planned one can be applied")
        if plan.contract_version != contract_version:
            raise Refused(f"the rules changed after backfill {backfill_id} was planned: cancel it and plan anew")
        now = connection.scalar(text("SELECT clock_timestamp()"))
        if now - plan.planned_at > oldest:
            raise Refused(
                f"the plan of backfill {backfill_id} is older than {oldest.days} days: cancel it and plan anew"
            )
        slices = touched(connection, backfill_id)
        refuse_if_moved(connection, backfill_id, slices, plan.planned_at, "since the plan")
        asked = {"id": backfill_id, "now": now}
        connection.execute(text(MAKE_KNOWN), asked)
        connection.execute(text(SUPERSEDE_BEFORE), asked)
        connection.execute(text(CONFIRM), asked)
        settle(connection, backfill_id, slices, now)
        mark(connection, backfill_id, "applied", now)
        return publish_within(connection, dates(connection), run_id)


def revert(
    engine: Engine,
    backfill_id: int,
    dates: Callable[[Connection], Collection[dt.date]],
    *,
    wait: dt.timedelta,
    told: Callable[[str], None],
    run_id: int | None = None,
) -> list[Published]:
    """Bring back what was current before a backfill was applied, and publish. Raises Refused, Timeout."""
    with locked(engine, backfill_id, wait, told) as connection:
        plan = status_of(connection, backfill_id)
        if plan.status != "applied":
            raise Refused(f"backfill {backfill_id} is {plan.status}; only an applied one can be reverted")
        slices = touched(connection, backfill_id)
        refuse_if_moved(connection, backfill_id, slices, plan.applied_at, "since it was applied, and stands on it")
        found = dates(connection)
        now = connection.scalar(text("SELECT clock_timestamp()"))
        connection.execute(text(UNDO), {"id": backfill_id, "now": now})
        settle(connection, backfill_id, slices, now)
        mark(connection, backfill_id, "reverted", now)
        return publish_within(connection, found, run_id)


def cancel(engine: Engine, backfill_id: int) -> None:
    """Drop what a plan proposed; only its record stays. Raises Refused."""
    with engine.begin() as connection:
        run_script(connection, "LOCK TABLE ops.backfill IN SHARE ROW EXCLUSIVE MODE")
        plan = status_of(connection, backfill_id)
        if plan.status not in ("planning", "planned"):
            raise Refused(f"backfill {backfill_id} is {plan.status}; only one that is not applied can be cancelled")
        proposed = list(
            connection.scalars(text("SELECT reading_id FROM ops.reading WHERE backfill_id = :id"), {"id": backfill_id})
        )
        for table in (*PARTS, *(f"core.{fact_table(form)}" for form in FORMS)):
            connection.execute(text(f"DELETE FROM {table} WHERE reading_id = ANY (:proposed)"), {"proposed": proposed})
        for reading_id in proposed:
            run_script(connection, f"DROP TABLE IF EXISTS restricted.pupil_fact_{reading_id}")
        for table in ("ops.backfill_delivery", "ops.backfill_change", "ops.reading"):
            connection.execute(text(f"DELETE FROM {table} WHERE backfill_id = :id"), {"id": backfill_id})
        mark(connection, backfill_id, "cancelled", connection.scalar(text("SELECT clock_timestamp()")))


@dataclass(frozen=True)
class Status:
    status: str
    contract_version: str
    planned_at: dt.datetime
    applied_at: dt.datetime


def status_of(connection: Connection, backfill_id: int) -> Status:
    """Raises Refused when there is no such backfill."""
    statement = "SELECT status, contract_version, planned_at, applied_at FROM ops.backfill WHERE backfill_id = :id"
    found = connection.execute(text(statement), {"id": backfill_id}).one_or_none()
    if found is None:
        raise Refused(f"there is no backfill {backfill_id}")
    return Status(*found)


def touched(connection: Connection, backfill_id: int) -> list[str]:
    """Slices that held a reading which the backfill replaces, or hold one that it proposes."""
    return list(connection.scalars(text(TOUCHED), {"id": backfill_id}))


def refuse_if_moved(
    connection: Connection, backfill_id: int, slices: Sequence[str], since: dt.datetime, when: str
) -> None:
    asked = {"id": backfill_id, "slices": list(slices), "since": since}
    moved = list(connection.scalars(text(MOVED), asked))
    if moved:
        more = f" and {len(moved) - 5} more" if len(moved) > 5 else ""
        raise Refused(f"production has moved {when}: {', '.join(moved[:5])}{more}")


def settle(connection: Connection, backfill_id: int, slices: Sequence[str], now: dt.datetime) -> None:
    """Let each slice hold the last reading of its newest delivery."""
    asked: dict[str, object] = {"id": backfill_id, "slices": list(slices), "now": now}
    winners = list(connection.scalars(text(WINNERS), asked))
    connection.execute(text(SETTLE_LOSERS), {**asked, "winners": winners})
    last_refused = list(connection.scalars(text(LAST_REFUSED), asked))
    connection.execute(text(SETTLE_WINNERS), {"winners": [*winners, *last_refused]})


def mark(connection: Connection, backfill_id: int, status: str, now: dt.datetime) -> None:
    statement = f"UPDATE ops.backfill SET status = :status, {status}_at = :now WHERE backfill_id = :id"
    connection.execute(text(statement), {"id": backfill_id, "status": status, "now": now})


@contextmanager
def locked(engine: Engine, backfill_id: int, wait: dt.timedelta, told: Callable[[str], None]) -> Iterator[Connection]:
    """A transaction of the only publisher, who is also the only writer of the backfill's slices."""
    with engine.connect() as connection:
        slices = touched(connection, backfill_id)
        connection.rollback()
        with holding(connection, slices, wait, told):
            connection.execution_options(isolation_level="REPEATABLE READ")
            with connection.begin():
                run_script(connection, f"SET LOCAL lock_timeout = {int(wait.total_seconds() * 1000)}")
                be_the_publisher(connection)
                yield connection
