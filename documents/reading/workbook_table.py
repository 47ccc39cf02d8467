"""A large workbook as one table of texts, written as Arrow blocks: cells are not made one by one."""

from __future__ import annotations

import io
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import IO
from zipfile import ZipFile

import fastexcel
import pyarrow as pa
import pyarrow.compute as pc

from contracts.grid import HEAD_ROWS, Unreadable, Value
from documents.reading.workbook import refusals

BLOCK_ROWS = 200_000
COMPRESSION = "lz4"
ERROR_NAME = re.compile(r"Error\((\w+)\)")
MERGED = re.compile(rb"mergeCell[^<>]{0,99}?ref=[\"']\$?[A-Z]+\$?(\d+):\$?[A-Z]+\$?(\d+)[\"']")
MOST_HEADING_ROWS = 5
"""Rows over which cells of a heading are merged, at most."""
PIECE = 1 << 20
LONGEST_TAG = 200
ERROR_TEXTS = {
    "Div0": "#DIV/0!", "NA": "#N/A", "Name": "#NAME?", "Null": "#NULL!", "Num": "#NUM!", "Ref": "#REF!",
    "Value": "#VALUE!",
}  # fmt: skip


@dataclass(frozen=True)
class WorkbookTable:
    """The sheet that was written, its first rows, and the decisions of the reader."""

    sheet: str
    head: list[list[Value]]
    notes: tuple[str, ...] = ("large workbook, cells read as text",)


def write_table(source: Path | bytes, to: IO[bytes], block_rows: int = BLOCK_ROWS) -> WorkbookTable | None:
    """Write the cells of a large xlsx that has one filled sheet, in blocks of columns `c0`, `c1`, … of text.

    None when it has several or none, or when cells are merged over its rows, which only the reader of cells knows.
    Raises Unreadable.
    """
    if merges_rows(source):
        return None
    try:
        with refusals("xlsx"):
            book = fastexcel.read_excel(source)
            loaded = [book.load_sheet(name, header_row=None, skip_rows=0, dtypes="string") for name in book.sheet_names]
            filled = [each for each in loaded if each.height]
            if len(filled) != 1:
                return None
            sheet = filled[0]
            cells, errors = sheet.to_arrow_with_errors()
    except fastexcel.FastExcelError as error:
        raise Unreadable("corrupt", f"The workbook does not open: {type(error).__name__}.") from None
    places = [column.absolute_index for column in sheet.available_columns()]
    columns = with_errors(cells.columns, errors.errors if errors else ())
    table = pa.RecordBatch.from_arrays(columns, names=[f"c{place}" for place in places])
    options = pa.ipc.IpcWriteOptions(compression=COMPRESSION)
    with pa.ipc.new_file(to, table.schema, options=options) as blocks:
        for first in range(0, table.num_rows, block_rows):
            blocks.write_batch(table.slice(first, block_rows))
    top = dict(zip(places, (column.slice(0, HEAD_ROWS).to_pylist() for column in columns), strict=True))
    rows = min(HEAD_ROWS, table.num_rows)
    nothing = [None] * rows
    head = [list(row) for row in zip(*(top.get(place, nothing) for place in range(max(places) + 1)), strict=True)]
    return WorkbookTable(sheet.name, head)


def merges_rows(source: Path | bytes) -> bool:
    """Whether cells of an ordinary xlsx are merged over rows of data, and not only in its titles and headings."""
    with ZipFile(io.BytesIO(source) if isinstance(source, bytes) else source) as archive:
        for name in archive.namelist():
            if name.startswith("xl/worksheets/") and name.endswith(".xml"):
                with archive.open(name) as part:
                    if any(first != last and is_of_data(first, last) for first, last in merged_rows(part)):
                        return True
    return False


def is_of_data(first: int, last: int) -> bool:
    """Whether rows that are merged from first to last are of the data, and no title or heading."""
    return first > HEAD_ROWS or last - first >= MOST_HEADING_ROWS


def merged_rows(part: IO[bytes]) -> Iterator[tuple[int, int]]:
    """First and last row of each merged range of a sheet, a piece of its XML at a time."""
    rest = b""
    while piece := part.read(PIECE):
        rest += piece
        if b"mergeCell" in rest:
            yield from ((int(match[1]), int(match[2])) for match in MERGED.finditer(rest))
        rest = rest[max(rest.rfind(b"<"), len(rest) - LONGEST_TAG) :]


def with_errors(columns: list[pa.Array], errors: Iterable[fastexcel.CellError]) -> list[pa.Array]:
    """The columns with the texts of their error cells, which fastexcel leaves blank."""
    by_column: dict[int, dict[int, str]] = {}
    for error in errors:
        row, column = error.position
        match = ERROR_NAME.search(error.detail)
        by_column.setdefault(column, {})[row] = ERROR_TEXTS.get(match[1] if match else "", "#VALUE!")
    return [with_texts(column, by_column.get(place, {})) for place, column in enumerate(columns)]


def with_texts(column: pa.Array, texts: Mapping[int, str]) -> pa.Array:
    """The column with these texts in these rows."""
    if not texts:
        return column
    rows = sorted(texts)
    is_one = [False] * len(column)
    for row in rows:
        is_one[row] = True
    return pc.replace_with_mask(column, pa.array(is_one), pa.array([texts[row] for row in rows], column.type))
