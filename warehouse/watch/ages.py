"""How old what the warehouse says is: the last night, the last publication, the last export of each who owes one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from sqlalchemy import Connection, text
from sqlalchemy.exc import SQLAlchemyError

from warehouse.core.transaction import first_line
from warehouse.incidents.condition import conditions
from warehouse.schema.upgrade import MIGRATIONS, connect, target

CONNECT_SECONDS = 5
STATEMENT_SECONDS = 10
READING = (
    f"-c default_transaction_read_only=on -c statement_timeout={STATEMENT_SECONDS}s "
    f"-c lock_timeout={STATEMENT_SECONDS}s -c idle_in_transaction_session_timeout=60s"
)
REVISION = "SELECT max(version_num) FROM ops.alembic_version"
NIGHTS = """
SELECT n.run_id, n.state, n.started_at, n.finished_at, c.finished_at AS completed_at, c.as_of
FROM (SELECT 1) AS one
LEFT JOIN LATERAL (
    SELECT r.run_id, r.state, r.started_at, r.finished_at FROM ops.run r WHERE r.region = :region AND r.kind = 'nightly'
    ORDER BY r.run_id DESC LIMIT 1
) n ON true
LEFT JOIN LATERAL (
    SELECT r.finished_at, r.as_of FROM ops.run r
    WHERE r.region = :region AND r.kind = 'nightly' AND r.state LIKE 'completed%'
    ORDER BY r.run_id DESC LIMIT 1
) c ON true
"""
PUBLISHED = "SELECT max(published_at) FROM ops.publication WHERE region = :region"
EXPORTS = """
SELECT e.form, e.sender, cast(e.state ->> 'last' AS date) AS as_of, cast(e.details ->> 'days' AS integer) AS nights
FROM ({stale}) e ORDER BY e.form, e.sender
"""
STALE = "export_stale"
EVERY = -1
"""Older than this is every export."""


@dataclass(frozen=True)
class Export:
    """The last export that a sender owes every night: the day that it is for, None when there was none, and how many
    working days of this academic year have passed since."""

    form: str
    sender: str
    as_of: dt.date | None
    nights: int


@dataclass(frozen=True)
class Ages:
    """The newest nightly run of a region, the last one that was completed, and when its marts were published last; None
    is never."""

    run_id: int | None
    state: str | None
    started_at: dt.datetime | None
    completed_at: dt.datetime | None
    completed_for: dt.date | None
    published_at: dt.datetime | None
    exports: tuple[Export, ...]


class NoAnswer(Exception):
    """The database cannot be reached, or does not answer in time; the text is what it said, or the driver."""


@contextmanager
def only_looking(url: str) -> Iterator[Connection]:
    """A connection that changes nothing and waits for nothing long.

    Raises ValueError for a URL that is none of ours, and NoAnswer for whatever the database refuses within the block.
    """
    address = target(url)
    options = address.query.get("options", "")
    session_options = " ".join([options, READING] if isinstance(options, str) else [*options, READING]).strip()
    timeout = {} if "connect_timeout" in address.query else {"connect_timeout": str(CONNECT_SECONDS)}
    engine = connect(address.update_query_dict({"options": session_options, **timeout}))
    try:
        with engine.connect() as connection:
            yield connection
    except SQLAlchemyError as error:
        raise NoAnswer(first_line(error)) from error
    finally:
        engine.dispose()


def revision(connection: Connection) -> str | None:
    """The last migration of the warehouse; None when the database holds none."""
    if connection.scalar(text("SELECT to_regclass('ops.alembic_version')")) is None:
        return None
    number: str | None = connection.scalar(text(REVISION))
    return number


def newest_revision() -> str:
    """The last migration of this version of the code."""
    return max(path.name.split("_", 1)[0] for path in (MIGRATIONS / "versions").glob("[0-9]*.py"))


def ages(connection: Connection, region: str, today: dt.date) -> Ages:
    """How old everything of a region is; `today` counts the nights of exports."""
    night = connection.execute(text(NIGHTS), {"region": region}).mappings().one()
    stale = text(EXPORTS.format(stale=conditions()[STALE].select))
    exports = connection.execute(stale, {"region": region, "day": today, "nights": EVERY}).tuples()
    return Ages(
        run_id=night["run_id"],
        state=night["state"],
        started_at=night["started_at"],
        completed_at=night["completed_at"],
        completed_for=night["as_of"],
        published_at=connection.scalar(text(PUBLISHED), {"region": region}),
        exports=tuple(Export(*row) for row in exports),
    )
