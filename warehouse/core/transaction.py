"""A transaction as a unit of work: its end is known, and it is done again when it fell victim to others."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import ParamSpec, TypeVar

import psycopg2
from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import DBAPIError

LOG = logging.getLogger("profmin.warehouse")
P = ParamSpec("P")
T = TypeVar("T")

TRIES = 6
SHORTEST_PAUSE, LONGEST_PAUSE = 0.25, 8.0
LOCK_NOT_AVAILABLE = "55P03"
CONFLICTS = ("40001", "40P01", LOCK_NOT_AVAILABLE)
"""Serialization failure, deadlock, a lock that was not to be had in time: of two that met, one has to begin anew."""
GONE = ("08", "57P")
"""The connection is lost, or the server is going down or not up yet."""
STATUS = "SELECT pg_xact_status(cast(:number AS xid8))"
SECONDS_BETWEEN_LOOKS = 0.2


class GaveUp(Exception):
    """A unit of work met others, or lost its connection, as often as we were willing to try."""


def retried(work: Callable[P, T]) -> Callable[P, T]:
    """Let a function that does its work in one transaction try again, a few times and after a pause of random length.

    What it does outside of the transaction happens each time. Raises GaveUp with what the server said at last.
    """

    @wraps(work)
    def tried(*args: P.args, **kwargs: P.kwargs) -> T:
        for turn in range(1, TRIES + 1):
            try:
                return work(*args, **kwargs)
            except (DBAPIError, psycopg2.Error) as error:
                if not _is_passing(error):
                    raise
                if turn == TRIES:
                    raise GaveUp(f"{work.__name__}: {first_line(error)}; gave up after {TRIES} tries") from error
                LOG.info("%s: %s; try %d of %d failed", work.__name__, first_line(error), turn, TRIES)
            time.sleep(random.uniform(0, min(LONGEST_PAUSE, SHORTEST_PAUSE * 2**turn)))
        raise AssertionError("the last try returns or raises")

    return tried


def _is_passing(error: BaseException) -> bool:
    """Did a transaction fail by others or by its connection, and not by what it asked for?"""
    cause = getattr(error, "orig", error)
    if not isinstance(cause, psycopg2.Error):
        return False
    if cause.pgcode is not None:
        return cause.pgcode in CONFLICTS or cause.pgcode.startswith(GONE)
    # Without a code it is the driver that speaks: of a server that is not there, or, as another class, of a wrong call.
    lost = isinstance(cause, psycopg2.OperationalError | psycopg2.InterfaceError)
    return lost or type(cause) is psycopg2.DatabaseError


def first_line(error: BaseException) -> str:
    """The first line of what the server said; the lines after it may quote a row."""
    return str(getattr(error, "orig", error)).strip().split("\n", 1)[0]


def sqlstate(error: DBAPIError) -> str | None:
    """The five characters by which Postgres names an error; None when it was the driver's."""
    state: str | None = getattr(error.orig, "pgcode", None)
    return state


@contextmanager
def begun(connection: Connection) -> Iterator[Connection]:
    """A transaction of the connection, which passes as committed when it is, even if the answer to COMMIT was lost."""
    number = None
    try:
        with connection.begin():
            yield connection
            number = connection.scalar(text("SELECT cast(pg_current_xact_id() AS text)"))
    except DBAPIError:
        if number is None or not came_through(connection.engine, number):
            raise


@retried
def came_through(engine: Engine, number: str) -> bool:
    """Was a transaction committed whose connection was lost while it was being committed?"""
    while True:
        with engine.connect() as connection:
            status = connection.scalar(text(STATUS), {"number": number})
        if status != "in progress":
            return bool(status == "committed")
        time.sleep(SECONDS_BETWEEN_LOOKS)
