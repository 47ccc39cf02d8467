"""Dump and restore of the warehouse's database by Postgres's own programs."""

from __future__ import annotations

import datetime as dt
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from warehouse.server.clients import programs_for, run, run_script, server_of, version_of

DELIVERIES = "SELECT d.sha256, d.byte_size, d.archive_path FROM ops.delivery d {less} ORDER BY d.delivery_id"
NOT_DESTROYED = "WHERE NOT EXISTS (SELECT FROM ops.purged p WHERE p.delivery_id = d.delivery_id)"
# Whoever restores has to bring views, reference data and grants up to date anew: roles are not in a dump.
FORGET = "DELETE FROM ops.applied WHERE name = 'schema'"


@dataclass(frozen=True)
class ArchivedDelivery:
    """The bytes of a delivery in the archive."""

    sha256: str
    byte_size: int
    archive_path: str


@dataclass(frozen=True)
class Snapshot:
    """What the warehouse holds at one moment; `name` lets other sessions see the same, `connection` sees it."""

    name: str
    revision: str
    deliveries: tuple[ArchivedDelivery, ...]
    connection: Connection


@contextmanager
def snapshot(engine: Engine) -> Iterator[Snapshot]:
    """A snapshot that other sessions can use until the block ends. Deliveries that were destroyed have no bytes."""
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
        connection.execute(text("SET TRANSACTION READ ONLY"))
        name = connection.execute(text("SELECT pg_export_snapshot()")).scalar_one()
        revision = connection.execute(text("SELECT max(version_num) FROM ops.alembic_version")).scalar_one()
        # A backup is taken before an upgrade too: of a warehouse that knows nothing of purges yet.
        knows_purges = connection.scalar(text("SELECT to_regclass('ops.purged')")) is not None
        statement = DELIVERIES.format(less=NOT_DESTROYED if knows_purges else "")
        deliveries = tuple(ArchivedDelivery(row[0], row[1], row[2]) for row in connection.execute(text(statement)))
        yield Snapshot(name, revision, deliveries, connection)


def dump(engine: Engine, snapshot_name: str, file: Path, wait: dt.timedelta) -> None:
    """Write the database as a snapshot saw it into a file of pg_dump's custom format.

    Raises ServerError, also when somebody changes a table for longer than we wait.
    """
    arguments = ["--format=custom", f"--snapshot={snapshot_name}", f"--file={file}", "--no-owner", "--no-privileges"]
    arguments.append(f"--lock-wait-timeout={round(wait.total_seconds() * 1000)}")
    run("pg_dump", engine, arguments)


def restore(engine: Engine, file: Path) -> None:
    """Fill an empty database from a dump, wholly or not at all. Raises ServerError."""
    arguments = ["--no-owner", "--no-privileges", str(file)]
    server = server_of(engine)
    program = _reader_of(file, programs_for("pg_restore", server))
    if version_of(program) > server.major:
        run_script(engine, [program, "--file=-", *arguments])
    else:
        run("pg_restore", engine, ["--exit-on-error", "--single-transaction", *arguments])
    with engine.begin() as connection:
        connection.execute(text(FORGET))


def _reader_of(file: Path, programs: Sequence[Path]) -> Path:
    """The first program that can read the dump: one of a newer server may have written it. Else the last, which then
    says what is wrong with it."""
    for program in programs[:-1]:
        if subprocess.run([program, "--list", file], capture_output=True, check=False).returncode == 0:
            return program
    return programs[-1]


def take_statistics(engine: Engine) -> None:
    """Let the planner know what the tables hold: it is not in a dump, and without it the first publication of a
    restored warehouse takes many times as long."""
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))


def is_empty(connection: Connection) -> bool:
    """Has the database no warehouse?"""
    statement = (
        "SELECT count(*) FROM pg_namespace WHERE nspname IN ('ref', 'ops', 'core', 'mart', 'history', 'restricted')"
    )
    return not connection.scalar(text(statement))
