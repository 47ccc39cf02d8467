"""Which rows break which rules, by pandera's own checks."""

from __future__ import annotations

from collections.abc import Collection

import pandera.errors
import pandera.polars as pa
import polars as pl

from transforms.cells.parse import MANY
from transforms.rows.contract import Contract

CASES = {"index": pl.Int64, "rule": pl.String, "column": pl.String}
"""Rows that break rules."""


def broken_rows(typed: pl.DataFrame, compiled: Contract) -> pl.DataFrame:
    """Rows that break rules: index, rule, column.

    Pandera is asked only the checks that something breaks, for each costs as much of a small frame as of a large one;
    of many rows that are judged alone, only about those that break one. A frame that is not typed is for the whole
    schema to refuse.
    """
    types = typed.schema
    if any(types.get(name) != column.dtype.type for name, column in compiled.schema.columns.items()):
        return broken(typed, compiled.schema)
    judgements = compiled.judgements
    fails = typed.select((~each.check.fill_null(True)).alias(str(n)) for n, each in enumerate(judgements.values()))
    fails_somewhere = fails.select(pl.all().any()).row(0)
    failing = {pair for pair, does in zip(judgements, fails_somewhere, strict=True) if does}
    if len(typed) < MANY or compiled.asks_of_others:
        return _cases(typed, compiled.schema, failing)
    rows = fails.select(pl.any_horizontal(pl.all()).arg_true()).to_series()
    cases = _cases(typed[rows], compiled.schema, failing)
    return cases.with_columns(rows.gather(cases["index"]).cast(pl.Int64).alias("index"))


def _cases(typed: pl.DataFrame, schema: pa.DataFrameSchema, asked: Collection[tuple[str, str]]) -> pl.DataFrame:
    """Rows of a typed frame that break some of the rules, each a rule of a column: what `broken` says of them. Pandera
    puts its errors into frames again and again, so its checks are asked without its schema."""
    frames = [pl.DataFrame(schema=CASES)]
    for name, column in schema.columns.items():
        for check in column.checks:
            if (check.error, name) in asked:
                output = check(typed.lazy(), name).check_output.collect().to_series()
                index = (~output).arg_true().cast(pl.Int64)
                told = index.alias("index").to_frame().with_columns(rule=pl.lit(check.error), column=pl.lit(name))
                frames.append(told)
    return pl.concat(frames)


def broken(typed: pl.DataFrame, schema: pa.DataFrameSchema) -> pl.DataFrame:
    """Rows that break rules, by pandera: index, rule, column. Raises SchemaErrors if the frame itself is not typed."""
    nothing = pl.DataFrame(schema=CASES)
    if typed.is_empty():
        return nothing
    try:
        schema.validate(typed, lazy=True)
    except pandera.errors.SchemaErrors as errors:
        cases = errors.failure_cases
        if cases["index"].null_count():
            raise
        broken_rules = cases.select(pl.col("index").cast(pl.Int64), rule="check", column="column")
        return nothing.vstack(broken_rules).unique(maintain_order=True)
    return nothing
