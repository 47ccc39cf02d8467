"""Two texts of a row said anew: rows that differ are asked once, and what is told of them is put in their place."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import polars as pl


def retold(raw: pl.DataFrame, rows: pl.DataFrame, asked: str, tell: Callable[..., tuple[Any, Any]]) -> pl.DataFrame:
    """`raw` with the first two columns of `rows` as `tell` says them of the values of a row.

    `rows` are those of `raw`, in their order; only those are asked that have something in the column `asked`.
    """
    first, second = rows.columns[:2]
    differing = rows.filter(pl.col(asked).is_not_null()).unique(maintain_order=True)
    told = [(*row, *tell(*row)) for row in differing.iter_rows()]
    told = [row for row in told if row[:2] != row[-2:]]
    if not told:
        return raw
    schema = pl.Schema({**rows.schema, "of_first": pl.String(), "of_second": pl.String()})
    found = rows.join(
        pl.DataFrame(told, schema=schema, orient="row").with_columns(is_told=True), on=rows.columns, how="left",
        maintain_order="left", nulls_equal=True,
    )  # fmt: skip
    is_told = found["is_told"].fill_null(False)
    return raw.with_columns(
        found["of_first"].zip_with(is_told, raw[first]).alias(first),
        found["of_second"].zip_with(is_told, raw[second]).alias(second),
    )
