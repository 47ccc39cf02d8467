"""What a backfill proposes: readings of archived deliveries that say something else than before."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from contracts.reading import Reading, Stream
from warehouse.backfill.requests import Refused
from warehouse.core.transaction import begun, retried
from warehouse.deliveries.digest import digests
from warehouse.deliveries.load import counts_at, waves
from warehouse.deliveries.store import Incoming, propose, reserve
from warehouse.deliveries.streamed import copy_stream

ALONE = "SELECT pg_try_advisory_lock(hashtextextended('ops.backfill ' || :id, 0))"
FREE = "SELECT pg_advisory_unlock(hashtextextended('ops.backfill ' || :id, 0))"
WAITING = """
SELECT o.delivery_id FROM ops.backfill_delivery o JOIN ops.delivery d ON d.delivery_id = o.delivery_id
WHERE o.backfill_id = :id AND o.outcome = 'waiting'
ORDER BY d.counts_at, o.delivery_id
"""
DIGESTS = """
SELECT o.delivery_id, r.digest FROM ops.backfill_delivery o JOIN ops.reading r ON r.reading_id = o.reading_before
WHERE o.backfill_id = :id AND o.delivery_id = ANY (:deliveries)
"""
NOTE = """
UPDATE ops.backfill_delivery SET outcome = :outcome WHERE backfill_id = :id AND delivery_id = ANY (:deliveries)
"""


@contextmanager
def alone(engine: Engine, backfill_id: int) -> Iterator[None]:
    """Be the only one who plans or cancels a backfill; who is killed lets go. Raises Refused."""
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        if not connection.scalar(text(ALONE), {"id": backfill_id}):
            raise Refused(f"backfill {backfill_id} is being planned or cancelled by another process")
        try:
            yield
        finally:
            with suppress(DBAPIError):  # a connection that is lost holds nothing
                connection.execute(text(FREE), {"id": backfill_id})


def waiting(connection: Connection, backfill_id: int) -> list[int]:
    """Deliveries that the plan has not read again yet, in the order in which they were received."""
    return list(connection.scalars(text(WAITING), {"id": backfill_id}))


@retried
def propose_readings(
    engine: Engine, backfill_id: int, readings: Sequence[tuple[Reading, int]], contract_version: str, run_id: int | None
) -> int:
    """Store those of the readings that say something else than before; returns how many. One transaction."""
    deliveries = [delivery_id for _, delivery_id in readings]
    counts = counts_at(engine, deliveries)
    with engine.connect() as connection, begun(connection):
        look_through(connection, backfill_id)
        parameters = {"id": backfill_id, "deliveries": deliveries}
        before = dict(connection.execute(text(DIGESTS), parameters).tuples().all())
        changed = [
            (reading, hashes, delivery_id)
            for (reading, delivery_id), hashes in zip(
                readings, digests([reading for reading, _ in readings]), strict=True
            )
            if hashes.whole != before[delivery_id]
        ]
        changed.sort(key=lambda change: (counts[change[2]], change[0].as_of or dt.date.min, change[2]))
        incoming = {
            place: Incoming(reading, hashes, delivery_id, counts[delivery_id], reading_id, contract_version, run_id)
            for place, ((reading, hashes, delivery_id), reading_id) in enumerate(
                zip(changed, reserve(connection, len(changed)), strict=True)
            )
        }
        for wave in waves(incoming):
            propose(connection, list(wave.values()), backfill_id)
        proposed = [delivery_id for _, _, delivery_id in changed]
        _note(connection, backfill_id, "proposed", proposed)
        _note(connection, backfill_id, "same", set(deliveries) - set(proposed))
    return len(changed)


def propose_stream(
    engine: Engine,
    backfill_id: int,
    stream: Stream,
    delivery_id: int,
    contract_version: str,
    run_id: int | None,
    aside: Path | None = None,
) -> int:
    """Store an export's reading with its pupils, if it says something else than before; returns 1 or 0."""
    turn = counts_at(engine, [delivery_id])[delivery_id]
    connection = engine.connect()
    with connection, connection.begin() as transaction:
        look_through(connection, backfill_id)
        before = connection.execute(text(DIGESTS), {"id": backfill_id, "deliveries": [delivery_id]}).one()[1]
        copied = copy_stream(connection, stream, contract_version, run_id=run_id, aside=aside)
        reading = copied.reading
        (hashes,) = digests([reading])
        if hashes.whole == before:
            transaction.rollback()
        else:
            incoming = Incoming(reading, hashes, delivery_id, turn, copied.reading_id, contract_version, run_id)
            (result,) = propose(connection, [incoming], backfill_id)
            copied.conclude(connection, keep=result.reading.verdict != "refused")
            _note(connection, backfill_id, "proposed", [delivery_id])
            return 1
    with engine.begin() as connection:
        _note(connection, backfill_id, "same", [delivery_id])
    return 0


def _note(connection: Connection, backfill_id: int, outcome: str, deliveries: Collection[int]) -> None:
    """Record what the plan's look at deliveries yielded: `proposed` or `same`."""
    connection.execute(text(NOTE), {"id": backfill_id, "outcome": outcome, "deliveries": list(deliveries)})


def look_through(connection: Connection, backfill_id: int) -> None:
    """Until the transaction ends, see the warehouse as if the backfill were applied."""
    connection.execute(text("SELECT set_config('profmin.backfill', :id, true)"), {"id": str(backfill_id)})
