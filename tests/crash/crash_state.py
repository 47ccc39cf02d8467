"""What is left after a command: marts, readings and files, to be compared with those of an undisturbed run."""

from __future__ import annotations

import hashlib
import io
import threading
import time
from pathlib import Path
from typing import Any

import psycopg2
import sqlalchemy as sa
from ledgers import LEDGERS

from flows.home.archived import SUFFIX, digest
from flows.home.keyring import keyring_of
from flows.home.settings import Settings
from flows.upkeep.doctor import examine
from warehouse.marts.definitions import marts, views

READINGS = """
SELECT d.file_name, d.sent, d.same_as IS NULL, r.form, r.sender, r.as_of, r.slice, r.status, r.verdict,
    r.contract_version, r.superseded_by IS NULL, r.rows_read, r.rows_loaded, r.rows_quarantined, b.status,
    r.held_at IS NULL, r.decided_by, r.decision_reason
FROM ops.delivery d LEFT JOIN ops.reading r ON r.delivery_id = d.delivery_id
LEFT JOIN ops.backfill b ON b.backfill_id = r.backfill_id
ORDER BY d.sha256, d.file_name, d.sent, r.became_current_at, r.verdict, r.status
"""
COUNTED = """
SELECT format('%I.%I', schemaname, tablename) FROM pg_tables
WHERE schemaname IN ('core', 'restricted', 'ref') AND tablename !~ '_\\d+$'
    OR (schemaname = 'ops' AND tablename IN ('reading', 'raw_row', 'finding', 'backfill_delivery', 'backfill_change'))
ORDER BY 1
"""
BACKFILLS = "SELECT status, forms, from_as_of, to_as_of FROM ops.backfill ORDER BY backfill_id"
LEFT_OUT = "SELECT place, sender_folder, rule FROM ops.left_out ORDER BY inbox_path"
MOMENTS = """
SELECT table_name, array_agg(column_name::text) FROM information_schema.columns
WHERE table_schema = 'mart' AND data_type = 'timestamp with time zone' AND column_name <> 'received_at' GROUP BY 1
"""
KEPT = ("archive", "outbox", "keys")
POLLED = ("readiness_by_school", "readiness_by_municipality", "registration_by_school")
SECONDS_BETWEEN_POLLS = 0.06
State = dict[str, Any]


def plain(url: str) -> dict[str, Any]:
    """What psycopg2 wants of a SQLAlchemy URL."""
    made = sa.make_url(url)
    named = {"user": made.username, "password": made.password, "dbname": made.database, "host": made.host,
             "port": made.port, **made.query}  # fmt: skip
    return {name: value for name, value in named.items() if value}


def told_marts(cursor: Any) -> dict[str, str]:
    """Every mart with all its dates as csv, without the moments at which something was done."""
    cursor.execute(MOMENTS)
    moments = dict(cursor.fetchall())
    found = {}
    for mart in (*marts(), *views()):
        cursor.execute(
            "SELECT string_agg(format('%%I', a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a"
            " WHERE a.attrelid = to_regclass(%s) AND a.attnum > 0 AND a.attname <> ALL (%s)",
            [mart.relation, moments.get(mart.name, [])],
        )
        (columns,) = cursor.fetchone()
        if columns is not None:
            into = io.StringIO()
            cursor.copy_expert(f"COPY (SELECT {columns} FROM {mart.relation}) TO STDOUT WITH (FORMAT csv)", into)
            found[mart.name] = "\n".join(sorted(into.getvalue().splitlines()))
    return found


def settled(url: str) -> str:
    """All marts in one word, but for those that tell in how many steps they came."""
    connection = psycopg2.connect(**plain(url))
    try:
        with connection.cursor() as cursor:
            told = told_marts(cursor)
    finally:
        connection.close()
    return hashlib.md5(repr([(name, text) for name, text in told.items() if name not in LEDGERS]).encode()).hexdigest()


def state(url: str, home: Path) -> State:
    """Marts, readings, counts of rows and files."""
    connection = psycopg2.connect(**plain(url))
    try:
        with connection.cursor() as cursor:
            found: State = {f"mart {name}": text for name, text in told_marts(cursor).items()}
            for name, statement in (("readings", READINGS), ("backfills", BACKFILLS), ("left out", LEFT_OUT)):
                cursor.execute(statement)
                found[name] = [tuple(map(str, row)) for row in cursor.fetchall()]
            cursor.execute(COUNTED)
            for (table,) in cursor.fetchall():
                cursor.execute(f"SELECT count(*) FROM {table}")
                found[f"rows of {table}"] = cursor.fetchone()[0]
            cursor.execute("SELECT DISTINCT as_of FROM ops.publication ORDER BY 1")
            found["published"] = [str(day) for (day,) in cursor.fetchall()]
    finally:
        connection.close()
    found |= files(home)
    return found


def files(home: Path) -> State:
    """The files of a home by their place: their checksums. Of what is sealed those of what is in it, of years' keys,
    which chance makes, the years."""
    found = {}
    keyring = keyring_of(Settings(home=home))
    for path in sorted(path for part in KEPT for path in (home / part).rglob("*") if path.is_file()):
        name = f"file {path.relative_to(home)}"
        if path.suffix == SUFFIX:
            found[name] = digest(path.with_suffix(""), keyring)[0]
        elif path.parent == keyring.folder and path.name != "pupil.key":
            found[name.rsplit("-", 2)[0]] = "a key"
        else:
            found[name] = hashlib.sha256(path.read_bytes()).hexdigest()
    for path in sorted(path for path in home.iterdir() if path.is_file()):
        if not path.name.startswith(("profmin.log", "pgdata.", "postgres.log", "metrics.prom")):
            found[f"file {path.name}"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def differences(expected: State, found: State) -> list[str]:
    """Where two states differ, in words."""
    told = []
    for name in sorted({*expected, *found}):
        before, after = expected.get(name), found.get(name)
        if before != after:
            if isinstance(before, list) and isinstance(after, list):
                told += [f"{name}: lacks {row}" for row in before if row not in after][:3]
                told += [f"{name}: has {row}" for row in after if row not in before][:3]
            elif isinstance(before, str) and isinstance(after, str) and "\n" in before + after:
                lines, others = before.splitlines(), after.splitlines()
                told += [f"{name}: lacks {line}" for line in lines if line not in others][:3]
                told += [f"{name}: has {line}" for line in others if line not in lines][:3]
            told.append(f"{name}: {str(before)[:60]!r} became {str(after)[:60]!r}")
    return told


def broken_laws(settings: Settings) -> list[str]:
    return [f"law {law.name}: {law.broken[:2]}" for law in examine(settings) if law.times]


class Watcher:
    """Polls published marts all the time: what it saw, and what went wrong when the server did answer."""

    QUERY = " UNION ALL ".join(f"SELECT to_jsonb(m) - 'known_at' AS row FROM mart.{name} m" for name in POLLED)
    SEEN = f"SELECT md5(string_agg(row::text, '' ORDER BY row::text)) FROM ({QUERY}) AS polled"

    def __init__(self, url: str, *, may_be_down: bool = False) -> None:
        self.url, self.may_be_down = plain(url), may_be_down
        self.seen: dict[str, int] = {}
        self.errors: list[str] = []
        self.over = threading.Event()
        self.thread = threading.Thread(target=self.poll, daemon=True)

    def __enter__(self) -> Watcher:
        self.thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.over.set()
        self.thread.join()

    def poll(self) -> None:
        connection = None
        while not self.over.is_set():
            try:
                connection = connection or self.connected()
                self.look(connection)
            except psycopg2.Error as error:
                if not (self.may_be_down and (error.pgcode is None or error.pgcode.startswith("57P"))):
                    self.errors.append(f"{type(error).__name__}: {error}")
                connection = None
            time.sleep(SECONDS_BETWEEN_POLLS)
        if connection is not None:
            connection.close()

    def connected(self) -> Any:
        connection = psycopg2.connect(**self.url, connect_timeout=10)
        connection.autocommit = True
        return connection

    def look(self, connection: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(self.SEEN)
            (found,) = cursor.fetchone()
        self.seen[found] = self.seen.get(found, 0) + 1

    @classmethod
    def look_once(cls, url: str) -> str:
        watcher = cls(url)
        connection = watcher.connected()
        watcher.look(connection)
        connection.close()
        return next(iter(watcher.seen))
