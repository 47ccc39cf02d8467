"""Publishing: marts are built aside, audited, and swapped in together, or yesterday's stay."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Connection, Engine, text

from warehouse.copying import run_script
from warehouse.mart import Mart, marts, views

CHECKS = Path(__file__).parent / "checks"
EVERYTHING = "infinity"
"""Publishing uses all that is known: `known_at` of the rows says what that was."""

# The first statement, because LOCK TABLE takes no snapshot: who waited here sees what the publisher before has done.
ONE_PUBLISHER = "LOCK TABLE ops.publication IN SHARE ROW EXCLUSIVE MODE"
SHAPE = """
SELECT a.attname, format_type(a.atttypid, a.atttypmod) FROM pg_attribute a
WHERE a.attrelid = to_regclass(:relation) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attnum
"""
APPLIED = "SELECT fingerprint FROM ops.applied WHERE name = :name"
RECORD = """
INSERT INTO ops.applied (name, fingerprint) VALUES (:name, :fingerprint)
ON CONFLICT (name) DO UPDATE SET fingerprint = excluded.fingerprint, applied_at = clock_timestamp()
"""
PUBLISHED = "INSERT INTO ops.publication (as_of, known_at, run_id) VALUES (:as_of, :known_at, :run_id)"
SHOWN_WRONG_ROWS = 5


@dataclass(frozen=True)
class Published:
    """One mart on one date, with how many rows."""

    mart: str
    as_of: dt.date
    rows: int


class AuditFailed(Exception):
    """A check found wrong rows in the marts to be published; `rows` are the first of them. Nothing was replaced."""

    def __init__(self, check: str, rows: Sequence[dict[str, object]]) -> None:
        super().__init__(f"check {check} found wrong rows, the published marts stay as they were: {rows}")
        self.check = check
        self.rows = rows


def publish(engine: Engine, as_of_dates: Collection[dt.date], run_id: int | None = None) -> list[Published]:
    """Publish every mart for these dates; returns what was published.

    All of it is one transaction on one snapshot: a reader sees the marts of before or the marts of after. When a mart
    has got other columns, the dates published so far are published again with it. Raises AuditFailed.
    """
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
        run_script(connection, ONE_PUBLISHER)
        dates = sorted(set(as_of_dates))
        for mart in marts():
            build(connection, mart, dates)
        if any(is_reshaped(connection, mart) for mart in marts()):
            earlier = sorted(set(published_dates(connection)) - set(dates))
            for mart in marts():
                build(connection, mart, earlier)
            dates = sorted({*dates, *earlier})
        audit(connection)
        prepare(connection)
        return [published for day in dates for published in swap(connection, day, run_id)]


def published_dates(connection: Connection) -> list[dt.date]:
    """Every as-of date that was ever published, in order."""
    return list(connection.scalars(text("SELECT DISTINCT as_of FROM ops.publication ORDER BY as_of")))


def build(connection: Connection, mart: Mart, dates: Sequence[dt.date]) -> None:
    """Put the rows of these dates aside, into a temporary table that has the mart's name."""
    for day in dates:
        exists = connection.scalar(text("SELECT to_regclass(:aside)"), {"aside": f"pg_temp.{mart.name}"})
        begin = f"INSERT INTO pg_temp.{mart.name}" if exists else f"CREATE TEMP TABLE {mart.name} ON COMMIT DROP AS"
        connection.execute(text(f"{begin}\n{mart.select}"), {"as_of": day, "known_at": EVERYTHING})


def audit(connection: Connection) -> None:
    """Run every check on the rows put aside. Raises AuditFailed at the first that finds a row."""
    for path in sorted(CHECKS.glob("*.sql")):
        wrong = connection.execute(text(path.read_text(encoding="utf-8")), {"known_at": EVERYTHING})
        if rows := wrong.mappings().fetchmany(SHOWN_WRONG_ROWS):
            raise AuditFailed(path.stem, [dict(row) for row in rows])


def prepare(connection: Connection) -> None:
    """Make the tables and views that are missing or whose SELECT yields other columns; comment what changed."""
    reshaped = [mart for mart in marts() if shape(connection, mart.table) != shape(connection, f"pg_temp.{mart.name}")]
    if reshaped:
        run_script(connection, "SET LOCAL lock_timeout = '60s'")
        run_script(connection, ";".join(f"DROP VIEW IF EXISTS {view.table}" for view in views()))
    for mart in reshaped:
        run_script(
            connection,
            f"DROP TABLE IF EXISTS {mart.table};"
            f"CREATE TABLE {mart.table} (LIKE pg_temp.{mart.name}, PRIMARY KEY (as_of, position))",
        )
    for view in views():
        if reshaped or not is_applied(connection, view):
            run_script(connection, f"DROP VIEW IF EXISTS {view.table}; CREATE VIEW {view.table} AS {view.select}")
    for mart in (*marts(), *views()):
        if mart in reshaped or (mart.is_view and reshaped) or not is_applied(connection, mart):
            run_script(connection, mart.comments([name for name, _ in shape(connection, mart.table)]))
            connection.execute(text(RECORD), {"name": mart.table, "fingerprint": mart.fingerprint})


def swap(connection: Connection, day: dt.date, run_id: int | None) -> list[Published]:
    """Replace the rows of a date in every mart by those put aside."""
    found = []
    for mart in marts():
        connection.execute(text(f"DELETE FROM {mart.table} WHERE as_of = :as_of"), {"as_of": day})
        rows = connection.execute(
            text(f"INSERT INTO {mart.table} SELECT * FROM pg_temp.{mart.name} WHERE as_of = :as_of ORDER BY position"),
            {"as_of": day},
        )
        found.append(Published(mart.name, day, rows.rowcount))
    known_at = " UNION ALL ".join(
        f"SELECT max(known_at) AS known_at FROM pg_temp.{mart.name} WHERE as_of = :as_of" for mart in marts()
    )
    latest = connection.scalar(text(f"SELECT max(known_at) FROM ({known_at}) AS each_mart"), {"as_of": day})
    connection.execute(text(PUBLISHED), {"as_of": day, "known_at": latest, "run_id": run_id})
    return found


def is_reshaped(connection: Connection, mart: Mart) -> bool:
    """Is there a table of the mart, and does its SELECT now yield other columns?"""
    before = shape(connection, mart.table)
    return bool(before) and before != shape(connection, f"pg_temp.{mart.name}")


def shape(connection: Connection, relation: str) -> list[tuple[str, str]]:
    """Names and types of a relation's columns in order; empty when there is no such relation."""
    return [(name, kind) for name, kind in connection.execute(text(SHAPE), {"relation": relation})]


def is_applied(connection: Connection, mart: Mart) -> bool:
    return bool(connection.scalar(text(APPLIED), {"name": mart.table}) == mart.fingerprint)
