"""Row accounting: every row of a file has one outcome, and all of them are counted."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Mapping, Sequence

import polars as pl

from contracts.grid import Grid
from contracts.reading import Rows
from transforms.headings.header import Heading
from transforms.identity.identify import Delivery
from transforms.rows.contract import SCHOOL_KINDS
from transforms.rows.judged import Names, Part, part_of
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
            parts.append(part_of(sheet, heading, keys, Names(heading, schools, aliases, delivery.sender)))
    return parts


def kept_rows(deliveries: Iterable[Sequence[Part]], bad: Sequence[bool] | None = None) -> pl.DataFrame:
    """`RAW_ROWS` of deliveries; `bad` says of each data row whether it is set aside (all are, when it is None)."""
    answers = iter(bad) if bad is not None else itertools.repeat(True)
    sheet_rows = [(part.sheet, row) for parts in deliveries for part in parts for row in part.rows]
    outcomes_there = [
        row.outcome if row.outcome != "data" else "quarantined" if next(answers) else "loaded" for _, row in sheet_rows
    ]
    return pl.DataFrame(
        {
            "sheet": pl.Series([name for name, _ in sheet_rows], dtype=pl.String),
            "row": pl.Series([row.number for _, row in sheet_rows], dtype=pl.Int64),
            "outcome": pl.Series(outcomes_there, dtype=pl.String),
            "cells": _lists([row.cells for _, row in sheet_rows]),
        }
    )


def _lists(rows: Sequence[Sequence[str | None]]) -> pl.Series:
    """A column of lists of texts; rows of one width are one flat column first, as nested lists are slow to build."""
    alike: dict[int, list[int]] = {}
    for place, cells in enumerate(rows):
        alike.setdefault(len(cells), []).append(place)
    lists = [pl.Series(dtype=pl.List(pl.String))]
    for width, places in alike.items():
        flat = pl.Series(list(itertools.chain.from_iterable(rows[place] for place in places)), dtype=pl.String)
        empty = pl.repeat([], len(places), dtype=pl.List(pl.String), eager=True)
        lists.append(flat.reshape((len(places), width)).arr.to_list() if width else empty)
    order = pl.Series(list(itertools.chain.from_iterable(alike.values())), dtype=pl.UInt32)
    return pl.concat(lists).gather(order.arg_sort())


def counted(kept: pl.DataFrame) -> Rows:
    """The counts of `RAW_ROWS` by their outcomes."""
    outcomes = kept["outcome"].to_list()
    loaded, quarantined = outcomes.count("loaded"), outcomes.count("quarantined")
    return Rows(len(kept), loaded, quarantined, len(kept) - loaded - quarantined)
