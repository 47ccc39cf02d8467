"""Reading the past again: planning a backfill over archived bytes, and applying, reverting, cancelling it."""

from __future__ import annotations

import datetime as dt
import getpass
from collections.abc import Callable, Collection, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.reading import PupilStream, Reading
from flows.inbox import Arrival
from flows.opener import Opener
from flows.progress import report
from flows.reader import REGISTER_FORM, Known, batches, contract_version, first_looks, readings
from flows.settings import Settings
from flows.trouble import LOGGER, Fault
from transforms.interpret import Context
from warehouse.backfill import (
    apply,
    look_through,
    propose_pupils,
    propose_readings,
    revert,
    status_of,
    waiting,
)
from warehouse.comparison import affected_dates, compare
from warehouse.deliveries import archived, finish_run, start_run
from warehouse.publish import Published
from warehouse.query import register
from warehouse.requests import Refused, Request, open_backfill

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

Found = Reading | PupilStream | Fault
CHUNK = 400
"""Deliveries between two records of progress: what a plan that was interrupted reads again at most."""


def requested(forms: Sequence[str], senders: Sequence[str], since: dt.date, until: dt.date, reason: str) -> Request:
    """The request of whoever is logged in, under today's contracts."""
    return Request(getpass.getuser(), reason, tuple(forms), tuple(senders), since, until, contract_version())


def plan(engine: Engine, settings: Settings, request: Request) -> int:
    """Open a backfill and read its deliveries again; returns its id. Raises Refused."""
    backfill_id = open_backfill(engine, request)
    resume(engine, settings, backfill_id)
    return backfill_id


def resume(engine: Engine, settings: Settings, backfill_id: int) -> None:
    """Read what a plan has not read yet, then compare and store what would change. Raises Refused, Fault."""
    with engine.connect() as connection:
        status = status_of(connection, backfill_id)
        if status.status != "planning":
            raise Refused(f"backfill {backfill_id} is {status.status}; there is nothing left to plan")
        if status.contract_version != contract_version():
            raise Refused(f"the rules changed after backfill {backfill_id} was begun: cancel it and plan anew")
        work = waiting(connection, backfill_id)
    with run_of(engine, backfill_id, "backfill plan") as run_id:
        read_again(engine, settings, backfill_id, work, run_id)
        compare(engine, backfill_id)


@contextmanager
def run_of(engine: Engine, backfill_id: int, kind: str) -> Iterator[int]:
    """Record a run of a backfill, and how it ended."""
    with engine.begin() as connection:
        run_id = start_run(connection, kind, backfill_id=backfill_id)
    state = "failed"
    try:
        yield run_id
        state = "completed"
    finally:
        with engine.begin() as connection:
            finish_run(connection, run_id, state)


def read_again(engine: Engine, settings: Settings, backfill_id: int, work: Sequence[int], run_id: int) -> None:
    """Read archived deliveries, registers first, and propose what comes out otherwise."""
    kept = archived_arrivals(engine, settings, work)
    opener = Opener(settings)
    known = looked_at(list(kept.values()), settings, opener)
    ids = {arrival.sha256: delivery_id for delivery_id, arrival in kept.items()}
    done = 0
    for part in (
        [each for each in known if each.form == REGISTER_FORM],
        [each for each in known if each.form != REGISTER_FORM],
    ):
        for batch, found in read_ahead(part, engine, backfill_id, settings, opener):
            whole: list[tuple[Reading, int]] = []
            for arrival, reading in zip((each.arrival for each in batch), found, strict=True):
                if isinstance(reading, Fault):
                    raise reading
                if isinstance(reading, Reading):
                    whole.append((reading, ids[arrival.sha256]))
                else:
                    propose_pupils(engine, backfill_id, reading, ids[arrival.sha256], contract_version(), run_id)
            if whole:
                propose_readings(engine, backfill_id, whole, contract_version(), run_id)
            done += len(batch)
            report(done, len(known))


def looked_at(arrivals: Sequence[Arrival], settings: Settings, opener: Opener) -> list[Known]:
    """What each archived delivery is by today's contracts. Raises Fault."""
    context = Context(None, settings.pupil_key())
    found = []
    for known in first_looks(arrivals, context, opener):
        if isinstance(known, Fault):
            raise known
        found.append(known)
    return found


def read_ahead(
    known: Sequence[Known], engine: Engine, backfill_id: int, settings: Settings, opener: Opener
) -> Iterator[tuple[list[Known], Sequence[Found]]]:
    """Batches with their readings, several read at once and handed over in the order in which they were received."""
    contexts: dict[dt.date | None, Context] = {}

    def know(day: dt.date | None) -> None:
        if day not in contexts:
            with engine.connect() as connection:
                look_through(connection, backfill_id)
                schools = register(connection, day)
            contexts[day] = Context(None if schools.is_empty() else schools, settings.pupil_key())

    def read(batch: list[Known]) -> Sequence[Found]:
        return readings([each.arrival for each in batch], contexts[batch[0].as_of], opener)

    with ThreadPoolExecutor(settings.workers, thread_name_prefix="backfill") as pool:
        waiting_for: list[tuple[list[Known], Future[Sequence[Found]]]] = []
        for batch in batches(known, CHUNK):
            know(batch[0].as_of)
            waiting_for.append((batch, pool.submit(read, batch)))
            if len(waiting_for) > settings.workers:
                first, future = waiting_for.pop(0)
                yield first, future.result()
        for batch, future in waiting_for:
            yield batch, future.result()


def archived_arrivals(engine: Engine, settings: Settings, deliveries: Sequence[int]) -> dict[int, Arrival]:
    """Delivery id → its archived bytes. Raises Refused when bytes are gone."""
    with engine.connect() as connection:
        rows = archived(connection, deliveries)
    found = {row[0]: Arrival(row[1], row[6], row[2], row[3], row[4], settings.archive / Path(row[5])) for row in rows}
    gone = [arrival.file for arrival in found.values() if not arrival.path.exists()]
    if gone:
        raise Refused(f"the bytes of {len(gone)} deliveries are no longer in the archive, the first: {gone[0]}")
    return {delivery_id: found[delivery_id] for delivery_id in deliveries}


def dates_of(backfill_id: int) -> Callable[[Connection], Collection[dt.date]]:
    return lambda connection: affected_dates(connection, backfill_id)


def apply_backfill(engine: Engine, settings: Settings, backfill_id: int) -> list[Published]:
    """Make a plan current and publish. Raises Refused, Timeout."""
    with run_of(engine, backfill_id, "backfill apply") as run_id:
        return apply(
            engine, backfill_id, contract_version(), dates_of(backfill_id),
            oldest=dt.timedelta(days=settings.plan_days), wait=dt.timedelta(seconds=settings.lock_seconds),
            told=LOGGER.warning, run_id=run_id,
        )  # fmt: skip


def revert_backfill(engine: Engine, settings: Settings, backfill_id: int) -> list[Published]:
    """Bring back what was before an applied backfill, and publish. Raises Refused, Timeout."""
    with run_of(engine, backfill_id, "backfill revert") as run_id:
        return revert(
            engine, backfill_id, dates_of(backfill_id), wait=dt.timedelta(seconds=settings.lock_seconds),
            told=LOGGER.warning, run_id=run_id,
        )  # fmt: skip
