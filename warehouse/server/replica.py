"""A streaming replica that BI reads: whether it answers, whether it is one, and how far it is behind."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Literal

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError, OperationalError, ProgrammingError

# Whether something sends every role may see by the number of the process alone.
STATE = """
SELECT pg_is_in_recovery() AS is_standby, EXISTS (SELECT FROM pg_stat_wal_receiver WHERE pid IS NOT NULL) AS receives,
    cast(CASE WHEN pg_is_in_recovery() THEN pg_last_wal_receive_lsn() END AS text) AS received,
    extract(epoch FROM clock_timestamp() - pg_last_xact_replay_timestamp()) AS seconds
"""
WRITTEN = "SELECT cast(pg_current_wal_lsn() AS text)"
APPLIED = "SELECT NOT pg_is_in_recovery() OR pg_last_wal_replay_lsn() >= cast(:written AS pg_lsn)"
MISSING = "SELECT cast(pg_wal_lsn_diff(cast(:written AS pg_lsn), pg_last_wal_replay_lsn()) AS bigint)"
LOOK_SECONDS = 0.1
AT_ONCE_SECONDS = 2.0
"""What was written a standby has applied within so long, unless it is behind."""

NO_ANSWER = OperationalError
"""What is raised where a server does not answer."""
NOT_TOLD = DBAPIError
"""What is raised where it does not say what it was asked."""
NO_RIGHT = "42501"
State = Literal["follows", "behind", "promoted", "other_version", "refuses", "away"]


@dataclass(frozen=True)
class Replica:
    """What is known of a replica: its state, by how many seconds it is behind at most, and how many bytes of the log
    of the warehouse it has not applied; None where nobody knows."""

    state: State
    seconds: float | None = None
    missing: int | None = None

    @property
    def is_fit(self) -> bool:
        """Are its figures those of the warehouse?"""
        return self.state == "follows"


def state_of(error: DBAPIError) -> State:
    """How a replica stands that did not say what it was asked."""
    if not isinstance(error, ProgrammingError):
        return "away"
    return "refuses" if getattr(error.orig, "pgcode", None) == NO_RIGHT else "other_version"


def standing(connection: Connection, most_seconds: float, written: str | None) -> Replica:
    """How a replica that answers stands; behind is what is so by more than so many seconds, or by nobody knows what.

    `written` is how far the log of the warehouse has come, None where it does not answer. A standby that has applied
    that is not behind, however long ago the last change was; where nobody knows it, one that receives and has applied
    what it received. Any other is behind by the age of the last change that it has.
    """
    is_standby, receives, received, seconds = connection.execute(text(STATE)).one()
    if not is_standby:
        return Replica("promoted")
    wanted = written or (received if receives else None)
    if wanted and _applied(connection, wanted, AT_ONCE_SECONDS):
        return Replica("follows", 0.0, None if written is None else 0)
    lag = None if seconds is None else max(0.0, float(seconds))
    missing = None if written is None else int(connection.scalar(text(MISSING), {"written": written}) or 0)
    return Replica("behind" if lag is None or lag > most_seconds else "follows", lag, missing)


def written_by(warehouse: Engine) -> str:
    """How far the log of the warehouse has come."""
    with warehouse.connect() as connection:
        return str(connection.scalar(text(WRITTEN)))


def only_reads(connection: Connection) -> bool:
    """Is this a standby?"""
    return bool(connection.scalar(text("SELECT pg_is_in_recovery()")))


def caught_up(replica: Engine, warehouse: Engine, wait_seconds: float) -> bool:
    """Has a replica what the warehouse has written until now? Waits for it for so long."""
    written = written_by(warehouse)
    with replica.connect() as connection:
        return _applied(connection, written, wait_seconds)


def _applied(connection: Connection, written: str, wait_seconds: float) -> bool:
    """Has a standby applied what was written up to a place of the log? Waits for it for so long."""
    deadline = time.monotonic() + wait_seconds
    while not connection.scalar(text(APPLIED), {"written": written}):
        if time.monotonic() >= deadline:
            return False
        time.sleep(LOOK_SECONDS)
    return True
