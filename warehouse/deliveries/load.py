"""Loading: a reading becomes rows of the warehouse as a whole, or leaves no trace."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path

from sqlalchemy import Engine, text

from contracts.reading import Reading, Stream
from warehouse.core.slices import LONGEST_WAIT, lock_slices
from warehouse.core.transaction import begun, retried
from warehouse.deliveries.arrivals import record_arrival
from warehouse.deliveries.digest import Digests, digests
from warehouse.deliveries.explanations import Brought, take
from warehouse.deliveries.reading_regions import regions_of
from warehouse.deliveries.received import finish_run, readings_of, start_run
from warehouse.deliveries.store import Incoming, LoadResult, repeated, reserve, store
from warehouse.deliveries.streamed import copy_stream

__all__ = [
    "LoadResult", "finish_run", "load", "load_many", "load_stream", "readings_of", "record_arrival", "start_run",
    "take_alone",
]  # fmt: skip

READINGS_A_TRANSACTION = 500


def load(
    engine: Engine,
    reading: Reading,
    delivery_id: int,
    contract_version: str,
    run_id: int | None = None,
    wait: dt.timedelta = LONGEST_WAIT,
) -> LoadResult:
    """Load one reading in one transaction; see `load_many`."""
    return load_many(engine, [(reading, delivery_id)], contract_version, run_id, wait)[0]


def load_many(
    engine: Engine,
    readings: Sequence[tuple[Reading, int]],
    contract_version: str,
    run_id: int | None = None,
    wait: dt.timedelta = LONGEST_WAIT,
    brought: Collection[Brought] = (),
) -> list[LoadResult]:
    """Load pairs of reading and delivery id; results in the same order.

    Each reading is compared with what its slice holds, replaces it as a whole, or is refused and replaces nothing.
    Several hundred readings share a transaction; those of one slice come one after the other as they were received,
    so that the outcome does not depend on the order of the argument. One that another run has stored meanwhile changes
    nothing. What deliveries among them `brought` back as receipts is kept in the transaction that stores them. Raises
    Timeout when somebody else writes one of the slices for longer than `wait`; GaveUp.
    """
    counts = counts_at(engine, [delivery_id for _, delivery_id in readings])

    def turn(place: int) -> tuple[dt.datetime, dt.date, int]:
        reading, delivery_id = readings[place]
        return counts[delivery_id], reading.as_of or dt.date.min, delivery_id

    order = sorted(range(len(readings)), key=turn)
    results: dict[int, LoadResult] = {}
    for start in range(0, len(order), READINGS_A_TRANSACTION):
        chunk = order[start : start + READINGS_A_TRANSACTION]
        hashes = digests([readings[place][0] for place in chunk])
        arrived = [
            (readings[place][0], digest, readings[place][1], counts[readings[place][1]])
            for place, digest in zip(chunk, hashes, strict=True)
        ]
        ids = {delivery_id for _, _, delivery_id, _ in arrived}
        of_chunk = {each.delivery_id: each for each in brought if each.delivery_id in ids}
        results |= zip(chunk, load_together(engine, arrived, contract_version, run_id, wait, of_chunk), strict=True)
    return [results[place] for place in range(len(readings))]


@retried
def load_together(
    engine: Engine,
    arrived: Sequence[tuple[Reading, Digests, int, dt.datetime]],
    contract_version: str,
    run_id: int | None,
    wait: dt.timedelta,
    brought: Mapping[int, Brought],
) -> list[LoadResult]:
    """Load readings, each with its digests, its delivery's id and its turn, in one transaction in this order."""
    with engine.connect() as connection, begun(connection):
        incoming = {
            place: Incoming(*arrival, reading_id, contract_version, run_id, brought.get(arrival[2]))
            for place, (arrival, reading_id) in enumerate(zip(arrived, reserve(connection, len(arrived)), strict=True))
        }
        places = [written(arrival, delivery_id) for arrival, _, delivery_id, _ in arrived]
        whose = regions_of(connection, [(delivery_id, arrival.sender) for arrival, _, delivery_id, _ in arrived])
        whose |= regions_of(connection, [(each.delivery_id, each.sender) for each in brought.values()])
        lock_slices(connection, [*places, *(each.place for each in brought.values())], whose, wait, run_id)
        results = repeated(connection, incoming)
        for wave in waves({place: arrival for place, arrival in incoming.items() if place not in results}):
            results |= zip(wave, store(connection, list(wave.values())), strict=True)
        for each in brought.values():
            take(connection, each)
    return [results[place] for place in range(len(arrived))]


@retried
def take_alone(engine: Engine, brought: Brought, run_id: int | None = None, wait: dt.timedelta = LONGEST_WAIT) -> bool:
    """Keep what a receipt without a table brings back; says whether it was new. Raises Timeout, GaveUp."""
    with engine.connect() as connection, begun(connection):
        whose = regions_of(connection, [(brought.delivery_id, brought.sender)])
        lock_slices(connection, [brought.place], whose, wait, run_id)
        return take(connection, brought)


def written(reading: Reading, delivery_id: int) -> str:
    """What one writer at a time may write: the slice, or the delivery when it is refused and is of none."""
    return reading.slice or f"delivery {delivery_id}"


def load_stream(
    engine: Engine,
    stream: Stream,
    delivery_id: int,
    contract_version: str,
    run_id: int | None = None,
    wait: dt.timedelta = LONGEST_WAIT,
    brought: Brought | None = None,
    aside: Path | None = None,
) -> LoadResult:
    """Load an export while it is being computed, in one transaction.

    The blocks of the stream go where its rows belong; its reading, available after the last block, is then loaded as
    any other. Rows of the export before lie in the folder `aside` meanwhile. Whatever fails on either side, nothing of
    it stays. A stream can be had only once, so to try again is the caller's. Raises Timeout when somebody else loads
    pupils of its sender, or writes its slice, for longer than `wait`.
    """
    turn = counts_at(engine, [delivery_id])[delivery_id]
    with engine.connect() as connection, begun(connection):
        copied = copy_stream(connection, stream, contract_version, wait, run_id, aside)
        reading = copied.reading
        places = [written(reading, delivery_id), *([brought.place] if brought else [])]
        whose = regions_of(connection, [(delivery_id, reading.sender)])
        lock_slices(connection, places, whose, wait, run_id)
        made = Incoming(reading, digests([reading])[0], delivery_id, turn, copied.reading_id, contract_version, run_id)
        earlier = repeated(connection, {0: made})
        result = earlier[0] if earlier else store(connection, [made])[0]
        is_new = not earlier and result.status != "same"
        copied.conclude(connection, keep=is_new and result.reading.verdict != "refused")
        if brought is not None:
            take(connection, brought)
    return result


def waves(incoming: dict[int, Incoming]) -> list[dict[int, Incoming]]:
    """Readings that may be stored together: no two of one slice, or of a form whose dates follow one another,
    as the later is compared with the earlier."""
    waves: list[dict[int, Incoming]] = []
    depth: dict[object, int] = {}
    for place, candidate in incoming.items():
        level = 0
        if candidate.reading.slice is not None:
            key = (
                (candidate.reading.form, candidate.reading.sender)
                if candidate.follows_a_date
                else candidate.reading.slice
            )
            level = depth.get(key, 0)
            depth[key] = level + 1
        if level == len(waves):
            waves.append({})
        waves[level][place] = candidate
    return waves


def counts_at(engine: Engine, delivery_ids: Sequence[int]) -> dict[int, dt.datetime]:
    """Delivery → its turn among deliveries. Raises KeyError for a delivery that was never recorded."""
    statement = text("SELECT delivery_id, counts_at FROM ops.delivery WHERE delivery_id = ANY (:deliveries)")
    with engine.connect() as connection:
        turns = dict(connection.execute(statement, {"deliveries": list(delivery_ids)}).tuples().all())
    if unknown := set(delivery_ids) - set(turns):
        raise KeyError(f"no such deliveries: {sorted(unknown)}; record_arrival comes first")
    return turns
