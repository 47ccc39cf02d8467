"""Opening a delivery: small files as grids of cells, large ones as blocks of text columns.

A block of a large csv is cut at a record, so that polars parses it alone; memory holds one block, not the file.
"""

from __future__ import annotations

import codecs
import csv
import io
import zipfile
from collections.abc import Iterator
from pathlib import Path, PurePath

import fastexcel
import polars as pl

from contracts.grid import Blocks, Grid, Sheet, Unreadable, Value
from documents.read import read_grid
from documents.text_table import guess_encoding, separator_of

LARGE_TEXT = 4 << 20
LARGE_WORKBOOK = 24 << 20
"""Bytes of unpacked sheets above which cells are not made one by one."""
BLOCK = 16 << 20
SAMPLE = 1 << 16
HEAD_ROWS = 60
NOT_BLOCKS = (b"PK", b"\xd0\xcf\x11\xe0", codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
WORKBOOK_BLOCK = 200_000


def open_delivery(name: str, path: Path) -> Grid | Blocks:
    """Read a file, or open it for reading by blocks when it is large. Raises Unreadable."""
    with path.open("rb") as file:
        start = file.read(SAMPLE)
    size = path.stat().st_size
    if start.startswith(b"PK\x03\x04") and unpacked_sheets(path) > LARGE_WORKBOOK:
        blocks = workbook_blocks(path)
        if blocks is not None:
            return blocks
    if size > LARGE_TEXT and not start.startswith(NOT_BLOCKS) and b"\0" not in start:
        return text_blocks(name, path, start)
    return read_grid(name, path.read_bytes())


def unpacked_sheets(path: Path) -> int:
    """Unpacked bytes of the sheets of an xlsx; 0 for any other zip and for a damaged one."""
    try:
        with zipfile.ZipFile(path) as archive:
            return sum(info.file_size for info in archive.infolist() if info.filename.startswith("xl/worksheets/"))
    except (zipfile.BadZipFile, OSError, ValueError):
        return 0


def text_blocks(name: str, path: Path, start: bytes) -> Blocks:
    """Blocks of a csv; its encoding and separator are judged by its beginning."""
    encoding = encoding_of(start)
    sample = codecs.getincrementaldecoder(encoding)().decode(start)
    separator = separator_of(sample)
    if separator is None:
        raise Unreadable("unknown", "The text has no columns.")
    lines = list(csv.reader(io.StringIO(sample, newline=""), delimiter=separator))[: HEAD_ROWS + 1]
    head: list[list[Value]] = [[field or None for field in line] for line in lines[:-1]]
    width = max(map(len, head), default=0)
    schema = {f"c{c}": pl.String() for c in range(width)}

    def frames(row: int) -> Iterator[pl.DataFrame]:
        number, skipped = row, row - 1
        for block in records(path, encoding):
            frame = pl.read_csv(
                block, has_header=False, separator=separator, schema=schema, truncate_ragged_lines=True,
                skip_rows=0, quote_char='"', raise_if_empty=False,
            )[skipped:]  # fmt: skip
            skipped = 0
            if len(frame):
                numbers = pl.int_range(number, number + len(frame), dtype=pl.Int32, eager=True).alias("row")
                yield frame.insert_column(0, numbers)
                number += len(frame)

    sheet = Sheet(PurePath(name).stem, head)
    return Blocks(sheet, "csv", frames, (f"encoding {encoding}", f"separator {separator!r}"))


def encoding_of(start: bytes) -> str:
    if start.startswith(codecs.BOM_UTF8):
        return "utf-8-sig"
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return guess_encoding(start)
    return "utf-8"


def records(path: Path, encoding: str) -> Iterator[bytes]:
    """Bytes of a csv as UTF-8 in blocks that end where a record ends: at a line end with even quotes before it."""
    with path.open("rb") as file:
        if encoding == "utf-8-sig":
            file.seek(len(codecs.BOM_UTF8))
        while chunk := file.read(BLOCK):
            chunk += file.readline()
            while chunk.count(b'"') % 2 and (more := file.readline()):
                chunk += more
            yield as_utf8(chunk, encoding)


def as_utf8(block: bytes, encoding: str) -> bytes:
    """A block in UTF-8. Raises Unreadable where the text is not what its beginning promised."""
    if encoding in ("utf-8", "utf-8-sig"):
        return block
    try:
        return block.decode(encoding).encode()
    except UnicodeDecodeError:
        raise Unreadable("corrupt", f"The text begins as {encoding}, but does not go on so.") from None


def workbook_blocks(path: Path) -> Blocks | None:
    """Blocks of a large xlsx that has one sheet with cells, every cell as text; None when it has several or none."""
    try:
        book = fastexcel.read_excel(path)
        loaded = [book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string") for name in book.sheet_names]
        filled = [each for each in loaded if each.height]
    except fastexcel.FastExcelError as error:
        raise Unreadable("corrupt", f"The workbook does not open: {type(error).__name__}.") from None
    if len(filled) != 1:
        return None
    sheet = filled[0]
    places = [column.absolute_index for column in sheet.available_columns()]
    frame = sheet.to_polars()
    frame = frame.rename(dict(zip(frame.columns, (f"c{place}" for place in places), strict=True)))
    width = max(places) + 1
    top = frame.head(HEAD_ROWS).select(
        pl.col(f"c{c}") if f"c{c}" in frame.columns else pl.lit(None, dtype=pl.String).alias(f"c{c}")
        for c in range(width)
    )

    def frames(row: int) -> Iterator[pl.DataFrame]:
        for first in range(row - 1, len(frame), WORKBOOK_BLOCK):
            part = frame[first : first + WORKBOOK_BLOCK]
            numbers = pl.int_range(first + 1, first + 1 + len(part), dtype=pl.Int32, eager=True).alias("row")
            yield part.select(numbers, pl.all())

    head: list[list[Value]] = [list(line) for line in top.iter_rows()]
    return Blocks(Sheet(sheet.name, head), "xlsx", frames, ("large workbook, cells read as text",))
