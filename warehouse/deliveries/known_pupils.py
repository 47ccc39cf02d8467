"""Rows of the last export of a series, for the next one: read once, and kept on the disk while that is read.

They come in COPY's binary form, in which each row of fixed columns has as many bytes as another, so that any of them is
found by its number. In memory is what tells a line, some thirteen bytes a row.
"""

from __future__ import annotations

from mmap import ACCESS_READ, mmap
from pathlib import Path
from tempfile import TemporaryFile

import polars as pl
import pyarrow as pa
from sqlalchemy import Connection

from contracts.known_rows import KnownRows
from contracts.reading import PupilStream, kept
from warehouse.core.copying import SLICE_ROWS, driver_cursor
from warehouse.deliveries.pupil_series import Last, Series

HEADER, TRAILER, LENGTH = 19, 2, 4
"""Bytes before all rows and after them, and before each value; two more begin a row."""
ROWS_A_PART = 200_000
UNSTATED = -1
"""In place of a counter that is NULL: a counter is no less than nought."""
OUT = """
COPY (SELECT ctid, {columns} FROM {partition} WHERE series_id = {series_id} AND gone_reading IS NULL)
TO STDOUT WITH (FORMAT binary)
"""


class _Rows:
    """Rows as they were copied: each column's place in a row and its width in bytes."""

    def __init__(self, stream: PupilStream) -> None:
        pupils = stream.form.pupils
        if pupils is None:
            raise ValueError(f"{stream.form.name} has no pupils")
        self.schema = {name: dtype for name, dtype in kept(pupils).items() if name != "row"}
        self.counters = pupils.counters
        widths = {"block": 4, "offset": 2} | {name: _width(dtype) for name, dtype in self.schema.items()}
        self.at: dict[str, tuple[int, int]] = {}
        end = 2
        for name, width in widths.items():
            start = end + (0 if name == "offset" else LENGTH)  # a ctid is one value of two parts
            self.at[name] = (start, width)
            end = start + width
        self.width = end
        self.count = 0
        self.bytes = pa.array([], pa.binary(end))

    def copied(self, connection: Connection, series: Series, aside: Path | None) -> None:
        """Read the rows that hold. The file has no name, and is gone with whoever has it open."""
        columns = ", ".join(
            f"coalesce({name}, {UNSTATED}::smallint)" if name in self.counters else name for name in self.schema
        )
        statement = OUT.format(columns=columns, partition=series.partition, series_id=series.series_id)
        with TemporaryFile(prefix="profmin-known-", dir=aside) as file:
            with driver_cursor(connection) as cursor:
                cursor.copy_expert(statement, file)
            file.flush()
            self.count = (file.tell() - HEADER - TRAILER) // self.width
            if self.count:
                kept_on_disk = pa.py_buffer(mmap(file.fileno(), 0, access=ACCESS_READ))
                rows = kept_on_disk.slice(HEADER, self.count * self.width)
                self.bytes = pa.FixedSizeBinaryArray.from_buffers(pa.binary(self.width), self.count, [None, rows])

    def places_at(self, places: pl.Series) -> list[str]:
        """Where Postgres has the rows of these numbers."""
        rows = self.taken(places)
        block = self.value(rows, "block", pl.UInt32()).cast(pl.String)
        offset = self.value(rows, "offset", pl.UInt16()).cast(pl.String)
        return pl.select("(" + block + "," + offset + ")").to_series().to_list()

    def rows_at(self, places: pl.Series) -> pl.DataFrame:
        """What is kept of the rows of these numbers."""
        rows = self.taken(places)
        frame = pl.DataFrame([self.value(rows, name, dtype) for name, dtype in self.schema.items()])
        return frame.with_columns(pl.col(self.counters).replace(UNSTATED, None))

    def taken(self, places: pl.Series) -> pl.Series:
        return _binary(self.bytes.take(places.to_arrow()))

    def value(self, rows: pl.Series, name: str, dtype: pl.DataType) -> pl.Series:
        start, width = self.at[name]
        found = rows.bin.slice(start, width).alias(name)
        if dtype == pl.Binary:
            return found
        if dtype == pl.Boolean:
            return found.bin.reinterpret(dtype=pl.UInt8).cast(pl.Boolean)
        return found.bin.reinterpret(dtype=dtype, endianness="big")

    def column(self, name: str) -> pl.Series:
        """A column of all rows, read part by part."""
        dtype = self.schema[name]
        parts = [
            self.value(_binary(self.bytes.slice(start, ROWS_A_PART)), name, dtype)
            for start in range(0, self.count, ROWS_A_PART)
        ]
        return pl.concat([pl.Series(name, [], dtype), *parts], rechunk=True)


class KnownPupils:
    """The rows of the last export of a series; `known` is None when there is none. They lie in the folder `aside` while
    the next one is read, by default in that of the system."""

    def __init__(
        self,
        connection: Connection,
        series: Series,
        stream: PupilStream,
        contract_version: str,
        aside: Path | None = None,
    ) -> None:
        last = series.last(connection)
        self.series = series
        self.rows = _Rows(stream)
        self.known: KnownRows | None = None
        if last is None:
            return
        self.rows.copied(connection, series, aside)
        if not self.rows.count:
            return
        lines = self.rows.column("line")
        order = lines.arg_sort()
        self.known = KnownRows(
            lines.gather(order).set_sorted(), order.cast(pl.UInt32), self.rows.column("is_clean").gather(order),
            self.rows.rows_at, is_trusted=_is_trusted(last, stream, contract_version),
        )  # fmt: skip

    def difference(self, met: pl.Series) -> tuple[pl.Series, pl.DataFrame]:
        """Of rows that were met again: the numbers of those that are gone, and rows that came more often."""
        if self.known is None:
            return pl.Series(dtype=pl.UInt32), pl.DataFrame()
        gone, again = self.known.difference(met)
        return gone, self.known.rows(again)

    def close(self, connection: Connection, reading_id: int, gone: pl.Series) -> None:
        """Rows of these numbers are gone since a reading: all at once, or by slices of which each place is named."""
        if len(gone) and len(gone) == self.rows.count:
            self.series.close_all(connection, reading_id, len(gone))
            return
        for start in range(0, len(gone), SLICE_ROWS):
            places = self.rows.places_at(gone.slice(start, SLICE_ROWS))
            self.series.close(connection, reading_id, places)


def _is_trusted(last: Last, stream: PupilStream, contract_version: str) -> bool:
    """Was the last export read as this one is, and is it no later? A date that was to come may have come since, not the
    other way round."""
    return (
        stream.as_of is not None
        and last.as_of <= stream.as_of
        and last.contract_version == contract_version
        and last.circumstances == stream.circumstances()
    )


def _width(dtype: pl.DataType) -> int:
    widths: dict[pl.DataType, int] = {pl.Int64(): 8, pl.Int16(): 2, pl.Boolean(): 1, pl.Binary(): 16}
    return widths[dtype]


def _binary(rows: pa.Array) -> pl.Series:
    return pl.Series(pl.from_arrow(rows), dtype=pl.Binary)
