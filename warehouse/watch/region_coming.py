"""The rows of a region that come from another warehouse, taken in wholly or not at all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import IO

from sqlalchemy import Connection, Engine, text

from warehouse.core.copying import driver_cursor, run_script
from warehouse.core.slices import lock_names
from warehouse.schema.facts import literal
from warehouse.schema.restricted import note_access
from warehouse.watch.region_leaving import AS_TEXT, PUPILS, put_pairs
from warehouse.watch.region_tables import (
    IN_DETAILS,
    LISTED,
    LISTS_OF_NUMBERS,
    NUMBERS,
    VERSIONS,
    columns_of,
)

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
Wrapping = Callable[[int, bytes], bytes]
"""Pseudonyms of an academic year, one after another, wrapped by this home's key of the year."""
Coming = Iterable[tuple[str, tuple[str, ...], IO[bytes]]]
"""Tables in their order: name, columns, what COPY reads."""


class CannotTake(ValueError):
    """A region cannot be taken in; the text says why."""


def has_region(engine: Engine, region: str) -> bool:
    """Has the warehouse anything that a region told or was told of itself?"""
    with engine.connect() as connection:
        return bool(connection.scalar(text(IS_THERE), {"region": region}))


def take(engine: Engine, region: str, who: str, coming: Coming, wrap: Wrapping, mark: str) -> dict[str, int]:
    """Take in the rows of a region in one transaction, in which nobody else loads; how many of each table. `mark` tells
    exports that came so from those that are read here, which have other pseudonyms.

    Raises CannotTake for a region that is there meanwhile, for schools that another region has, and for columns that
    this warehouse has not.
    """
    with engine.begin() as connection:
        lock_names(connection, [LOCK])
        run_script(connection, AS_TEXT)
        steps = _steps(connection)
        if connection.scalar(text(IS_THERE), {"region": region}):
            raise CannotTake(f"region {region} is in this warehouse already")
        run_script(connection, WRAPPED)
        counted = {}
        for table, columns, rows in coming:
            counted[table] = _take_table(connection, table, columns, rows, steps, wrap, f"imported {mark}|")
        for table, (column, sequence, _) in steps.items():
            run_script(connection, MOVE.format(sequence=sequence, column=column, table=table))
        note_access(connection, who, f"region import {region}")
    with engine.begin() as connection:
        connection.execute(text("ANALYZE"))
    return counted


def _steps(connection: Connection) -> dict[str, tuple[str, str, int]]:
    """Table → its numbered column, the sequence, and by how much numbers of another warehouse are moved. The tables are
    locked before: a number that is given meanwhile would be given twice."""
    tables = sorted({*NUMBERS.values()})
    run_script(connection, f"LOCK TABLE {', '.join(tables)} IN SHARE ROW EXCLUSIVE MODE")
    steps = {}
    for table in tables:
        _, column, sequence = connection.execute(text(NUMBERED), {"table": table}).one()
        last = connection.scalar(text(LAST.format(column=column, table=table, sequence=sequence)))
        steps[table] = (column, sequence, int(last or 0))
    return steps


def _take_table(
    connection: Connection, table: str, columns: tuple[str, ...], rows: IO[bytes],
    steps: dict[str, tuple[str, str, int]], wrap: Wrapping, mark: str,
) -> int:  # fmt: skip
    here = set(columns_of(connection, table))
    lacking = [name for name in columns if name not in here]
    if lacking and not table.startswith("history."):
        raise CannotTake(f"{table} has no {', '.join(lacking)} here: the file is of another version")
    run_script(connection, COMING.format(table=table))
    for name in lacking:  # of marts of before, which no view shows any more
        run_script(connection, f'ALTER TABLE coming ADD COLUMN "{name}" text')
    listed = ", ".join(f'"{name}"' for name in columns)
    with driver_cursor(connection) as cursor:
        cursor.copy_expert(f"COPY coming ({listed}) FROM STDIN", rows)
    if table == "ref.school_identity":
        _refuse_schools(connection)
    if table == "restricted.pupil_series":
        for year, group in connection.execute(text(PARTITIONS)).tuples().all():
            name = f"restricted.pupil_version_{year}_{group}"
            if not connection.scalar(text(HAS_PARTITION), {"name": name}):
                run_script(connection, MAKE_PARTITION.format(year=year, group=group))
    if table == PUPILS:
        _wrap(connection, wrap)
    kept = [name for name in columns if name in here]
    if table == "ref.input_version":
        kept.remove("input_version")
    if table == "ref.reporting_unit":
        kept.remove("reporting_unit_key")
    shown = ", ".join(_moved(table, name, steps) for name in kept)
    if table == "restricted.pupil_reading":  # see warehouse/marts/pupil_flow.py
        shown = shown.replace('c."circumstances"', f'{literal(mark)} || c."circumstances"')
    joined = " JOIN pg_temp.wrapped w ON (w.year, w.old) = (c.academic_year, c.pupil_key)" if table == PUPILS else ""
    known = " ON CONFLICT DO NOTHING" if table in LISTED or table == "ref.input_version" else ""
    numbered = " OVERRIDING SYSTEM VALUE" if table in steps else ""
    names = ", ".join(f'"{name}"' for name in kept)
    statement = f"INSERT INTO {table} ({names}){numbered} SELECT {shown} FROM pg_temp.coming c{joined}{known}"
    count = connection.execute(text(statement.replace(":", "\\:"))).rowcount
    if table == "ref.input_version":
        run_script(connection, VERSION)
    run_script(connection, "DROP TABLE pg_temp.coming")
    return count


def _moved(table: str, name: str, steps: dict[str, tuple[str, str, int]]) -> str:
    """A column of what comes as it is here."""
    if table.startswith("history."):
        return f'c."{name}"'
    if name in VERSIONS:
        return f"(SELECT v.here FROM pg_temp.version_here v WHERE v.there = c.{name})"
    if name in NUMBERS:
        return f"c.{name} + {steps[NUMBERS[name]][2]}"
    if name in LISTS_OF_NUMBERS:
        step = steps[LISTS_OF_NUMBERS[name]][2]
        return f"ARRAY(SELECT n + {step} FROM unnest(c.{name}) WITH ORDINALITY AS u (n, place) ORDER BY place)"
    if name == "details" and table in ("ops.incident", "ops.incident_event"):
        moved = "c.details"
        for key, of in IN_DETAILS.items():
            moved = (
                f"CASE WHEN jsonb_typeof(c.details -> '{key}') = 'number' THEN jsonb_set({moved}, '{{{key}}}',"
                f" to_jsonb((c.details ->> '{key}')::bigint + {steps[of][2]})) ELSE {moved} END"
            )
        return moved
    return "w.new" if (table, name) == (PUPILS, "pupil_key") else f'c."{name}"'


def _refuse_schools(connection: Connection) -> None:
    taken = "SELECT count(*) FROM pg_temp.coming c JOIN ref.school_identity s ON s.school_code = c.school_code"
    if found := connection.scalar(text(taken)):
        raise CannotTake(f"{found} of its schools are of another region here, by their codes")


def _wrap(connection: Connection, wrap: Wrapping) -> None:
    """Have the pseudonyms that come wrapped by this home's keys of their years."""
    years: dict[int, list[bytes]] = {}
    asked = text("SELECT DISTINCT academic_year, pupil_key FROM pg_temp.coming")
    for year, key in connection.execute(asked).tuples():
        years.setdefault(year, []).append(bytes(key))
    for year, old in years.items():
        put_pairs(connection, "wrapped", year, old, wrap(year, b"".join(old)))
