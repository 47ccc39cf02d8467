"""Rows of column numbers and of units among the rows of a large table, as on each page of a printed one."""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from transforms.cells.numbering import is_numbering
from transforms.headings.unit_row import is_unit_row

LONGEST = 40
"""Characters of what such a row says in a column."""


def page_rows(rows: pl.DataFrame, names: Sequence[str], first: str) -> pl.Series | None:
    """True for rows that have only column numbers, or only units, in columns `names`; None when there are none.

    `first` is a column that rows of data fill with several words: only others are looked at one by one.
    """
    candidates = (~rows[first].str.contains(" ", literal=True)).fill_null(True).arg_true()
    short = pl.all_horizontal(pl.col(names).is_null() | (pl.col(names).str.len_chars() <= LONGEST))
    candidates = candidates.filter(rows[candidates].select(short).to_series())
    indices = [
        index
        for index, *cells in rows[candidates].select(names).insert_column(0, candidates.alias("index")).iter_rows()
        if _is_page_row([text for text in cells if text and not text.isspace()])
    ]
    return pl.int_range(len(rows), eager=True).is_in(indices) if indices else None


def _is_page_row(texts: Sequence[str]) -> bool:
    return (len(texts) > 1 and is_numbering(texts, gaps=True)) or is_unit_row(texts)
