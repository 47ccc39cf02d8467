"""What a night costs the server, so that other work of the machine does not change it: seconds of a core, rows read of
each table, and at most how many locks and connections there were at once."""

from __future__ import annotations

import os
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import Engine, text

ROWS_READ = """
SELECT schemaname || '.' || relname, coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0) FROM pg_stat_user_tables
"""
AT_ONCE = """
SELECT (SELECT count(*) FROM pg_locks WHERE NOT fastpath) AS locks,
    (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend') AS connections
"""
ROOM = """
SELECT current_setting('max_locks_per_transaction')::integer
    * (current_setting('max_connections')::integer + current_setting('max_prepared_transactions')::integer) AS locks,
    current_setting('max_connections')::integer AS connections
"""
LOOK_SECONDS = 0.3
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass
class Cost:
    """What was done between two moments: seconds of a core of all processes of the server, rows read by table, the most
    locks in the shared table and the most connections that were seen at once, ours not counted."""

    seconds: float = 0
    rows: Counter[str] = field(default_factory=Counter)
    locks: int = 0
    connections: int = 0


@contextmanager
def costing(engine: Engine, pgdata: Path) -> Iterator[Cost]:
    """What the server does meanwhile; known when it is over."""
    cost, over = Cost(), threading.Event()

    def watch() -> None:
        with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
            while not over.wait(LOOK_SECONDS):
                seen = connection.execute(text(AT_ONCE)).one()
                cost.locks = max(cost.locks, seen.locks)
                cost.connections = max(cost.connections, seen.connections - 1)

    seconds, rows = server_seconds(pgdata), rows_read(engine)
    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield cost
    finally:
        over.set()
        watching.join()
        cost.seconds = server_seconds(pgdata) - seconds
        cost.rows = rows_read(engine)
        cost.rows.subtract(rows)


def rows_read(engine: Engine) -> Counter[str]:
    """Rows that have been read of each table since the server began to count."""
    with engine.connect() as connection:
        return Counter({name: int(count) for name, count in connection.execute(text(ROWS_READ)).tuples()})


def room(engine: Engine) -> tuple[int, int]:
    """For how many locks the shared table has room, and how many connections there may be."""
    with engine.connect() as connection:
        locks, connections = connection.execute(text(ROOM)).one()
        return int(locks), int(connections)


def server_seconds(pgdata: Path) -> float:
    """Seconds of a core that an embedded server and its processes have taken, with those that have ended."""
    postmaster = int((pgdata / "postmaster.pid").read_text().split()[0])
    ticks = sum(_times(postmaster)[1:])
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            parent, own, own_system, *_ = _times(int(place.name))
            ticks += own + own_system if parent == postmaster else 0
    return ticks / TICKS


def _times(process: int) -> tuple[int, ...]:
    """Of a process: its parent; ticks of itself in user and system, of its ended children in user and system."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return tuple(int(fields[place]) for place in (1, 11, 12, 13, 14))
