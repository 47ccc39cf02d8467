"""Rows of an export: COPY in a second thread while the stream computes its next block, and then its whole."""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from queue import Full, Queue

import polars as pl
from pgpq import ArrowToPostgresBinaryEncoder
from sqlalchemy import Connection, text

from contracts.form import Form
from contracts.reading import PupilStream, Reading, Stream
from warehouse.core.copying import as_csv, driver_cursor, run_script
from warehouse.core.slices import LONGEST_WAIT
from warehouse.deliveries.known_pupils import KnownPupils
from warehouse.deliveries.pupil_series import Series, series_of
from warehouse.deliveries.store import reserve
from warehouse.schema.facts import fact_columns, fact_table

BLOCKS_AHEAD = 2
SECONDS_BETWEEN_LOOKS = 0.1
COPY_BUFFER = 1 << 18

COPY_PUPILS = "COPY {partition} ({columns}) FROM STDIN WITH (FORMAT binary)"
COPY_FACTS = "COPY core.{table} ({columns}) FROM STDIN WITH (FORMAT csv)"
TAKE_BACK = """
DELETE FROM core.{table} f USING unnest({arrays}) AS k ({columns})
WHERE f.reading_id = :reading_id AND {same}
"""
LEAVE_OUT = "DELETE FROM core.{table} WHERE reading_id = {reading_id}"


class _Abandoned(Exception):
    """The stream failed, so the COPY that waits for its next block has to end."""


class _Rows(ABC):
    """Where the rows of a stream go; nothing is copied where `copy` is empty."""

    copy = ""

    @abstractmethod
    def ready(self, block: pl.DataFrame) -> pl.DataFrame:
        """A block with the columns and types that are copied."""

    @abstractmethod
    def written(self, blocks: Iterator[pl.DataFrame]) -> Iterator[bytes]:
        """Blocks that are ready, as COPY reads them."""

    def whole(self, connection: Connection, stream: Stream, reading: Reading) -> Reading:
        """The reading, once all rows are there."""
        return reading

    @abstractmethod
    def conclude(self, connection: Connection, *, keep: bool) -> None:
        """Make the rows count, or leave them out."""


class _NoRows(_Rows):
    """Of an export that is nobody's, or of no date, no pupil is kept: it is refused."""

    def ready(self, block: pl.DataFrame) -> pl.DataFrame:
        return block.clear()

    def written(self, blocks: Iterator[pl.DataFrame]) -> Iterator[bytes]:
        yield from (b"" for _ in blocks)

    def conclude(self, connection: Connection, *, keep: bool) -> None:
        if keep:
            raise AssertionError("an export of no series cannot count")


class _PupilRows(_Rows):
    """Rows of pupils that the last export of the series does not have, in COPY's binary form; those of it that are gone
    are closed when it is known that the reading counts."""

    def __init__(
        self,
        connection: Connection,
        series: Series,
        reading_id: int,
        stream: PupilStream,
        contract_version: str,
        aside: Path | None,
    ) -> None:
        self.series, self.reading_id, self.stream, self.version = series, reading_id, stream, contract_version
        self.before = KnownPupils(connection, series, stream, contract_version, aside)
        if self.before.known is not None:
            stream.since(self.before.known)
        self.of_series = {
            "academic_year": pl.Int16(), "region_group": pl.Int16(), "series_id": pl.Int32(),
            "first_reading": pl.Int64(),
        }  # fmt: skip
        self.schema = self.of_series | self.before.rows.schema
        self.copy = COPY_PUPILS.format(partition=series.partition, columns=", ".join(self.schema))
        self.gone = pl.Series(dtype=pl.UInt32)

    def ready(self, block: pl.DataFrame) -> pl.DataFrame:
        series = self.series
        values = (series.academic_year, series.region_group, series.series_id, self.reading_id)
        of_series = zip(self.of_series.items(), values, strict=True)
        stated = [pl.lit(value, dtype).alias(name) for (name, dtype), value in of_series]
        return block.select(*stated, *self.before.rows.schema).cast(pl.Schema(self.schema))

    def written(self, blocks: Iterator[pl.DataFrame]) -> Iterator[bytes]:
        schema = pl.DataFrame(schema=self.schema).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        encoder = ArrowToPostgresBinaryEncoder(schema)
        yield bytes(encoder.write_header())
        for block in blocks:
            for batch in block.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches():
                yield encoder.write_batch(batch)
        yield encoder.finish()

    def whole(self, connection: Connection, stream: Stream, reading: Reading) -> Reading:
        """With the rows that came more often than they were there."""
        self.gone, again = self.before.difference(self.stream.unchanged())
        if again.height:
            queue: Queue[pl.DataFrame | _Abandoned | None] = Queue()
            queue.put(self.ready(again))
            queue.put(None)
            with driver_cursor(connection) as cursor:
                cursor.copy_expert(self.copy, _Feed(queue, self), COPY_BUFFER)  # type: ignore[arg-type]
        return reading

    def conclude(self, connection: Connection, *, keep: bool) -> None:
        if not keep:
            self.series.leave_out(connection, self.reading_id)
            return
        self.before.close(connection, self.reading_id, self.gone)
        self.series.note(connection, self.reading_id, self.stream, self.version)


class _FactRows(_Rows):
    """The table of facts of a form. What is sent is hashed on the way: facts that are gone have no other digest."""

    def __init__(self, form: Form, reading_id: int) -> None:
        self.form, self.reading_id, self.hash = form, reading_id, sha256()
        stated = {column.name for edition in form.editions for column in edition.columns} | {"school_id"}
        self.types = {column.name: column.type for column in fact_columns(form) if column.name in stated}
        names = ", ".join(("reading_id", *self.types))
        self.copy = COPY_FACTS.format(table=fact_table(form), columns=names)

    def ready(self, block: pl.DataFrame) -> pl.DataFrame:
        unknown = [pl.lit(None).alias(name) for name in self.types if name not in block.columns]
        return block.with_columns(unknown).select(*self.types)

    def written(self, blocks: Iterator[pl.DataFrame]) -> Iterator[bytes]:
        for block in blocks:
            lines = as_csv(block).getvalue()
            self.hash.update(lines)
            yield from self.numbered(block, lines)

    def numbered(self, block: pl.DataFrame, lines: bytes) -> Iterator[bytes]:
        """A block's lines with the number of the reading before each; the digest does not know it."""
        if lines.count(b"\n") != block.height:  # a text has a line end
            yield as_csv(block.select(pl.lit(self.reading_id).alias("reading_id"), *self.types)).getvalue()
            return
        number = f"{self.reading_id},".encode()
        yield number
        yield lines.replace(b"\n", b"\n" + number)[: -len(number)]

    def whole(self, connection: Connection, stream: Stream, reading: Reading) -> Reading:
        """Without what was taken back, and with the digest."""
        gone = stream.taken_back()
        if len(gone):
            blank = {column.name for edition in self.form.editions for column in edition.columns if column.nullable}
            same = {name: "IS NOT DISTINCT FROM" if name in blank else "=" for name in gone.columns}
            statement = TAKE_BACK.format(
                table=fact_table(self.form),
                arrays=", ".join(f"cast(:{name} AS {self.types[name]}[])" for name in gone.columns),
                columns=", ".join(gone.columns),
                same=" AND ".join(f"f.{name} {compared} k.{name}" for name, compared in same.items()),
            )
            connection.execute(text(statement), {"reading_id": self.reading_id, **gone.to_dict(as_series=False)})
        if reading.apart is None:
            return reading
        return replace(reading, apart=replace(reading.apart, digest=self.hash.hexdigest()))

    def conclude(self, connection: Connection, *, keep: bool) -> None:
        if not keep:
            run_script(connection, LEAVE_OUT.format(table=fact_table(self.form), reading_id=self.reading_id))


class _Feed:
    """What COPY reads: the blocks of the queue, as they are written. The queue ends by None, or fails by _Abandoned."""

    def __init__(self, queue: Queue[pl.DataFrame | _Abandoned | None], rows: _Rows) -> None:
        self.queue = queue
        self.written = rows.written(self.blocks())
        self.buffer = memoryview(b"")

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""
        while not self.buffer:
            try:
                self.buffer = memoryview(next(self.written))
            except StopIteration:
                return b""
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return bytes(taken)

    def blocks(self) -> Iterator[pl.DataFrame]:
        """The blocks. Raises _Abandoned when the stream failed."""
        while (block := self.queue.get()) is not None:
            if isinstance(block, _Abandoned):
                raise block
            yield block


@dataclass(frozen=True)
class Copied:
    """A stream whose rows were copied under a reserved id: it is `concluded` whether they count or are left out."""

    reading_id: int
    reading: Reading
    rows: _Rows

    def conclude(self, connection: Connection, *, keep: bool) -> None:
        """Make the rows count, or leave them out."""
        self.rows.conclude(connection, keep=keep)


def copy_stream(
    connection: Connection,
    stream: Stream,
    contract_version: str,
    wait: dt.timedelta = LONGEST_WAIT,
    run_id: int | None = None,
    aside: Path | None = None,
) -> Copied:
    """Put the blocks of the stream where they belong, within the connection's transaction; returns the whole.

    The caller's thread runs the stream, a second one writes and sends. When either fails the other one ends too, and
    the error of the one that failed first is raised. Pupils are compared with the export that was loaded before: of
    those of a sender and an academic year one is loaded at a time, and its rows lie in the folder `aside` (by default
    that of the system) meanwhile. Raises Timeout.
    """
    rows: _Rows
    if stream.form.pupils is not None and isinstance(stream, PupilStream):
        series = series_of(connection, stream, wait, run_id)
        (reading_id,) = reserve(connection, 1)  # within a series numbers grow in the order of loading
        known = (reading_id, stream, contract_version, aside)
        rows = _PupilRows(connection, series, *known) if series else _NoRows()
    else:
        (reading_id,) = reserve(connection, 1)
        rows = _FactRows(stream.form, reading_id)
    queue: Queue[pl.DataFrame | _Abandoned | None] = Queue(BLOCKS_AHEAD)

    def send() -> None:
        with driver_cursor(connection) as cursor:
            if rows.copy:
                cursor.copy_expert(rows.copy, _Feed(queue, rows), COPY_BUFFER)  # type: ignore[arg-type]
            else:
                _Feed(queue, rows).read(1)

    with ThreadPoolExecutor(1, thread_name_prefix="copy-rows") as pool:
        sent = pool.submit(send)
        try:
            for block in stream:
                if block.height and not _hand_over(queue, sent, rows.ready(block)):
                    break
            reading = stream.reading() if _hand_over(queue, sent, None) else None
        except BaseException:
            _hand_over(queue, sent, _Abandoned())
            raise
        sent.result()
    if reading is None:
        raise AssertionError("a COPY that ends before its last block has failed")
    return Copied(reading_id, rows.whole(connection, stream, reading), rows)


def _hand_over(
    queue: Queue[pl.DataFrame | _Abandoned | None], sent: Future[None], block: pl.DataFrame | _Abandoned | None
) -> bool:
    """Queue a block as soon as there is room; False when the COPY has already ended and nobody will take it."""
    while not sent.done():
        try:
            queue.put(block, timeout=SECONDS_BETWEEN_LOOKS)
            return True
        except Full:
            continue
    return False
