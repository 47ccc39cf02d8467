"""Opening a delivery: small files as grids of cells, large ones as blocks of text columns.

A block of a large csv is cut at a record, so that polars parses it alone; memory holds one block, not the file.
"""

from __future__ import annotations

import codecs
import csv
import io
import itertools
import re
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePath
from typing import IO

import fastexcel
import polars as pl

from contracts.grid import Blocks, Grid, Sheet, Unreadable, Value
from documents.read import check_unpacked, read_grid
from documents.text_table import FIELD_LIMIT, LAST_LINE, guess_encoding, separator_of
from documents.workbook import refusals

LARGE_TEXT = 4 << 20
LARGE_WORKBOOK = 24 << 20
"""Bytes of unpacked sheets above which cells are not made one by one."""
BLOCK = 24 << 20
SAMPLE = 1 << 16
HEAD_ROWS = 60
NOT_BLOCKS = (b"PK", b"\xd0\xcf\x11\xe0", codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
WORKBOOK_BLOCK = 200_000
ODD_ROWS = 50_000
LINES_OF_RECORD = 50
"""How often the cut of a block moves up before its quotation marks are taken for odd ones."""
ERROR_NAME = re.compile(r"Error\((\w+)\)")
ERROR_TEXTS = {
    "Div0": "#DIV/0!", "NA": "#N/A", "Name": "#NAME?", "Null": "#NULL!", "Num": "#NUM!", "Ref": "#REF!",
    "Value": "#VALUE!",
}  # fmt: skip
NAMED_SEPARATOR = re.compile(r"sep=(.)(\r\n|\r|\n|$)")


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
            sheets = [info.file_size for info in archive.infolist() if info.filename.startswith("xl/worksheets/")]
            if sum(sheets) > LARGE_WORKBOOK:
                check_unpacked(archive, path.stat().st_size)
            return sum(sheets)
    except (zipfile.BadZipFile, OSError, ValueError):
        return 0


def text_blocks(name: str, path: Path, start: bytes) -> Blocks:
    """Blocks of a csv; its encoding and separator are judged by its beginning."""
    encoding = encoding_of(start)
    begin = len(codecs.BOM_UTF8) if start.startswith(codecs.BOM_UTF8) else 0
    sample = codecs.getincrementaldecoder(encoding)().decode(start[begin:])
    named = NAMED_SEPARATOR.match(sample)
    if named:
        separator: str | None = named[1]
        sample, begin = sample[named.end() :], begin + named.end()
    else:
        separator = separator_of(sample)
    if separator is None:
        raise Unreadable("unknown", "The text has no columns.")
    lines = list(csv.reader(io.StringIO(sample, newline=""), delimiter=separator))[: HEAD_ROWS + 1]
    head: list[list[Value]] = [[field or None for field in line] for line in lines[:-1]]
    text = TextFile(path, encoding, begin, separator, max(map(len, head), default=0))
    notes = (f"encoding {encoding}", f"separator {separator!r}")
    return Blocks(Sheet(PurePath(name).stem, head), "csv", lambda row: numbered(text.frames(), row), notes)


def encoding_of(start: bytes) -> str:
    try:
        codecs.getincrementaldecoder("utf-8")().decode(start)
    except UnicodeDecodeError:
        return guess_encoding(start)
    return "utf-8"


@dataclass(frozen=True)
class TextFile:
    """A csv from its byte `begin` on. Plain blocks are parsed by polars; from the first odd one on csv goes on."""

    path: Path
    encoding: str
    begin: int
    separator: str
    width: int

    @property
    def schema(self) -> dict[str, pl.DataType]:
        return {f"c{c}": pl.String() for c in range(self.width)}

    def frames(self) -> Iterator[pl.DataFrame]:
        with self.path.open("rb") as file:
            file.seek(self.begin)
            place = self.begin
            for block in records(file):
                frame = self.parsed(block)
                if frame is None:
                    file.seek(place)
                    yield from self.odd_frames(file)
                    return
                place += len(block)
                yield frame

    def parsed(self, block: bytes) -> pl.DataFrame | None:
        """A block as a frame; None when its quotation marks or line ends are not plain, or polars does not read it."""
        if not is_plain(block, self.separator):
            return None
        try:
            text = block if self.encoding == "utf-8" else block.decode(self.encoding).encode()
            frame = pl.read_csv(
                text, has_header=False, separator=self.separator, schema=self.schema, quote_char='"',
                raise_if_empty=False, truncate_ragged_lines=True, missing_columns="insert", extra_columns="ignore",
            )  # fmt: skip
        except (UnicodeDecodeError, pl.exceptions.PolarsError):
            return None
        has_empty = b'"' in block and b'""' in block  # a single byte is found much faster
        return frame.with_columns(pl.all().replace("", None)) if has_empty else frame

    def odd_frames(self, file: IO[bytes]) -> Iterator[pl.DataFrame]:
        """The rest of the file by the csv module, record by record; a mark that is never closed is kept as text."""
        lines: list[str] = []  # those of the record that is being read
        text = io.TextIOWrapper(file, self.encoding, newline="")

        def noted() -> Iterator[str]:
            for line in itertools.chain(text, [LAST_LINE]):
                lines.append(line)
                yield line

        rows: list[list[str]] = []
        try:
            for record in csv.reader(noted(), delimiter=self.separator):
                is_closed = record == [LAST_LINE.strip("\n")]
                if lines[-1] == LAST_LINE and not is_closed:
                    rows += csv.reader(lines[:-1], delimiter=self.separator, quoting=csv.QUOTE_NONE)
                elif not is_closed:
                    rows.append(record)
                lines.clear()
                if len(rows) >= ODD_ROWS:
                    yield self.frame(rows)
                    rows = []
        except UnicodeDecodeError:
            raise Unreadable("corrupt", f"The text begins as {self.encoding}, but does not go on so.") from None
        except csv.Error:
            raise Unreadable("corrupt", "The text has a field that does not end.") from None
        yield self.frame(rows)

    def frame(self, rows: list[list[str]]) -> pl.DataFrame:
        nothing = [None] * self.width
        cells = [[*(field or None for field in row), *nothing][: self.width] for row in rows]
        return pl.DataFrame(cells, schema=self.schema, orient="row")


def records(file: IO[bytes]) -> Iterator[bytes]:
    """Blocks that end where a record ends: at a line end with even quotes before it."""
    rest = b""
    while chunk := file.read(BLOCK):
        chunk = rest + chunk
        end = last = chunk.rfind(b"\n") + 1
        for _ in range(LINES_OF_RECORD):
            if b'"' not in chunk or chunk.count(b'"', 0, end) % 2 == 0:
                break
            end = chunk.rfind(b"\n", 0, chunk.rfind(b'"', 0, end)) + 1
        else:
            end = last
        if not end and len(chunk) > FIELD_LIMIT:
            end = len(chunk)
        block, rest = chunk[:end], chunk[end:]
        if block:
            yield block
    if rest:
        yield rest


def is_plain(block: bytes, separator: str) -> bool:
    """Whether all line ends have a line feed and all quotation marks stand around whole fields."""
    if b"\r" in block and block.count(b"\r") != block.count(b"\r\n"):
        return False
    return b'"' not in block or b'"' not in quoted_field(separator).sub(b"", block)


@cache
def quoted_field(separator: str) -> re.Pattern[bytes]:
    s = re.escape(separator.encode())
    return re.compile(rb'"(?<![^%s\n]")[^"]*(?:""[^"]*)*"(?![^%s\r\n])' % (s, s))


def numbered(frames: Iterable[pl.DataFrame], first: int) -> Iterator[pl.DataFrame]:
    """Frames with the number of each row, from the row `first` on, without blank rows at the end of all."""
    number, waiting = 1, pl.DataFrame()
    for frame in frames:
        together = frame if waiting.is_empty() else pl.concat([waiting, frame])
        numbers = pl.int_range(number, number + len(together), dtype=pl.Int32, eager=True).alias("row")
        filled = len(together) - blank_rows_at_end(together)
        waiting = together[filled:]
        number += filled
        part = together[:filled].insert_column(0, numbers[:filled])
        part = part if number - filled >= first else part.filter(pl.col("row") >= first)
        if len(part):
            yield part


def blank_rows_at_end(frame: pl.DataFrame) -> int:
    if not len(frame) or any(value is not None for value in frame.row(-1)):
        return 0
    filled = frame.select(pl.any_horizontal(pl.all().is_not_null())).to_series().arg_true()
    return len(frame) - (int(filled[-1]) + 1 if len(filled) else 0)


def workbook_blocks(path: Path) -> Blocks | None:
    """Blocks of a large xlsx that has one sheet with cells, every cell as text; None when it has several or none."""
    try:
        with refusals("xlsx"):
            book = fastexcel.read_excel(path)
            loaded = [book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string") for name in book.sheet_names]
            filled = [each for each in loaded if each.height]
            if len(filled) != 1:
                return None
            sheet = filled[0]
            frame, errors = sheet.to_arrow_with_errors()
    except fastexcel.FastExcelError as error:
        raise Unreadable("corrupt", f"The workbook does not open: {type(error).__name__}.") from None
    places = [column.absolute_index for column in sheet.available_columns()]
    table = with_errors(pl.DataFrame(frame), errors.errors if errors else ())
    table.columns = [f"c{place}" for place in places]
    width = max(places) + 1
    top = table.head(HEAD_ROWS).select(
        pl.col(f"c{c}") if f"c{c}" in table.columns else pl.lit(None, dtype=pl.String).alias(f"c{c}")
        for c in range(width)
    )

    def parts() -> Iterator[pl.DataFrame]:
        return (table[first : first + WORKBOOK_BLOCK] for first in range(0, len(table), WORKBOOK_BLOCK))

    head: list[list[Value]] = [list(line) for line in top.iter_rows()]
    notes = ("large workbook, cells read as text",)
    return Blocks(Sheet(sheet.name, head), "xlsx", lambda row: numbered(parts(), row), notes)


def with_errors(table: pl.DataFrame, errors: Iterable[fastexcel.CellError]) -> pl.DataFrame:
    """A frame with the texts of its error cells, which fastexcel leaves blank."""
    by_column: dict[int, dict[int, str]] = {}
    for error in errors:
        row, column = error.position
        found = ERROR_NAME.search(error.detail)
        by_column.setdefault(column, {})[row] = ERROR_TEXTS.get(found[1] if found else "", "#VALUE!")
    for column, cells in by_column.items():
        texts = table.to_series(column).scatter(pl.Series(list(cells), dtype=pl.UInt32), list(cells.values()))
        table = table.with_columns(texts)
    return table
