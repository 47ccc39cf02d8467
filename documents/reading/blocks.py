"""Large files as blocks of text columns.

A block of a large csv is cut at a record, so that polars parses it alone; memory holds one block, not the file.
"""

from __future__ import annotations

import codecs
import io
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from os import SEEK_CUR
from pathlib import Path, PurePath
from typing import IO, TYPE_CHECKING

import polars as pl

from contracts.grid import HEAD_ROWS, Blocks, Doubt, Sheet, Unreadable, Value
from documents.reading.formats.dialect import dialect_of
from documents.reading.formats.encoding import errors_of, one_byte_encoding
from documents.reading.formats.html_text import is_page
from documents.reading.formats.kinds import refuse_other_kinds
from documents.reading.formats.text_records import FIELD_LIMIT, Dialect, all_records
from documents.reading.formats.text_records import records as text_records
from documents.reading.formats.web_archive import is_message
from documents.reading.text_table import separator_note, uneven

if TYPE_CHECKING:
    from mmap import mmap

    from documents.reading.answers import Table

LARGE_TEXT = 4 << 20
BLOCK = 24 << 20
PART = 1 << 18
"""Bytes that stay in the processor's cache, and more than most lines have."""
SAMPLE = 1 << 17  # bytes: so many characters, at least, as a dialect is judged by
NOT_BLOCKS = (b"PK", b"\xd0\xcf\x11\xe0", codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
MARKUP = (b"<?xml", b"<workbook", b"<office:document", codecs.BOM_UTF8 + b"<")
START = 4096
ODD_ROWS = 50_000
LINES_OF_RECORD = 50
"""How often the cut of a block moves up before its quotation marks are taken for odd ones."""


def large_text(name: str, path: Path, held: object = None) -> Blocks | None:
    """Open a text for reading by blocks when it is large; None for any other file. Raises Unreadable.

    `held` is kept for as long as blocks may be read: a file without a name lasts no longer than who opened it.
    """
    if path.stat().st_size <= LARGE_TEXT:
        return None
    with path.open("rb") as file:
        start = file.read(SAMPLE)
    refuse_other_kinds(start)
    if start[:START].lstrip().lower().startswith(MARKUP) or is_message(start):
        return None
    if start.startswith(NOT_BLOCKS) or b"\0" in start or is_page(start.decode("latin-1").removeprefix("ï»¿")):
        return None
    return _text_blocks(name, path, start, held)


def _text_blocks(name: str, path: Path, start: bytes, held: object) -> Blocks:
    """Blocks of a csv; its encoding and its dialect are judged by its beginning, as are the doubts about them."""
    encoding, doubts = _encoding_of(start, path)
    begin = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
    sample = codecs.getincrementaldecoder(encoding)(errors_of(encoding)).decode(start[begin:])
    if len(start) == SAMPLE:  # it may end inside a line
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    dialect, hint, unsure = dialect_of(sample)
    if dialect is None:
        raise Unreadable("unknown", "The text has no columns.")
    lines, odd = all_records(sample[hint:], dialect)
    whole = max(len(lines) - LINES_OF_RECORD, min(len(lines) - 1, HEAD_ROWS))  # the sample may end inside a record
    head: list[list[Value]] = [[field or None for field in line] for line in lines[:whole][:HEAD_ROWS]]
    begin += len(sample[:hint].encode(encoding))
    text = TextFile(path, encoding, begin, dialect, max(map(len, head), default=0), held)
    notes = (f"encoding {encoding}", separator_note(dialect))
    doubts = (*doubts, *unsure, *uneven(lines[:whole], [place for place in odd if place < whole]))
    sheet = Sheet(PurePath(name).stem, head)
    return Blocks(sheet, "csv", lambda row: numbered(text.frames(), row), notes, doubts, text.holds)


def _encoding_of(start: bytes, path: Path) -> tuple[str, tuple[Doubt, ...]]:
    """The encoding of a file that begins so. Where that is all ASCII, the first letters further on decide."""
    if start.isascii():
        with path.open("rb") as file:
            while (start := file.read(BLOCK)) and start.isascii():
                pass
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return one_byte_encoding(start)
    return "utf-8", ()


@dataclass(frozen=True)
class TextFile:
    """A csv from its byte `begin` on. Plain blocks are parsed by polars; from the first odd one on csv goes on."""

    path: Path
    encoding: str
    begin: int
    dialect: Dialect
    width: int
    held: object = None

    @property
    def schema(self) -> dict[str, pl.DataType]:
        """Columns c0, c1, … of text, as many as the head is wide."""
        return {f"c{c}": pl.String() for c in range(self.width)}

    def holds(self, mark: str) -> bool:
        """Whether an ASCII character stands anywhere in the file."""
        with self.path.open("rb") as file:
            return any(mark.encode() in part for part in iter(lambda: file.read(PART), b""))

    def frames(self) -> Iterator[pl.DataFrame]:
        """The file as frames of texts. Raises Unreadable for a text that goes on otherwise than it began."""
        with self.path.open("rb") as file:
            file.seek(self.begin)
            place = self.begin
            for block in records(file, self.dialect.quote.encode()):
                frame = None if b"\0" in block else self.parsed(block)
                if frame is None:
                    file.seek(place)
                    yield from self.odd_frames(file)
                    return
                place += len(block)
                yield frame

    def parsed(self, block: bytes) -> pl.DataFrame | None:
        """A block as a frame; None when its quotation marks or line ends are not plain, or polars does not read it."""
        if not is_plain(block, self.dialect):
            return None
        mark = self.dialect.quote.encode()
        has_marks = mark in block
        try:
            text = block if self.encoding == "utf-8" else block.decode(self.encoding, errors_of(self.encoding)).encode()
            frame = pl.read_csv(
                text, has_header=False, separator=self.dialect.separator, schema=self.schema,
                quote_char=self.dialect.quote, raise_if_empty=False, truncate_ragged_lines=True,
                missing_columns="insert", extra_columns="ignore",
            )  # fmt: skip
        except (UnicodeDecodeError, pl.exceptions.PolarsError):
            return None
        has_empty = has_marks and mark * 2 in block  # a single byte is found much faster
        return frame.with_columns(pl.all().replace("", None)) if has_empty else frame

    def odd_frames(self, file: IO[bytes]) -> Iterator[pl.DataFrame]:
        """The rest of the file, record by record."""
        rows: list[list[str]] = []
        lines = io.TextIOWrapper(file, self.encoding, errors_of(self.encoding), newline="")
        try:
            for record, _ in text_records(map(_without_zeros, lines), self.dialect):
                rows.append(record)
                if len(rows) >= ODD_ROWS:
                    yield self.frame(rows)
                    rows = []
        except UnicodeDecodeError:
            raise Unreadable("corrupt", f"The text begins as {self.encoding}, but does not go on so.") from None
        yield self.frame(rows)

    def frame(self, rows: list[list[str]]) -> pl.DataFrame:
        """Records as a frame of that schema; a blank field is null, and what is too long is cut off."""
        nothing = [None] * self.width
        cells = [[*(field or None for field in row), *nothing][: self.width] for row in rows]
        return pl.DataFrame(cells, schema=self.schema, orient="row")


def _without_zeros(line: str) -> str:
    if "\0" in line:
        raise Unreadable("corrupt", "The text contains zero characters.")
    return line


def records(file: IO[bytes], mark: bytes = b'"') -> Iterator[bytes]:
    """Blocks that end where a record ends: at a line end with even quotation marks before it."""
    rest = b""
    while chunk := file.read(_to_line_end(file)):
        chunk = rest + chunk
        end = last = chunk.rfind(b"\n") + 1
        for _ in range(LINES_OF_RECORD):
            if mark not in chunk or chunk.count(mark, 0, end) % 2 == 0:
                break
            end = chunk.rfind(b"\n", 0, chunk.rfind(mark, 0, end)) + 1
        else:
            end = last
        if not end and len(chunk) > FIELD_LIMIT:
            end = len(chunk)
        block, rest = chunk[:end], chunk[end:]
        if block:
            yield block
    if rest:
        yield rest


def _to_line_end(file: IO[bytes]) -> int:
    """How many of the next bytes, no more than a block, end with a line: so that blocks are seldom copied."""
    place, part = file.tell(), min(PART, BLOCK)
    file.seek(BLOCK - part, SEEK_CUR)
    end = file.read(part).rfind(b"\n") + 1
    file.seek(place)
    return BLOCK - part + end if end else BLOCK


def is_plain(block: bytes, dialect: Dialect) -> bool:
    """Whether polars reads the block as csv does: line ends have a line feed, marks stand around whole fields."""
    if not dialect.is_plain or (b"\r" in block and block.count(b"\r") != block.count(b"\r\n")):
        return False
    mark = dialect.quote.encode()
    return mark not in block or mark not in quoted_field(dialect.separator, dialect.quote).sub(b"", block)


@cache
def quoted_field(separator: str, quote: str) -> re.Pattern[bytes]:
    s, m = re.escape(separator.encode()), quote.encode()
    return re.compile(rb"%s(?<![^%s\n%s])[^%s]*(?:%s%s[^%s]*)*%s(?![^%s\r\n])" % (m, s, m, m, m, m, m, m, s))


def numbered(frames: Iterable[pl.DataFrame], first: int) -> Iterator[pl.DataFrame]:
    """Frames with the number of each row, from the row `first` on, without blank rows at the end of all."""
    number, waiting = 1, pl.DataFrame()
    for frame in frames:
        together = frame if waiting.is_empty() else pl.concat([waiting, frame])
        numbers = pl.int_range(number, number + len(together), dtype=pl.Int32, eager=True).alias("row")
        filled = len(together) - _blank_rows_at_end(together)
        waiting = together[filled:]
        number += filled
        part = together[:filled].insert_column(0, numbers[:filled])
        part = part if number - filled >= first else part.filter(pl.col("row") >= first)
        if len(part):
            yield part


def _blank_rows_at_end(frame: pl.DataFrame) -> int:
    if not len(frame) or any(value is not None for value in frame.row(-1)):
        return 0
    filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true()
    return len(frame) - (int(filled[-1]) + 1 if len(filled) else 0)


def table_blocks(table: Table, written: mmap) -> Blocks:
    """Blocks of a large workbook, whose table was written as an Arrow file."""
    import pyarrow as pa

    def frames() -> Iterator[pl.DataFrame]:
        blocks = pa.ipc.open_file(pa.py_buffer(written))
        return (pl.DataFrame(blocks.get_batch(place)) for place in range(blocks.num_record_batches))

    return Blocks(Sheet(table.sheet, table.head), "xlsx", lambda row: numbered(frames(), row), table.notes)
