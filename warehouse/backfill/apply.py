"""Making what a backfill proposes current, taking that back, or dropping it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from contracts.form import Form
from contracts.forms import FORMS
from warehouse.backfill.proposals import alone
from warehouse.backfill.requests import Refused, lock_backfills
from warehouse.core.slices import publisher
from warehouse.core.transaction import retried
from warehouse.deliveries.judging import judge
from warehouse.deliveries.pupil_series import forget
from warehouse.marts.publication import Published, publish_within
from warehouse.schema.facts import fact_columns, fact_table

STATUS = """
SELECT region, status, contract_version, planned_at, applied_at, register_known_at
FROM ops.backfill WHERE backfill_id = :id
"""
TOUCHED = """
SELECT DISTINCT slice FROM ops.reading
WHERE slice IS NOT NULL AND (backfill_id = :id OR reading_id IN (
    SELECT reading_before FROM ops.backfill_delivery WHERE backfill_id = :id AND outcome = 'proposed'))
ORDER BY slice
"""
MOVED = """
SELECT DISTINCT coalesce(r.slice, 'delivery ' || left(d.sha256, 8)) FROM ops.reading r
JOIN ops.delivery d ON d.delivery_id = r.delivery_id
WHERE r.backfill_id IS DISTINCT FROM :id AND r.status <> 'proposed'
  AND (r.slice = ANY (:slices) OR r.delivery_id IN (
      SELECT delivery_id FROM ops.backfill_delivery WHERE backfill_id = :id AND outcome = 'proposed'))
  AND greatest(r.became_current_at, CASE WHEN r.status = 'reverted' THEN r.superseded_at END) > :since
ORDER BY 1
"""
# Proposals were read with the registers known when the request was made, unless it names another moment.
REGISTERS_MOVED = """
SELECT DISTINCT r.slice FROM ops.reading r JOIN ops.backfill b ON b.backfill_id = :id
WHERE r.region = b.region AND r.form = ANY (:registers) AND r.slice IS NOT NULL AND r.backfill_id IS DISTINCT FROM :id
  AND r.status <> 'proposed' AND b.register_known_at IS NULL
  AND greatest(r.became_current_at, CASE WHEN r.status = 'reverted' THEN r.superseded_at END) > b.requested_at
ORDER BY 1
"""
# What was taken back after a plan was made has moved; it does not stand on what is to be reverted.
INPUTS_MOVED = """
SELECT DISTINCT m.input || ' of ' || m.as_of FROM ops.backfill_input m
JOIN ops.backfill_input o ON o.as_of = m.as_of AND o.input_region = m.input_region AND o.input = m.input
    AND o.backfill_id <> m.backfill_id
JOIN ops.backfill b ON b.backfill_id = o.backfill_id
    AND b.region = (SELECT n.region FROM ops.backfill n WHERE n.backfill_id = m.backfill_id)
WHERE m.backfill_id = :id
  AND greatest(b.applied_at, CASE WHEN NOT :standing THEN b.reverted_at END) > :since
  AND (b.status = 'applied' OR NOT :standing)
ORDER BY 1
"""
# The receipt stays that of the reading before, as long as rules across forms say nothing else.
MAKE_KNOWN = """
UPDATE ops.reading r SET became_current_at = :now, superseded_at = :now, status = 'superseded', answered_at = (
    SELECT b.answered_at FROM ops.backfill_delivery o JOIN ops.reading b ON b.reading_id = o.reading_before
    WHERE o.backfill_id = :id AND o.delivery_id = r.delivery_id
)
WHERE r.backfill_id = :id AND r.status = 'proposed'
"""
SUPERSEDE_BEFORE = """
UPDATE ops.reading r SET status = 'superseded', superseded_at = :now, superseded_by = n.reading_id
FROM ops.backfill_delivery o JOIN ops.reading n ON n.delivery_id = o.delivery_id AND n.backfill_id = o.backfill_id
WHERE o.backfill_id = :id AND r.reading_id = o.reading_before AND r.status = 'current'
"""
# A receipt that was written anew in the meantime is written again.
UNANSWER_BEFORE = """
UPDATE ops.reading b SET answered_at = NULL
FROM ops.backfill_delivery o JOIN ops.reading n ON n.delivery_id = o.delivery_id AND n.backfill_id = o.backfill_id
WHERE o.backfill_id = :id AND b.reading_id = o.reading_before AND n.answered_at IS DISTINCT FROM b.answered_at
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
ORDER BY k.slice, k.counts_at DESC, k.as_of DESC, k.delivery_id DESC, k.reading_id DESC
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
# Who loads such a school at this moment holds its row; it is asked who uses it after they have finished.
HELD_SCHOOLS = """
SELECT school_id FROM ref.school_identity WHERE school_id IN (
    SELECT f.school_id FROM core.{table} f GROUP BY f.school_id HAVING bool_and(f.reading_id = ANY (:proposed)))
ORDER BY school_id FOR UPDATE
"""
UNUSED_SCHOOLS = """
DELETE FROM ref.school_identity i WHERE i.school_id = ANY (:schools) AND {unused}
"""
REGISTERS = [form for form in FORMS if form.defines_schools]
TABLES_OF_READINGS = (
    "ops.raw_row", "ops.finding", "core.control_total_fact", "core.school_outcome_fact", "core.pupil_journey",
)  # fmt: skip
TABLES_OF_PAIRS = ("core.pupil_flow", "core.pupil_comparison")
"""What was counted of a proposed export and another one, when the plan asked which figures would change."""


@retried
def apply(
    engine: Engine,
    backfill_id: int,
    contract_version: str,
    dates: Callable[[Connection], Collection[dt.date]],
    *,
    oldest: dt.timedelta,
    wait: dt.timedelta,
    on_wait: Callable[[str], None],
    approved_by: str,
    run_id: int | None = None,
) -> list[Published]:
    """Make a plan's readings current and publish `dates`, in one transaction.

    Raises Refused when the plan is not there to be applied, is older than `oldest`, was made by other rules, or when
    production has moved since; Timeout when a slice stays locked for longer than `wait`.
    """
    with locked(engine, backfill_id, wait, on_wait, run_id) as connection:
        plan = status_of(connection, backfill_id)
        if plan.status != "planned":
            raise Refused(f"backfill {backfill_id} is {plan.status}; only a planned one can be applied")
        if plan.contract_version != contract_version:
            raise Refused(f"the rules changed after backfill {backfill_id} was planned: cancel it and plan anew")
        now = connection.scalar(text("SELECT ops.clock()"))
        if now - plan.planned_at > oldest:
            raise Refused(
                f"the plan of backfill {backfill_id} is older than {oldest.days} days: cancel it and plan anew"
            )
        slices = touched(connection, backfill_id)
        registers = {"id": backfill_id, "registers": [form.name for form in REGISTERS]}
        moved = [*_moved_slices(connection, backfill_id, slices, plan.planned_at)]
        _refuse([*moved, *connection.scalars(text(REGISTERS_MOVED), registers)], "since the plan")
        parameters = {"id": backfill_id, "now": now}
        connection.execute(text(MAKE_KNOWN), parameters)
        connection.execute(text(SUPERSEDE_BEFORE), parameters)
        _settle(connection, backfill_id, slices, now)
        mark(connection, backfill_id, "applied", now)
        approved = {"id": backfill_id, "by": approved_by}
        connection.execute(text("UPDATE ops.backfill SET approved_by = :by WHERE backfill_id = :id"), approved)
        judge(connection, plan.region)
        return publish_within(connection, plan.region, dates(connection), run_id)


@retried
def revert(
    engine: Engine,
    backfill_id: int,
    dates: Callable[[Connection], Collection[dt.date]],
    *,
    wait: dt.timedelta,
    on_wait: Callable[[str], None],
    run_id: int | None = None,
) -> list[Published]:
    """Bring back what was current before a backfill was applied, and publish. Raises Refused, Timeout."""
    with locked(engine, backfill_id, wait, on_wait, run_id) as connection:
        plan = status_of(connection, backfill_id)
        if plan.status != "applied":
            raise Refused(f"backfill {backfill_id} is {plan.status}; only an applied one can be reverted")
        slices = touched(connection, backfill_id)
        moved = _moved_slices(connection, backfill_id, slices, plan.applied_at, standing=True)
        _refuse(moved, "since it was applied, and stands on it")
        days = dates(connection)
        now = connection.scalar(text("SELECT ops.clock()"))
        connection.execute(text(UNANSWER_BEFORE), {"id": backfill_id})
        connection.execute(text(UNDO), {"id": backfill_id, "now": now})
        _settle(connection, backfill_id, slices, now)
        mark(connection, backfill_id, "reverted", now)
        judge(connection, plan.region)
        return publish_within(connection, plan.region, days, run_id)


def cancel(engine: Engine, backfill_id: int) -> None:
    """Drop what a plan proposed, schools that only its registers named included; its record stays. Raises Refused."""
    with alone(engine, backfill_id), engine.begin() as connection:
        lock_backfills(connection, status_of(connection, backfill_id).region)
        plan = status_of(connection, backfill_id)
        if plan.status not in ("planning", "planned"):
            raise Refused(f"backfill {backfill_id} is {plan.status}; only one that is not applied can be cancelled")
        proposed = list(
            connection.scalars(text("SELECT reading_id FROM ops.reading WHERE backfill_id = :id"), {"id": backfill_id})
        )
        held = [
            school
            for form in REGISTERS
            for school in connection.scalars(text(HELD_SCHOOLS.format(table=fact_table(form))), {"proposed": proposed})
        ]
        forget(connection, proposed)
        for table in (*TABLES_OF_READINGS, *(f"core.{fact_table(form)}" for form in FORMS)):
            connection.execute(text(f"DELETE FROM {table} WHERE reading_id = ANY (:proposed)"), {"proposed": proposed})
        for table in TABLES_OF_PAIRS:
            pairs = f"DELETE FROM {table} WHERE reading_id = ANY (:proposed) OR before_reading_id = ANY (:proposed)"
            connection.execute(text(pairs), {"proposed": proposed})
        for table in ("ops.backfill_delivery", "ops.backfill_change", "ops.backfill_input", "ops.reading"):
            connection.execute(text(f"DELETE FROM {table} WHERE backfill_id = :id"), {"id": backfill_id})
        _drop_unused_schools(connection, held)
        mark(connection, backfill_id, "cancelled", connection.scalar(text("SELECT ops.clock()")))


def _drop_unused_schools(connection: Connection, schools: Collection[int]) -> None:
    """Take back the lasting ids of schools of which no fact speaks."""
    tables = ["core.school_outcome_fact", *(f"core.{fact_table(form)}" for form in FORMS if _speaks_of_schools(form))]
    unused = " AND ".join(f"NOT EXISTS (SELECT FROM {table} t WHERE t.school_id = i.school_id)" for table in tables)
    connection.execute(text(UNUSED_SCHOOLS.format(unused=unused)), {"schools": list(schools)})


def _speaks_of_schools(form: Form) -> bool:
    """Has the form's fact table a school in each row?"""
    return "school_id" in {column.name for column in fact_columns(form)}


@dataclass(frozen=True)
class Status:
    """What the record of a backfill says of its state. A moment that has not come is None in spite of its type: whoever
    asks for it has seen by `status` that it came."""

    region: str
    status: str
    contract_version: str
    planned_at: dt.datetime
    applied_at: dt.datetime
    register_known_at: dt.datetime | None


def status_of(connection: Connection, backfill_id: int) -> Status:
    """Raises Refused when there is no such backfill."""
    row = connection.execute(text(STATUS), {"id": backfill_id}).one_or_none()
    if row is None:
        raise Refused(f"there is no backfill {backfill_id}")
    return Status(*row)


def touched(connection: Connection, backfill_id: int) -> list[str]:
    """Slices that held a reading which the backfill replaces, or hold one that it proposes."""
    return list(connection.scalars(text(TOUCHED), {"id": backfill_id}))


def _moved_slices(
    connection: Connection, backfill_id: int, slices: Sequence[str], since: dt.datetime, *, standing: bool = False
) -> list[str]:
    """Slices, and inputs of dates, that somebody else has moved since a moment."""
    parameters = {"id": backfill_id, "slices": list(slices), "since": since, "standing": standing}
    return [place for statement in (MOVED, INPUTS_MOVED) for place in connection.scalars(text(statement), parameters)]


def _refuse(moved: Sequence[str], when: str) -> None:
    """Raises Refused when something has moved, with the first of it."""
    if moved:
        more = f" and {len(moved) - 5} more" if len(moved) > 5 else ""
        raise Refused(f"production has moved {when}: {', '.join(moved[:5])}{more}")


def _settle(connection: Connection, backfill_id: int, slices: Sequence[str], now: dt.datetime) -> None:
    """Let each slice hold the last reading of its newest delivery."""
    parameters = {"id": backfill_id, "slices": list(slices), "now": now}
    winners = list(connection.scalars(text(WINNERS), parameters))
    connection.execute(text(SETTLE_LOSERS), {**parameters, "winners": winners})
    last_refused = list(connection.scalars(text(LAST_REFUSED), parameters))
    connection.execute(text(SETTLE_WINNERS), {"winners": [*winners, *last_refused]})


def mark(connection: Connection, backfill_id: int, status: str, now: dt.datetime) -> None:
    """Record what became of a backfill (`planned`, `applied`, `reverted`, `cancelled`), and when."""
    statement = f"UPDATE ops.backfill SET status = :status, {status}_at = :now WHERE backfill_id = :id"
    connection.execute(text(statement), {"id": backfill_id, "status": status, "now": now})


@contextmanager
def locked(
    engine: Engine, backfill_id: int, wait: dt.timedelta, on_wait: Callable[[str], None], run_id: int | None
) -> Iterator[Connection]:
    """A transaction of its region's only publisher, who is also the only writer of the backfill's slices."""
    with engine.connect() as connection:
        region, slices = status_of(connection, backfill_id).region, touched(connection, backfill_id)
    with publisher(engine, region, slices, wait, on_wait, run_id) as connection:
        yield connection
