"""Pupil rows of an export: COPY in a second thread while the stream computes its next block, and then its whole."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from queue import Full, Queue

import polars as pl
from pgpq import ArrowToPostgresBinaryEncoder
from sqlalchemy import Connection

from contracts.reading import PUPILS, PupilStream, Reading
from warehouse.core.copying import driver_cursor, run_script

BLOCKS_AHEAD = 2
SECONDS_BETWEEN_LOOKS = 0.1
COPY_BUFFER = 1 << 18

PARTITION = """
CREATE TABLE restricted.pupil_fact_{reading_id}
    (LIKE restricted.pupil_fact INCLUDING COMMENTS, CHECK (reading_id = {reading_id}));
ALTER TABLE restricted.pupil_fact_{reading_id} ALTER COLUMN reading_id SET DEFAULT {reading_id}
"""
COPY = "COPY restricted.pupil_fact_{reading_id} ({columns}) FROM STDIN WITH (FORMAT binary, FREEZE)"
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


class _Abandoned(Exception):
    """The stream failed, so the COPY that waits for its next block has to end."""


class _Feed:
    """What COPY reads: the blocks of the queue, encoded. The queue ends by None, or fails by _Abandoned."""

    def __init__(self, queue: Queue[pl.DataFrame | _Abandoned | None]) -> None:
        self.queue = queue
        self.encoded = self.encode()
        self.buffer = memoryview(b"")

    def read(self, size: int) -> bytes:
        """At most so many bytes; none at the end."""
        while not self.buffer:
            try:
                self.buffer = memoryview(next(self.encoded))
            except StopIteration:
                return b""
        taken, self.buffer = self.buffer[:size], self.buffer[size:]
        return bytes(taken)

    def encode(self) -> Iterator[bytes]:
        """The blocks in the binary form of COPY. Raises _Abandoned when the stream failed."""
        schema = pl.DataFrame(schema=PUPILS).to_arrow(compat_level=pl.CompatLevel.oldest()).schema
        encoder = ArrowToPostgresBinaryEncoder(schema)
        yield bytes(encoder.write_header())
        while (block := self.queue.get()) is not None:
            if isinstance(block, _Abandoned):
                raise block
            for batch in block.to_arrow(compat_level=pl.CompatLevel.oldest()).to_batches():
                yield encoder.write_batch(batch)
        yield encoder.finish()


def copy_pupils(connection: Connection, reading_id: int, stream: PupilStream) -> Reading:
    """Put the blocks of the stream into a table of their own, within the connection's transaction; returns the whole.

    The caller's thread runs the stream, a second one encodes and sends, and builds the key while the first one computes
    the whole reading. When either fails the other one ends too, and the error of the one that failed first is raised.
    """
    run_script(connection, PARTITION.format(reading_id=reading_id))
    columns = ", ".join("row_no" if name == "row" else name for name in PUPILS)
    statement = COPY.format(reading_id=reading_id, columns=columns)
    queue: Queue[pl.DataFrame | _Abandoned | None] = Queue(BLOCKS_AHEAD)

    def send() -> None:
        with driver_cursor(connection) as cursor:
            cursor.copy_expert(statement, _Feed(queue), COPY_BUFFER)  # type: ignore[arg-type]
            cursor.execute(KEY.format(reading_id=reading_id))

    with ThreadPoolExecutor(1, thread_name_prefix="copy-pupils") as pool:
        sent = pool.submit(send)
        try:
            for block in stream:
                if block.height and not _hand_over(queue, sent, block.select(*PUPILS).cast(pl.Schema(PUPILS))):
                    break
            reading = stream.reading() if _hand_over(queue, sent, None) else None
        except BaseException:
            _hand_over(queue, sent, _Abandoned())
            raise
        sent.result()
    if reading is None:
        raise AssertionError("a COPY that ends before its last block has failed")
    return reading


def attach_pupils(connection: Connection, reading_id: int, *, keep: bool) -> None:
    """Make the rows part of `restricted.pupil_fact`, or drop them."""
    run_script(connection, (ATTACH if keep else DROP).format(reading_id=reading_id))


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
