"""The rows of a region as they leave a warehouse: what COPY writes of each table, at one moment."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import IO

import polars as pl
from sqlalchemy import Connection, Engine, text

from contracts.pseudonym import KEY_BYTES
from warehouse.core.copying import copy_frame, driver_cursor, run_script
from warehouse.schema.facts import literal
from warehouse.schema.restricted import note_access
from warehouse.watch.naming import years_to_seal
from warehouse.watch.region_tables import OWN_ROWS, Rows, tables

AS_TEXT = "SET LOCAL TimeZone = 'UTC'; SET LOCAL DateStyle = 'ISO'; SET LOCAL bytea_output = 'hex'"
PUPILS = "restricted.pupil_version"
LEAVES = {
    "run_id": "CASE WHEN t.run_id IN (SELECT run_id FROM pg_temp.own_run) THEN t.run_id END",
    "container_id":
        "CASE WHEN t.container_id IN (SELECT delivery_id FROM pg_temp.own_delivery) THEN t.container_id END",
    "same_as": "CASE WHEN t.same_as IN (SELECT delivery_id FROM pg_temp.own_delivery) THEN t.same_as END",
}  # fmt: skip
"""Columns that may name what is of no region, or of another: then they name nothing."""
HASHED = {"line": "0", "namesake": "0", "is_clean": "false"}
"""What is hashed under the secret of this warehouse says nothing elsewhere: the next export is written as a whole."""
ENDED = {
    "state": "CASE WHEN t.finished_at IS NULL THEN 'crashed' ELSE t.state END",
    "finished_at": "coalesce(t.finished_at, greatest(now(), t.started_at))",
}
"""A run that goes on here, or that died unseen, would go on there for ever: it is no run of that home."""
UNWRAPPED = "CREATE TEMP TABLE unwrapped (year smallint, old bytea, new bytea, PRIMARY KEY (year, old)) ON COMMIT DROP"
KEYS = """
SELECT DISTINCT t.academic_year, t.pupil_key FROM restricted.pupil_version t
JOIN restricted.pupil_series s ON s.series_id = t.series_id JOIN ref.sender r ON r.sender = s.sender
WHERE r.region = :region
"""
BYTES = """
SELECT DISTINCT d.archive_path, d.sha256 FROM ops.delivery d
WHERE d.delivery_id IN (SELECT delivery_id FROM pg_temp.own_delivery)
  AND NOT EXISTS (SELECT FROM ops.purged p WHERE p.delivery_id = d.delivery_id) ORDER BY 1
"""
Unwrapping = Callable[[int, bytes], bytes]
"""Pseudonyms of an academic year, one after another, as they are without the key of that year."""


class Leaving:
    """A region at one moment, whatever is written meanwhile."""

    def __init__(self, connection: Connection, region: str, unwrap: Unwrapping) -> None:
        self._connection, self._region = connection, region
        run_script(connection, f"{AS_TEXT}; {OWN_ROWS.replace(':region', literal(region))}; {UNWRAPPED}")
        self._unwrap(unwrap)
        self.tables = tables(connection)
        self.revision: str = connection.execute(text("SELECT max(version_num) FROM ops.alembic_version")).scalar_one()
        self.years: Mapping[str, int] = years_to_seal(connection)

    def copy(self, rows: Rows, to: IO[bytes]) -> None:
        """Write the region's rows of a table, as COPY writes them."""
        is_of_pupils = rows.table == PUPILS
        own = HASHED | {"pupil_key": "u.new"} if is_of_pupils else ENDED if rows.table == "ops.run" else {}
        shown = ", ".join(own.get(name) or LEAVES.get(name, f't."{name}"') for name in rows.columns)
        joined = " JOIN pg_temp.unwrapped u ON (u.year, u.old) = (t.academic_year, t.pupil_key)"
        unwrapped = joined if is_of_pupils else ""
        whose = rows.whose.replace(":region", literal(self._region))
        with driver_cursor(self._connection) as cursor:
            cursor.copy_expert(f"COPY (SELECT {shown} FROM {rows.table} t{unwrapped} WHERE {whose}) TO STDOUT", to)

    def deliveries(self) -> list[tuple[str, str]]:
        """(place in the archive, sha256) of the region's bytes that were not destroyed."""
        return [(row[0], row[1]) for row in self._connection.execute(text(BYTES)).tuples()]

    def _unwrap(self, unwrap: Unwrapping) -> None:
        years: dict[int, list[bytes]] = {}
        for year, key in self._connection.execute(text(KEYS), {"region": self._region}).tuples():
            years.setdefault(year, []).append(bytes(key))
        for year, old in years.items():
            put_pairs(self._connection, "unwrapped", year, old, unwrap(year, b"".join(old)))


@contextmanager
def leaving(engine: Engine, region: str, who: str, unwrap: Unwrapping) -> Iterator[Leaving]:
    """A region, to be written down; that somebody reached for it is noted before."""
    with engine.begin() as connection:
        note_access(connection, who, f"region export {region}")
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
        yield Leaving(connection, region, unwrap)


def put_pairs(connection: Connection, table: str, year: int, old: list[bytes], new: bytes) -> None:
    """Write pseudonyms of a year, and those that stand for them, into a table of pairs."""
    frame = pl.DataFrame(
        {"old": old, "new": [new[at : at + KEY_BYTES] for at in range(0, len(new), KEY_BYTES)]},
        schema={"old": pl.Binary(), "new": pl.Binary()},
    )
    shown = [pl.concat_str(pl.lit("\\x"), pl.col(name).bin.encode("hex")).alias(name) for name in frame.columns]
    copy_frame(connection, table, frame.select(pl.lit(year).alias("year"), *shown))
