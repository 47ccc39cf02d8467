"""The rows of a region that come from another warehouse, taken in wholly or not at all."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection, Iterable
from typing import IO

from sqlalchemy import Connection, Engine, text

from warehouse.core.copying import driver_cursor, run_script
from warehouse.core.slices import lock_names
from warehouse.core.transaction import begun, retried
from warehouse.schema.facts import literal
from warehouse.schema.restricted import note_access
from warehouse.watch.region_leaving import AS_TEXT, PUPILS, put_pairs
from warehouse.watch.region_tables import (
    IN_DETAILS,
    LISTED,
    LISTS_OF_NUMBERS,
    LOCKED,
    NUMBERS,
    OF_MARTS,
    VERSIONS,
    Rows,
    tables,
)
from warehouse.watch.region_trust import INPUTS, SCHOOLS, WITH_DETAILS, CannotTake, must_be_known, must_be_own

IS_THERE = """
SELECT EXISTS (SELECT FROM ops.reading WHERE region = :region)
    OR EXISTS (SELECT FROM ops.publication WHERE region = :region)
    OR EXISTS (SELECT FROM ops.incident WHERE region = :region)
    OR EXISTS (SELECT FROM ops.statement WHERE region = :region)
"""
NUMBERED = """
SELECT a.attrelid::regclass::text, a.attname, pg_get_serial_sequence(a.attrelid::regclass::text, a.attname)
FROM pg_attribute a WHERE a.attrelid = cast(:table AS regclass) AND a.attidentity <> ''
"""
LAST = "SELECT greatest((SELECT max({column}) FROM {table}), (SELECT last_value FROM {sequence} WHERE is_called), 0)"
MOVE = "SELECT setval('{sequence}', greatest((SELECT max({column}) FROM {table}), 1))"
PARTITIONS = "SELECT DISTINCT academic_year, region_group FROM pg_temp.coming"
MAKE_PARTITION = "SELECT restricted.make_pupil_partition({year}::smallint, {group}::smallint)"
HAS_PARTITION = "SELECT to_regclass(:name) IS NOT NULL"
VERSION = """
CREATE TEMP TABLE version_here ON COMMIT DROP AS
SELECT c.input_version AS there, v.input_version AS here FROM pg_temp.coming c
JOIN ref.input_version v
    ON (v.region, v.input, v.version, v.fingerprint) = (c.region, c.input, c.version, c.fingerprint)
"""
WRAPPED = "CREATE TEMP TABLE wrapped (year smallint, old bytea, new bytea, PRIMARY KEY (year, old)) ON COMMIT DROP"
COMING = "CREATE TEMP TABLE coming (LIKE {table}) ON COMMIT DROP"
LOCK = "region import"
IMPORTED = "region import {region} of {mark}"
WAS_IMPORTED = "SELECT EXISTS (SELECT FROM ops.restricted_access WHERE command = :command)"
KNOWN_BYTES = "SELECT DISTINCT archive_path FROM ops.delivery WHERE archive_path = ANY (:places)"
PATIENCE = "SELECT set_config('lock_timeout', :milliseconds, true)"
LONGEST_HOLD = dt.timedelta(seconds=20)
"""For how long one table is waited for while others are held: whoever loads waits for those meanwhile."""
Wrapping = Callable[[int, bytes], bytes]
"""Pseudonyms of an academic year, one after another, wrapped by this home's key of the year."""
Coming = Iterable[tuple[str, tuple[str, ...], IO[bytes]]]
"""Tables in their order: name, columns, what COPY reads."""


def has_region(engine: Engine, region: str) -> bool:
    """Has the warehouse anything that a region told or was told of itself?"""
    with engine.connect() as connection:
        return bool(connection.scalar(text(IS_THERE), {"region": region}))


def was_imported(engine: Engine, region: str, mark: str) -> bool:
    """Are the rows of a region here those that were exported at a moment?"""
    with engine.connect() as connection:
        command = IMPORTED.format(region=region, mark=mark)
        return bool(connection.scalar(text(WAS_IMPORTED), {"command": command}))


def known_bytes(engine: Engine, places: Collection[str]) -> set[str]:
    """Of places in the archive, those that a delivery has."""
    with engine.connect() as connection:
        return set(connection.scalars(text(KNOWN_BYTES), {"places": list(places)}))


def must_be_takable(engine: Engine, region: str, coming: Coming) -> None:
    """Raises CannotTake for tables and columns that this warehouse has not, and for schools that another region has;
    nothing is written. The rest of the rows is asked for when they are taken in."""
    with engine.connect() as connection:
        here = {rows.table: rows for rows in tables(connection)}
        for table, columns, data in coming:
            known = must_be_known(here, table, columns)
            if table == SCHOOLS:
                _copy(connection, known, columns, data)
                must_be_own(connection, known, columns, region)
        connection.rollback()


def take(
    engine: Engine, region: str, who: str, coming: Callable[[], Coming], wrap: Wrapping, mark: str, wait: dt.timedelta
) -> None:
    """Take in the rows of a region in one transaction, in which nobody else loads. `mark` tells exports that came so
    from those that are read here, which have other pseudonyms.

    Raises CannotTake for a region that is there meanwhile, for schools that another region has, and for tables, columns
    and rows that no region brings; Timeout, and GaveUp while others load for longer than we are willing to wait.
    """
    _take_all(engine, region, who, coming, wrap, mark, wait)
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))


@retried
def _take_all(
    engine: Engine, region: str, who: str, coming: Callable[[], Coming], wrap: Wrapping, mark: str, wait: dt.timedelta
) -> None:
    with engine.connect() as connection, begun(connection):
        lock_names(connection, [LOCK], wait)
        run_script(connection, AS_TEXT)
        steps = _steps(connection, min(wait, LONGEST_HOLD))
        if connection.scalar(text(IS_THERE), {"region": region}):
            raise CannotTake(f"region {region} is in this warehouse already")
        run_script(connection, WRAPPED)
        here = {rows.table: rows for rows in tables(connection)}
        for table, columns, data in coming():
            known = must_be_known(here, table, columns)
            lacking = _copy(connection, known, columns, data)
            must_be_own(connection, known, columns, region)
            kept = [name for name in columns if name not in lacking]
            _take_table(connection, table, kept, steps, wrap, f"imported {mark}|")
        for table, (column, sequence, _) in steps.items():
            run_script(connection, MOVE.format(sequence=sequence, column=column, table=table))
        note_access(connection, who, IMPORTED.format(region=region, mark=mark))


def _steps(connection: Connection, wait: dt.timedelta) -> dict[str, tuple[str, str, int]]:
    """Table → its numbered column, the sequence, and by how much numbers of another warehouse are moved. The tables are
    locked before: a number that is given meanwhile would be given twice."""
    tables = sorted({*NUMBERS.values()}, key=lambda table: (table not in LOCKED, [*LOCKED, table].index(table), table))
    connection.execute(text(PATIENCE), {"milliseconds": str(max(1, round(wait.total_seconds() * 1000)))})
    run_script(connection, f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
    steps = {}
    for table in tables:
        _, column, sequence = connection.execute(text(NUMBERED), {"table": table}).one()
        last = connection.scalar(text(LAST.format(column=column, table=table, sequence=sequence)))
        steps[table] = (column, sequence, int(last or 0))
    return steps


def _copy(connection: Connection, rows: Rows, columns: tuple[str, ...], data: IO[bytes]) -> list[str]:
    """Have the rows that come in `pg_temp.coming`; columns that the table has not, as marts of before had."""
    lacking = [name for name in columns if name not in rows.columns]
    run_script(connection, COMING.format(table=rows.table))
    for name in lacking:
        run_script(connection, f'ALTER TABLE pg_temp.coming ADD COLUMN "{name}" text')
    listed = ", ".join(f'"{name}"' for name in columns)
    with driver_cursor(connection) as cursor:
        cursor.copy_expert(f"COPY pg_temp.coming ({listed}) FROM STDIN", data)
    return lacking


def _take_table(
    connection: Connection,
    table: str,
    kept: list[str],
    steps: dict[str, tuple[str, str, int]],
    wrap: Wrapping,
    mark: str,
) -> None:
    """Take in the rows that wait in `pg_temp.coming`."""
    if table == "restricted.pupil_series":
        for year, group in connection.execute(text(PARTITIONS)).tuples().all():
            name = f"restricted.pupil_version_{year}_{group}"
            if not connection.scalar(text(HAS_PARTITION), {"name": name}):
                run_script(connection, MAKE_PARTITION.format(year=year, group=group))
    if table == PUPILS:
        _wrap(connection, wrap)
    given_here = {INPUTS: "input_version", "ref.reporting_unit": "reporting_unit_key"}.get(table)
    kept = [name for name in kept if name != given_here]
    shown = ", ".join(_moved(table, name, steps) for name in kept)
    if table == "restricted.pupil_reading":  # see warehouse/marts/pupil_flow.py
        shown = shown.replace('c."circumstances"', f'{literal(mark)} || c."circumstances"')
    joined = " JOIN pg_temp.wrapped w ON (w.year, w.old) = (c.academic_year, c.pupil_key)" if table == PUPILS else ""
    known = " ON CONFLICT DO NOTHING" if table in LISTED or table == INPUTS else ""
    numbered = " OVERRIDING SYSTEM VALUE" if table in steps else ""
    names = ", ".join(f'"{name}"' for name in kept)
    statement = f"INSERT INTO {table} ({names}){numbered} SELECT {shown} FROM pg_temp.coming c{joined}{known}"
    connection.execute(text(statement.replace(":", "\\:")))
    if table == INPUTS:
        run_script(connection, VERSION)
    run_script(connection, "DROP TABLE pg_temp.coming")


def _moved(table: str, name: str, steps: dict[str, tuple[str, str, int]]) -> str:
    """A column of what comes as it is here."""
    if table.startswith(OF_MARTS):
        return f'c."{name}"'
    if (table, name) == (INPUTS, "holds"):
        return "c.holds AND c.region <> ''"  # what holds for all regions is said here
    if name in VERSIONS:
        return f"(SELECT v.here FROM pg_temp.version_here v WHERE v.there = c.{name})"
    if name in NUMBERS:
        return f"c.{name} + {steps[NUMBERS[name]][2]}"
    if name in LISTS_OF_NUMBERS:
        step = steps[LISTS_OF_NUMBERS[name]][2]
        return f"ARRAY(SELECT n + {step} FROM unnest(c.{name}) WITH ORDINALITY AS u (n, place) ORDER BY place)"
    if name == "details" and table in WITH_DETAILS:
        moved = "c.details"
        for key, of in IN_DETAILS.items():
            moved = (
                f"CASE WHEN jsonb_typeof(c.details -> '{key}') = 'number' THEN jsonb_set({moved}, '{{{key}}}',"
                f" to_jsonb((c.details ->> '{key}')::bigint + {steps[of][2]})) ELSE {moved} END"
            )
        return moved
    return "w.new" if (table, name) == (PUPILS, "pupil_key") else f'c."{name}"'


def _wrap(connection: Connection, wrap: Wrapping) -> None:
    """Have the pseudonyms that come wrapped by this home's keys of their years."""
    years: dict[int, list[bytes]] = {}
    asked = text("SELECT DISTINCT academic_year, pupil_key FROM pg_temp.coming")
    for year, key in connection.execute(asked).tuples():
        years.setdefault(year, []).append(bytes(key))
    for year, old in years.items():
        put_pairs(connection, "wrapped", year, old, wrap(year, b"".join(old)))
