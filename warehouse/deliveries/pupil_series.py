"""Exports of a form, a sender and an academic year: each is kept as what differs from the one loaded before it.

Which of them counts on which day, the readings say; a series is only the order in which they were loaded. So the rows
of any reading are had as a full copy would have them (`restricted.pupils_of`), whatever came late, was corrected or
reverted.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from zlib import crc32

from sqlalchemy import Connection, Engine, text

from contracts.reading import PupilStream
from contracts.vocabulary import academic_year
from warehouse.core.copying import run_script
from warehouse.core.slices import LONGEST_WAIT, PATIENCE, lock_names
from warehouse.core.transaction import retried

GROUPS = 8
"""Of regions, each a partition an academic year."""
REGION = "SELECT region FROM ref.sender WHERE sender = :sender"
MAKE = """
INSERT INTO restricted.pupil_series (form, sender, academic_year, region_group)
VALUES (:form, :sender, :year, :group) ON CONFLICT (form, sender, academic_year) DO NOTHING
"""
KNOWN = """
SELECT series_id, academic_year, region_group FROM restricted.pupil_series
WHERE form = :form AND sender = :sender AND academic_year = :year
"""
IS_THERE = "SELECT to_regclass(:partition) IS NOT NULL"
LAST = """
SELECT reading_id, as_of, contract_version, circumstances FROM restricted.pupil_reading
WHERE series_id = :series_id ORDER BY reading_id DESC LIMIT 1
"""
CLOSE = """
UPDATE {partition} SET gone_reading = {reading_id}
WHERE ctid = ANY (cast(:rows AS tid[])) AND series_id = {series_id} AND gone_reading IS NULL
"""
CLOSE_ALL = """
UPDATE {partition} SET gone_reading = {reading_id}
WHERE series_id = {series_id} AND gone_reading IS NULL AND first_reading < {reading_id}
"""
NOTE = """
INSERT INTO restricted.pupil_reading (reading_id, series_id, as_of, contract_version, circumstances)
VALUES (:reading_id, :series_id, :as_of, :contract_version, :circumstances)
"""
LEAVE_OUT = "DELETE FROM {partition} WHERE series_id = {series_id} AND first_reading = {reading_id}"
OF_READINGS = """
SELECT DISTINCT s.series_id, s.form, s.sender, s.academic_year, s.region_group
FROM restricted.pupil_reading r JOIN restricted.pupil_series s ON s.series_id = r.series_id
WHERE r.reading_id = ANY (:readings) ORDER BY s.series_id
"""
FORGET = "DELETE FROM restricted.pupil_reading WHERE reading_id = ANY (:readings)"
IS_EMPTY = """
SELECT NOT EXISTS (
    SELECT FROM restricted.pupil_reading r JOIN restricted.pupil_series s ON s.series_id = r.series_id
    WHERE s.academic_year = :academic_year AND s.region_group = :region_group)
"""
OF_NO_READING = """
DELETE FROM {partition} v WHERE v.series_id = {series_id} AND NOT EXISTS (
    SELECT FROM restricted.pupil_reading r
    WHERE r.series_id = {series_id} AND r.reading_id >= v.first_reading
      AND (v.gone_reading IS NULL OR r.reading_id < v.gone_reading))
"""
HOLD_AGAIN = """
UPDATE {partition} SET gone_reading = NULL
WHERE series_id = {series_id}
  AND gone_reading > (SELECT max(reading_id) FROM restricted.pupil_reading WHERE series_id = {series_id})
"""


@dataclass(frozen=True)
class Last:
    """The reading of a series that was loaded last, and in which circumstances it was read."""

    reading_id: int
    as_of: dt.date
    contract_version: str
    circumstances: str


@dataclass(frozen=True)
class Series:
    """Exports that follow one another."""

    series_id: int
    academic_year: int
    region_group: int

    @property
    def partition(self) -> str:
        """Where their rows lie."""
        return f"restricted.pupil_version_{self.academic_year}_{self.region_group}"

    def last(self, connection: Connection) -> Last | None:
        """What was loaded last; None before the first export."""
        row = connection.execute(text(LAST), {"series_id": self.series_id}).one_or_none()
        return None if row is None else Last(*row)

    def close(self, connection: Connection, reading_id: int, rows: Sequence[str]) -> None:
        """Rows, by their places, that are gone since a reading. Raises RuntimeError when one of them is not there."""
        self._close(connection, CLOSE, reading_id, len(rows), {"rows": list(rows)})

    def close_all(self, connection: Connection, reading_id: int, count: int) -> None:
        """All rows of before, so many, are gone since a reading. Raises RuntimeError when they are not so many."""
        self._close(connection, CLOSE_ALL, reading_id, count, {})

    def _close(
        self, connection: Connection, statement: str, reading_id: int, count: int, asked: dict[str, list[str]]
    ) -> None:
        closing = statement.format(partition=self.partition, reading_id=reading_id, series_id=self.series_id)
        closed = connection.execute(text(closing), asked).rowcount
        if closed != count:
            raise RuntimeError(f"of {count} rows of {self.partition} that are gone {closed} were there")

    def note(self, connection: Connection, reading_id: int, stream: PupilStream, contract_version: str) -> None:
        """The rows of a reading can be had from now on."""
        noted = {
            "reading_id": reading_id, "series_id": self.series_id, "as_of": stream.as_of,
            "contract_version": contract_version, "circumstances": stream.circumstances(),
        }  # fmt: skip
        connection.execute(text(NOTE), noted)

    def leave_out(self, connection: Connection, reading_id: int) -> None:
        """Take back the rows that came with a reading."""
        run_script(
            connection,
            LEAVE_OUT.format(partition=self.partition, series_id=self.series_id, reading_id=reading_id),
        )


def series_of(
    connection: Connection, stream: PupilStream, wait: dt.timedelta = LONGEST_WAIT, run_id: int | None = None
) -> Series | None:
    """The series of an export, of which the transaction is the only writer from now on; None of one that is nobody's or
    of no date, which is refused. Raises Timeout."""
    if stream.sender is None or stream.as_of is None:
        return None
    known = {"form": stream.form.name, "sender": stream.sender, "year": academic_year(stream.as_of)}
    lock_names(connection, [_name(*known.values())], wait, run_id)
    region = connection.scalar(text(REGION), {"sender": stream.sender})
    connection.execute(text(MAKE), known | {"group": group_of(region)})
    found = Series(*connection.execute(text(KNOWN), known).one())
    if not connection.scalar(text(IS_THERE), {"partition": found.partition}):
        _make_partition(connection.engine, found, wait, run_id)
    return found


@retried
def _make_partition(engine: Engine, series: Series, wait: dt.timedelta, run_id: int | None) -> None:
    """Make the partition of a series, in a transaction of its own: within that of a load it would hold up every other
    one that is the first of an academic year, until the load ends. An empty one that is left behind harms nobody.

    Raises Timeout, and GaveUp when somebody else uses the table so that none can be added."""
    with engine.begin() as connection:
        lock_names(connection, [series.partition], wait, run_id)
        if connection.scalar(text(IS_THERE), {"partition": series.partition}):
            return
        connection.execute(text(PATIENCE), {"milliseconds": str(round(wait.total_seconds() * 1000))})
        made = f"make_pupil_partition({series.academic_year}::smallint, {series.region_group}::smallint)"
        run_script(connection, f"SELECT restricted.{made}")


def group_of(region: str | None) -> int:
    """The group of a region, for a series that is new; a series keeps its own."""
    return crc32((region or "").encode()) % GROUPS


def forget(connection: Connection, readings: Collection[int], wait: dt.timedelta = LONGEST_WAIT) -> None:
    """Destroy the rows that only these readings have. Rows of other readings stay theirs. Raises Timeout."""
    found = connection.execute(text(OF_READINGS), {"readings": list(readings)}).tuples().all()
    if not found:
        return
    lock_names(connection, [_name(form, sender, year) for _, form, sender, year, _ in found], wait)
    connection.execute(text(FORGET), {"readings": list(readings)})
    emptied = set()
    for series_id, _, _, year, group in found:
        series = Series(series_id, year, group)
        if series.partition in emptied:
            continue
        asked = {"academic_year": year, "region_group": group}
        if connection.scalar(text(IS_EMPTY), asked):
            run_script(connection, f"LOCK TABLE {series.partition} IN ACCESS EXCLUSIVE MODE")
            if connection.scalar(
                text(IS_EMPTY), asked
            ):  # nobody has loaded the first export of another while we waited
                run_script(connection, f"TRUNCATE {series.partition}")
                emptied.add(series.partition)
                continue
        for statement in (OF_NO_READING, HOLD_AGAIN):
            run_script(connection, statement.format(partition=series.partition, series_id=series_id))


def _name(form: object, sender: object, year: object) -> str:
    """What of a series is locked; the log says so of whom we wait for."""
    return f"pupils of {form}/{sender}/{year}"
