"""Row accounting: every row of a file has one outcome, and all of them are counted."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from contracts.grid import Grid
from contracts.reading import Rows
from transforms.rows.contract import SCHOOL_KINDS
from transforms.rows.judged import Names, Part, part_of
from transforms.tables.header import Heading
from transforms.tables.identify import Delivery
from transforms.tables.resolve import Register
from transforms.tables.table_rows import Row


def sheet_parts(grid: Grid, delivery: Delivery, schools: Register | None, aliases: Mapping[str, str]) -> list[Part]:
    """The rows of every sheet with what they are, in their order.

    Those of a sheet without the table are notes whose cells are not kept: they may be a list of pupils.
    """
    form, edition = delivery.form, delivery.edition
    if form is None or edition is None:
        return []
    keys = [c.name for c in edition.columns if c.kind in SCHOOL_KINDS or (c.kind == "unit" and c.name in form.key)]
    keys = keys or list(form.key)
    headings: dict[int, list[Heading]] = {}
    for sheet, heading in delivery.headings:
        headings.setdefault(id(sheet), []).append(heading)
    parts = []
    for sheet in grid.sheets:
        own_headings = headings.get(id(sheet), [])
        if not own_headings:
            blank = [all(value is None or value == "" for value in row) for row in sheet.rows]
            rows_there = [Row(r + 1, "blank" if is_blank else "note", []) for r, is_blank in enumerate(blank)]
            parts.append(Part(sheet.name, None, rows_there))
        for heading in own_headings:
            parts.append(part_of(sheet, heading, keys, Names(heading, schools, aliases)))
    return parts


def kept_rows(deliveries: Iterable[Sequence[Part]], bad: Sequence[bool] | None = None) -> pl.DataFrame:
    """`RAW_ROWS` of deliveries; `bad` says of each data row whether it is set aside (all are, when it is None)."""
    answers = iter(bad) if bad is not None else itertools.repeat(True)
    sheet_rows = [(part.sheet, row) for parts in deliveries for part in parts for row in part.rows]
    outcomes_there = [
        row.outcome if row.outcome != "data" else "quarantined" if next(answers) else "loaded" for _, row in sheet_rows
    ]
    # A list column from nested Python lists is slow to build; the cells of all rows are one flat column first.
    places = [place for place, (_, row) in enumerate(sheet_rows) for _ in row.cells]
    texts = [text for _, row in sheet_rows for text in row.cells]
    cells = pl.DataFrame({"place": places, "cells": texts}, schema={"place": pl.Int64, "cells": pl.String})
    listed = cells.group_by("place", maintain_order=True).agg("cells")
    frame = pl.DataFrame(
        {
            "place": pl.Series(range(len(sheet_rows)), dtype=pl.Int64),
            "sheet": pl.Series([name for name, _ in sheet_rows], dtype=pl.String),
            "row": pl.Series([row.number for _, row in sheet_rows], dtype=pl.Int64),
            "outcome": pl.Series(outcomes_there, dtype=pl.String),
        }
    )
    joined = frame.join(listed, on="place", how="left", maintain_order="left")
    return joined.select("sheet", "row", "outcome", pl.col("cells").fill_null([]))


def counted(kept: pl.DataFrame) -> Rows:
    """The counts of `RAW_ROWS` by their outcomes."""
    loaded = int((kept["outcome"] == "loaded").sum())
    quarantined = int((kept["outcome"] == "quarantined").sum())
    return Rows(len(kept), loaded, quarantined, len(kept) - loaded - quarantined)
