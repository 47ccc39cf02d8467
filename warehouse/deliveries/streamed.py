"""Rows of an export: COPY in a second thread while the stream computes its next block, and then its whole."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import replace
from hashlib import sha256
from queue import Full, Queue

import polars as pl
from pgpq import ArrowToPostgresBinaryEncoder
from sqlalchemy import Connection, text

from contracts.form import Form
from contracts.reading import PUPILS, Reading, Stream
from warehouse.core.copying import as_csv, driver_cursor, run_script
from warehouse.schema.facts import fact_columns, fact_table

BLOCKS_AHEAD = 2
SECONDS_BETWEEN_LOOKS = 0.1
COPY_BUFFER = 1 << 18

PARTITION = """
CREATE TABLE restricted.pupil_fact_{reading_id}
    (LIKE restricted.pupil_fact INCLUDING COMMENTS, CHECK (reading_id = {reading_id}));
ALTER TABLE restricted.pupil_fact_{reading_id} ALTER COLUMN reading_id SET DEFAULT {reading_id}
"""
COPY_PUPILS = "COPY restricted.pupil_fact_{reading_id} ({columns}) FROM STDIN WITH (FORMAT binary, FREEZE)"
KEY = """
SET LOCAL maintenance_work_mem = '128MB';
SELECT set_config('wal_compression', 'off', true) WHERE has_parameter_privilege('wal_compression', 'SET');
ALTER TABLE restricted.pupil_fact_{reading_id} ADD PRIMARY KEY (row_no, reading_id)
"""
"""A million rows are sorted in memory, and their pages go to the WAL as they are: either took as long as all else."""
ATTACH = """
ALTER TABLE restricted.pupil_fact ATTACH PARTITION restricted.pupil_fact_{reading_id} FOR VALUES IN ({reading_id})
"""
DROP = "DROP TABLE restricted.pupil_fact_{reading_id}"
COPY_FACTS = "COPY core.{table} ({columns}) FROM STDIN WITH (FORMAT csv)"
TAKE_BACK = """
DELETE FROM core.{table} f USING unnest({arrays}) AS k ({columns})
WHERE f.reading_id = :reading_id AND {same}
"""
LEAVE_OUT = "DELETE FROM core.{table} WHERE reading_id = {reading_id}"


class _Abandoned(Exception):
    """The stream failed, so the COPY that waits for its next block has to end."""


class _Rows(ABC):
    """Where the rows of a stream go. `prepare` and `finish` are statements before and after its COPY; `keep` and `drop`
    are what becomes of the rows when it is known whether the reading counts. Nothing is done by an empty one."""

    prepare = copy = finish = keep = drop = ""

    @abstractmethod
    def ready(self, block: pl.DataFrame) -> pl.DataFrame:
        """A block with the columns and types that are copied."""

    @abstractmethod
    def written(self, blocks: Iterator[pl.DataFrame]) -> Iterator[bytes]:
        """Blocks that are ready, as COPY reads them."""

    def whole(self, connection: Connection, stream: Stream, reading: Reading) -> Reading:
        """The reading, once all rows are there."""
        return reading


class _PupilRows(_Rows):
    """A partition of `restricted.pupil_fact`, in COPY's binary form, whose key is built when all rows are there."""

    def __init__(self, reading_id: int) -> None:
        columns = ", ".join("row_no" if name == "row" else name for name in PUPILS)
        self.prepare = PARTITION.format(reading_id=reading_id)
        self.copy = COPY_PUPILS.format(reading_id=reading_id, columns=columns)
        self.finish = KEY.format(reading_id=reading_id)
        self.keep = ATTACH.format(reading_id=reading_id)
        self.drop = DROP.format(reading_id=reading_id)

    def ready(self, block: pl.DataFrame) -> pl.DataFrame:
        return block.select(*PUPILS).cast(pl.Schema(PUPILS))

    def written(self, blocks: Iterator[pl.DataFrame]) -> Iterator[bytes]:
        schema = pl.DataFrame(schema=PUPILS).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        encoder = ArrowToPostgresBinaryEncoder(schema)
        yield bytes(encoder.write_header())
        for block in blocks:
            for batch in block.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches():
                yield encoder.write_batch(batch)
        yield encoder.finish()


class _FactRows(_Rows):
    """The table of facts of a form. What is sent is hashed on the way: facts that are gone have no other digest."""

    def __init__(self, form: Form, reading_id: int) -> None:
        self.form, self.reading_id, self.hash = form, reading_id, sha256()
        stated = {column.name for edition in form.editions for column in edition.columns} | {"school_id"}
        self.types = {column.name: column.type for column in fact_columns(form) if column.name in stated}
        names = ", ".join(("reading_id", *self.types))
        self.copy = COPY_FACTS.format(table=fact_table(form), columns=names)
        self.drop = LEAVE_OUT.format(table=fact_table(form), reading_id=reading_id)

    def ready(self, block: pl.DataFrame) -> pl.DataFrame:
        unknown = [pl.lit(None).alias(name) for name in self.types if name not in block.columns]
        return block.with_columns(unknown).select(pl.lit(self.reading_id).alias("reading_id"), *self.types)

    def written(self, blocks: Iterator[pl.DataFrame]) -> Iterator[bytes]:
        for block in blocks:
            self.hash.update(as_csv(block.drop("reading_id")).getbuffer())
            yield as_csv(block).getvalue()

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


def copy_stream(connection: Connection, reading_id: int, stream: Stream) -> Reading:
    """Put the blocks of the stream where they belong, within the connection's transaction; returns the whole.

    The caller's thread runs the stream, a second one writes and sends, and builds the key of pupils while the first one
    computes the whole reading. When either fails the other one ends too, and the error of the one that failed first is
    raised.
    """
    rows = _rows(stream.form, reading_id)
    if rows.prepare:
        run_script(connection, rows.prepare)
    queue: Queue[pl.DataFrame | _Abandoned | None] = Queue(BLOCKS_AHEAD)

    def send() -> None:
        with driver_cursor(connection) as cursor:
            cursor.copy_expert(rows.copy, _Feed(queue, rows), COPY_BUFFER)  # type: ignore[arg-type]
            if rows.finish:
                cursor.execute(rows.finish)

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
    return rows.whole(connection, stream, reading)


def conclude(connection: Connection, form: Form, reading_id: int, *, keep: bool) -> None:
    """Make the rows count, or leave them out."""
    rows = _rows(form, reading_id)
    if statement := rows.keep if keep else rows.drop:
        run_script(connection, statement)


def _rows(form: Form, reading_id: int) -> _Rows:
    return _PupilRows(reading_id) if form.pupils else _FactRows(form, reading_id)


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
