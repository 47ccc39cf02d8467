"""One writer a slice and one publisher a region: waiting for the other one, saying for whom, and giving up."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import contextmanager
from typing import Literal

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

from warehouse.core.transaction import LOCK_NOT_AVAILABLE, LOG, begun, sqlstate

LONGEST_WAIT = dt.timedelta(minutes=5)
PUBLICATION = "the publication of marts"
"""Of a region: locked like a slice, and after all slices: who publishes has nothing left to wait for.

Loaders of the region share it. A reading that became current while its marts were built would carry a time before
theirs without being in them, and nobody would publish it afterwards. Of another region's readings they say nothing.
"""

# Always in one order, so that nobody deadlocks.
KEYS = """
SELECT hashtextextended(slice, 0) AS key, slice FROM unnest(cast(:slices AS text[])) AS slice
GROUP BY slice ORDER BY slice = ANY (:last), key, slice
"""
# In the order given, and no further than the first that is not free.
TAKE = """
WITH RECURSIVE taken (place, got) AS (
    SELECT 1, pg_try_advisory_{kind}((cast(:keys AS bigint[]))[1])
    UNION ALL
    SELECT place + 1, pg_try_advisory_{kind}((cast(:keys AS bigint[]))[place + 1])
    FROM taken WHERE got AND place < cardinality(cast(:keys AS bigint[]))
)
SELECT count(*) FROM taken WHERE got
"""
WAIT = "SELECT pg_advisory_{kind}(:key)"
PATIENCE = "SELECT set_config('lock_timeout', :milliseconds, true)"
HOLDER = """
SELECT coalesce(nullif(a.application_name, ''), 'a connection') || ', process ' || l.pid
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND l.database = (SELECT oid FROM pg_database WHERE datname = current_database())
  AND ((l.classid::bigint << 32) | l.objid::bigint) = :key
LIMIT 1
"""
INTRODUCE = """
SELECT set_config('application_name', format('profmin %s, run %s', concat_ws(' ', kind, backfill_id), run_id), :local)
FROM ops.run WHERE run_id = :run_id
"""
Kind = Literal["lock", "xact_lock", "xact_lock_shared"]
"""Until the session ends, until the transaction does, and the same together with others who do not publish."""


class Timeout(Exception):
    """Somebody else wrote a slice, or published, for longer than we were willing to wait."""


def lock_slices(
    connection: Connection,
    slices: Sequence[str],
    regions: Collection[str | None],
    wait: dt.timedelta = LONGEST_WAIT,
    run_id: int | None = None,
) -> None:
    """Be the only writer of slices until the transaction ends, and let nobody publish their regions meanwhile.

    What is of no region is in nobody's marts. Raises Timeout.

    The log hears for which slice we wait and who holds it; others that wait for us hear of the run.
    """
    deadline = time.monotonic() + wait.total_seconds()
    _introduce(connection, run_id, local=True)
    _take(connection, slices, "xact_lock", deadline, LOG.warning)
    _take(connection, publications(regions), "xact_lock_shared", deadline, LOG.warning)


def publications(regions: Collection[str | None]) -> list[str]:
    """What is locked of the publications of regions."""
    return [f"{PUBLICATION} of {region}" for region in sorted({region for region in regions if region is not None})]


def lock_names(
    connection: Connection, names: Sequence[str], wait: dt.timedelta = LONGEST_WAIT, run_id: int | None = None
) -> None:
    """Be the only one who writes what is named so until the transaction ends; marts may be published. Raises Timeout.

    Taken before slices, never after.
    """
    _introduce(connection, run_id, local=True)
    _take(connection, names, "xact_lock", time.monotonic() + wait.total_seconds(), LOG.warning)


@contextmanager
def holding(
    engine: Engine,
    slices: Sequence[str],
    wait: dt.timedelta = LONGEST_WAIT,
    on_wait: Callable[[str], None] = LOG.warning,
    run_id: int | None = None,
    last: Sequence[str] = (),
) -> Iterator[Connection]:
    """A connection that is the only writer of slices, across its transactions. Raises Timeout.

    So a snapshot can be taken that sees what whoever held them before has done. `on_wait` is told for what we wait and
    who holds it. Those named as `last` are taken after all others.
    """
    with engine.connect() as connection:
        try:
            with connection.begin():
                _introduce(connection, run_id, local=False)
                _take(connection, [*slices, *last], "lock", time.monotonic() + wait.total_seconds(), on_wait, last)
            yield connection
        finally:
            connection.invalidate()  # closed for good, whatever has happened, and the locks are gone with it


@contextmanager
def publisher(
    engine: Engine,
    region: str,
    slices: Sequence[str] = (),
    wait: dt.timedelta = LONGEST_WAIT,
    on_wait: Callable[[str], None] = LOG.warning,
    run_id: int | None = None,
) -> Iterator[Connection]:
    """A REPEATABLE READ transaction of a region's only publisher, who is also the only writer of slices.

    Raises Timeout.
    """
    with holding(engine, slices, wait, on_wait, run_id, publications([region])) as connection:
        connection.execution_options(isolation_level="REPEATABLE READ")
        with begun(connection):
            yield connection


def _introduce(connection: Connection, run_id: int | None, *, local: bool) -> None:
    """Let whoever waits for us see which run it waits for, until the transaction (`local`) or the session ends."""
    if run_id is None:  # a backup before an upgrade asks a warehouse whose runs have other columns
        return
    connection.execute(text(INTRODUCE), {"run_id": run_id, "local": local})


def _take(
    connection: Connection,
    slices: Sequence[str],
    kind: Kind,
    deadline: float,
    on_wait: Callable[[str], None],
    last: Sequence[str] = (),
) -> None:
    """Take the locks of slices in their one order, waiting until `deadline` (of `time.monotonic`). Raises Timeout."""
    waiting = connection.execute(text(KEYS), {"slices": list(slices), "last": list(last)}).tuples().all()
    while waiting:
        taken = connection.scalar(text(TAKE.format(kind=kind)), {"keys": [key for key, _ in waiting]})
        waiting = waiting[taken:]
        if waiting:
            (key, slice_), *waiting = waiting
            _wait_for(connection, key, slice_, WAIT.format(kind=kind), deadline, on_wait)


def _wait_for(
    connection: Connection, key: int, slice_: str, statement: str, deadline: float, on_wait: Callable[[str], None]
) -> None:
    """Take one lock that somebody holds."""
    if held_by := _holder(connection, key):  # nobody, when it was let go of at this moment
        on_wait(f"waiting for {slice_}, held by {held_by}")
    began = time.monotonic()
    left = max(1, round((deadline - began) * 1000))
    try:
        with connection.begin_nested():
            patience = connection.scalar(text("SELECT current_setting('lock_timeout')"))
            connection.execute(text(PATIENCE), {"milliseconds": str(left)})
            connection.execute(text(statement), {"key": key})
            connection.execute(text(PATIENCE), {"milliseconds": patience})
    except DBAPIError as error:
        if sqlstate(error) != LOCK_NOT_AVAILABLE:
            raise
        waited = f"{time.monotonic() - began:.0f} s"
        held_by = _holder(connection, key) or held_by
        raise Timeout(f"waited {waited} for {slice_}, held by {held_by}, and gave up") from None


def _holder(connection: Connection, key: int) -> str | None:
    """Program and process of who holds a lock; None when nobody does."""
    name: str | None = connection.scalar(text(HOLDER), {"key": key})
    return name
