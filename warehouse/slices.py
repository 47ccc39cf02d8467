"""One writer a slice: waiting for it, saying for what, and giving up."""

from __future__ import annotations

import datetime as dt
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from sqlalchemy import Connection, text

KEYS = """
SELECT DISTINCT ON (key) key, slice
FROM (SELECT hashtextextended(slice, 0) AS key, slice FROM unnest(cast(:slices AS text[])) slice) AS keys
ORDER BY key
"""
TAKE = "SELECT pg_try_advisory_lock(:key)"
HOLDERS = """
SELECT coalesce(nullif(a.application_name, ''), 'a connection') || ', process ' || l.pid
FROM pg_locks l JOIN pg_stat_activity a ON a.pid = l.pid
WHERE l.locktype = 'advisory' AND l.granted AND l.objsubid = 1
  AND ((l.classid::bigint << 32) | l.objid::bigint) = :key
LIMIT 1
"""
SECONDS_BETWEEN_TRIES = 0.2


class Timeout(Exception):
    """Somebody else wrote a slice for longer than we were willing to wait."""


@contextmanager
def holding(
    connection: Connection, slices: Sequence[str], wait: dt.timedelta, told: Callable[[str], None]
) -> Iterator[None]:
    """Be the only writer of slices, across transactions of the connection. Raises Timeout.

    `told` hears once for each slice that has to be waited for who holds it. The locks are taken before a transaction
    begins, so that its snapshot sees what the writer before has done.
    """
    connection.execution_options(isolation_level="AUTOCOMMIT")
    patience = time.monotonic() + wait.total_seconds()
    try:
        for key, slice_ in connection.execute(text(KEYS), {"slices": list(slices)}).all():
            waits = False
            while not connection.scalar(text(TAKE), {"key": key}):
                holder = connection.scalar(text(HOLDERS), {"key": key})
                if time.monotonic() > patience:
                    raise Timeout(f"{slice_} is being written by {holder or 'somebody else'}; gave up after {wait}")
                if not waits:
                    told(f"waiting for {slice_}, which is being written by {holder or 'somebody else'}")
                waits = True
                time.sleep(SECONDS_BETWEEN_TRIES)
        connection.commit()
        yield
    finally:
        connection.rollback()
        connection.execution_options(isolation_level="AUTOCOMMIT")
        connection.execute(text("SELECT pg_advisory_unlock_all()"))
