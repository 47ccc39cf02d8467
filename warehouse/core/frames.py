"""The rows of a query as a polars frame."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from decimal import Decimal

import polars as pl
from sqlalchemy import Connection, text

TYPES: dict[object, pl.DataType] = {
    16: pl.Boolean(),
    20: pl.Int64(),
    21: pl.Int64(),
    23: pl.Int64(),
    700: pl.Float64(),
    701: pl.Float64(),
    1700: pl.Float64(),
    1082: pl.Date(),
    1184: pl.Datetime("us", "UTC"),
}
"""Type of a result column by the number that Postgres gives it; everything else is text."""

TOLD_OTHERWISE = (pl.Float64(), pl.Datetime("us", "UTC"))
"""Types whose values the driver hands over as polars does not take them."""


def frame(connection: Connection, statement: str, parameters: Mapping[str, object]) -> pl.DataFrame:
    """The rows of a query, typed by what Postgres says of each column: exact numbers become Float64, times UTC."""
    result = connection.execute(text(statement), parameters)
    described = [(column[0], TYPES.get(column[1], pl.String())) for column in result.cursor.description]
    columns = list(zip(*result.tuples().all(), strict=True)) or [()] * len(described)
    return pl.DataFrame(
        [
            pl.Series(name, [_plain(value) for value in values] if dtype in TOLD_OTHERWISE else values, dtype)
            for (name, dtype), values in zip(described, columns, strict=True)
        ]
    )


def _plain(value: object) -> object:
    """A value as polars takes it into the column's type."""
    if isinstance(value, Decimal):
        return float(value)
    return value.astimezone(dt.UTC) if isinstance(value, dt.datetime) and value.tzinfo else value
