"""Fingerprints of keys that lie outside the database, and pseudonyms that are wrapped by those of academic years."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import polars as pl
from sqlalchemy import Connection, Engine, text

from contracts.pseudonym import KEY_BYTES
from warehouse.core.copying import copy_frame, run_script
from warehouse.core.transaction import begun, retried

NOTE = "INSERT INTO ops.key (name, fingerprint) VALUES (:name, :fingerprint) ON CONFLICT (name) DO NOTHING"
RENOTE = """
INSERT INTO ops.key (name, fingerprint) VALUES (:name, :fingerprint)
ON CONFLICT (name) DO UPDATE SET fingerprint = excluded.fingerprint, noted_at = clock_timestamp()
"""
NOTED = "SELECT fingerprint FROM ops.key WHERE name = :name"
IS_THERE = "SELECT to_regclass('ops.key') IS NOT NULL"
ALL_NOTED = "SELECT name, fingerprint FROM ops.key"
YEARS = r"SELECT substr(name, 7)::int, fingerprint FROM ops.key WHERE name ~ '^pupil \d{4}$' ORDER BY 1"
UNNOTED = """
SELECT DISTINCT s.academic_year FROM restricted.pupil_series s
JOIN restricted.pupil_reading r ON r.series_id = s.series_id
WHERE NOT EXISTS (SELECT FROM ops.key k WHERE k.name = 'pupil ' || s.academic_year)
ORDER BY 1
"""
HAS_PUPILS = "SELECT EXISTS (SELECT FROM restricted.pupil_version)"
# Tables of pupils say themselves of which academic year a row is, or by their readings.
TABLES = """
SELECT format('%I.%I', n.nspname, c.relname),
    EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'academic_year' AND NOT a.attisdropped),
    EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'line' AND NOT a.attisdropped)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_attribute k ON k.attrelid = c.oid AND k.attname = 'pupil_key' AND NOT k.attisdropped
WHERE n.nspname = 'restricted' AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY 1
"""
BY_YEAR = "t.academic_year = :year"
BY_READING = "t.reading_id IN (SELECT r.reading_id FROM ops.reading r WHERE ref.academic_year(r.as_of) = :year)"
REWRAPPED = "CREATE TEMP TABLE rewrapped (old bytea PRIMARY KEY, new bytea NOT NULL) ON COMMIT DROP"
SET = "UPDATE {table} t SET pupil_key = w.new{hashes} FROM rewrapped w WHERE w.old = t.pupil_key AND {whose}"
NO_HASHES = ", line = 0, namesake = 0, is_clean = false"
"""What is hashed under the secret of before tells of names whoever has that; the next export is written as a whole."""
# A run of Prefect that was killed the watchdog marks as dead. One of a command says for ever that it runs.
GOES_ON = """
SELECT run_id, kind FROM ops.run
WHERE finished_at IS NULL
  AND (flow_run_id IS NOT NULL OR started_at > clock_timestamp() - make_interval(hours => :hours))
ORDER BY run_id LIMIT 1
"""
LONGEST_COMMAND_HOURS = 24
Rewrapped = Callable[[bytes], bytes]
"""Pseudonyms, one after another, each of 16 bytes, to others of the same number."""


class RunGoesOn(Exception):
    """A run that may be loading pupils is not over."""


def fingerprint_of(connection: Connection, name: str) -> str | None:
    """The fingerprint that was noted, None before the first use."""
    fingerprint: str | None = connection.scalar(text(NOTED), {"name": name})
    return fingerprint


def note_fingerprint(connection: Connection, name: str, fingerprint: str) -> str:
    """Note the fingerprint of a key that is used for the first time; returns the one that is noted, of whoever was
    first."""
    connection.execute(text(NOTE), {"name": name, "fingerprint": fingerprint})
    return fingerprint_of(connection, name) or fingerprint


def has_pupils(connection: Connection) -> bool:
    """Are there pupils, which have their pseudonyms by some key?"""
    return bool(connection.scalar(text(HAS_PUPILS)))


def run_that_goes_on(connection: Connection) -> tuple[int, str] | None:
    """Number and kind of the first run that is not over, None when all are. A run of a command is after a day."""
    row = connection.execute(text(GOES_ON), {"hours": LONGEST_COMMAND_HOURS}).tuples().first()
    return row and (row[0], row[1])


def all_over(connection: Connection) -> None:
    """Raises RunGoesOn, with the first run that is not over."""
    running = run_that_goes_on(connection)
    if running is not None:
        raise RunGoesOn(f"run {running[0]} ({running[1]}) is not over: profmin down, or wait until it is")


def year_name(year: int) -> str:
    """The name under which the key is noted that wraps the pseudonyms of an academic year."""
    return f"pupil {year}"


def noted_years(connection: Connection) -> dict[int, str]:
    """Academic year → fingerprint of the key that wraps its pseudonyms."""
    return {row[0]: row[1] for row in connection.execute(text(YEARS)).tuples()}


def noted_keys(connection: Connection) -> dict[str, str]:
    """Name → fingerprint of every key that is noted; a warehouse of before has no place for that."""
    if not connection.scalar(text(IS_THERE)):
        return {}
    return {row[0]: row[1] for row in connection.execute(text(ALL_NOTED)).tuples()}


def unnoted_years(connection: Connection) -> list[int]:
    """Academic years with pupils whose pseudonyms are wrapped by no key, as versions of before left them."""
    return list(connection.scalars(text(UNNOTED)))


def renote(connection: Connection, year: int, fingerprint: str) -> None:
    """Note another key of a year, of which no pupils are left."""
    connection.execute(text(RENOTE), {"name": year_name(year), "fingerprint": fingerprint})


@retried
def note_wrapped(engine: Engine, year: int, rewrapped: Rewrapped, fingerprint: str) -> str:
    """Wrap the pseudonyms of a year that nobody has wrapped yet, and note by which key; returns the one that is noted,
    of whoever was first."""
    with engine.connect() as connection, begun(connection):
        run_script(connection, "LOCK TABLE ops.key IN EXCLUSIVE MODE")
        noted = fingerprint_of(connection, year_name(year))
        if noted is None:
            _rewrap(connection, year, rewrapped)
            noted = note_fingerprint(connection, year_name(year), fingerprint)
    return noted


@retried
def rewrap(engine: Engine, years: Mapping[int, Rewrapped], keys: Mapping[int, tuple[str, str]]) -> int:
    """Wrap the pseudonyms of academic years by other keys, in one transaction in which no run can begin; how many there
    are. `keys` are the fingerprints of the old one, which has to be the one that is noted, and of the new.

    Raises RunGoesOn.
    """
    done = 0
    with engine.connect() as connection, begun(connection):
        run_script(connection, "LOCK TABLE ops.run IN EXCLUSIVE MODE; LOCK TABLE ops.key IN EXCLUSIVE MODE")
        all_over(connection)
        noted = noted_years(connection)
        if any(noted[year] != old for year, (old, _) in keys.items()):
            raise RunGoesOn("somebody else is changing the keys; look at it again")
        for year, rewrapped in years.items():
            done += _rewrap(connection, year, rewrapped)
            renote(connection, year, keys[year][1])
    return done


def _rewrap(connection: Connection, year: int, rewrapped: Rewrapped) -> int:
    """Change each pseudonym of a year in all tables, and drop the hashes beside them; how many there are."""
    run_script(connection, REWRAPPED)
    tables = connection.execute(text(TABLES)).tuples().all()
    by = {table: BY_YEAR if has_year else BY_READING for table, has_year, _ in tables}
    hashes = {table: NO_HASHES if has_hashes else "" for table, _, has_hashes in tables}
    each = " UNION ".join(f"SELECT DISTINCT t.pupil_key FROM {table} t WHERE {whose}" for table, whose in by.items())
    old = [bytes(key) for key in connection.scalars(text(each), {"year": year})]
    new = rewrapped(b"".join(old))
    frame = pl.DataFrame(
        {"old": old, "new": [new[at : at + KEY_BYTES] for at in range(0, len(new), KEY_BYTES)]},
        schema={"old": pl.Binary(), "new": pl.Binary()},
    )
    as_text = [pl.concat_str(pl.lit("\\x"), pl.col(name).bin.encode("hex")).alias(name) for name in frame.columns]
    copy_frame(connection, "rewrapped", frame.select(as_text))
    for table, whose in by.items():
        setting = SET.format(table=table, whose=whose, hashes=hashes[table])
        connection.execute(text(setting), {"year": year})
    run_script(connection, "DROP TABLE rewrapped")
    return len(old)
