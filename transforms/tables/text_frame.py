"""The rows of a table as a frame of texts."""

from __future__ import annotations

import polars as pl

from contracts.grid import Sheet
from transforms.cells.cell import cell_text
from transforms.headings.header import Heading
from transforms.tables.merged import Fault, joined_cells, kinds_of, shared_numbers, spread_down


def text_frame(sheet: Sheet, heading: Heading) -> tuple[pl.DataFrame, dict[int, dict[int, Fault]]]:
    """The rows under a heading as text: row Int32 counted from 1, c0, c1, … String; and the numbers that they share.

    Merged cells count for every row that they cover (`transforms.tables.merged`).
    """
    rows = heading.below(sheet)
    width = max((len(row) for row in sheet.rows), default=0)
    texts = {r: [cell_text(value) for value in sheet.rows[r]] for r in rows}
    shared: dict[int, dict[int, Fault]] = {}
    if sheet.merged and rows:
        kinds = kinds_of(heading)
        joined = joined_cells(sheet, rows[0], rows[-1] + 1, kinds)
        spread_down(texts, joined, kinds)
        shared = shared_numbers({r: cells for r, cells in texts.items() if any(cells)}, joined, kinds)
    columns = {
        f"c{c}": pl.Series([row[c] if c < len(row) else None for row in texts.values()], dtype=pl.String)
        for c in range(width)
    }
    return pl.DataFrame({"row": pl.Series([r + 1 for r in rows], dtype=pl.Int32), **columns}), shared
