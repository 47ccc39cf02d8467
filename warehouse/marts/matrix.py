"""A figure of a mart as it was known at each publication: a row a date, a column a publication."""

from __future__ import annotations

import datetime as dt

import polars as pl
from sqlalchemy import Connection, text

from warehouse.core.frames import frame
from warehouse.marts.columns import kind
from warehouse.marts.definitions import Mart
from warehouse.marts.published import mart_named

# A date is read at the moments at which it was published: between two of them nothing published of it moves.
TOLD = """
SELECT p.as_of, p.published_at AS known_at, {figure} AS figure
FROM (
    SELECT DISTINCT as_of, published_at FROM ops.publication
    WHERE region = :region AND (CAST(:as_of AS date) IS NULL OR as_of = :as_of)
      AND (CAST(:known_at AS timestamptz) IS NULL OR published_at <= :known_at)
) p
CROSS JOIN LATERAL {as_known}(p.as_of, p.published_at, :region) m
GROUP BY p.as_of, p.published_at
ORDER BY p.as_of, p.published_at
"""
FIGURES = ("целое", "число", "доля")


def figures_of(name: str) -> list[str]:
    """Columns of a mart whose sum or share over a region says something. Raises KeyError for no mart."""
    definition = mart_named(name)
    if _is_region(definition):
        kinds = {column: kind(column, *definition.kinds) for column in definition.columns}
        return [column for column, (of_kind, unit) in kinds.items() if of_kind in FIGURES and unit != "номер"]
    return sorted({*definition.stated.measures, *(rate.name for rate in definition.stated.rates)})


def is_share(name: str, figure: str) -> bool:
    """Is a figure of a mart a share?"""
    return kind(figure, *mart_named(name).kinds)[0] == "доля"


def matrix(
    connection: Connection,
    name: str,
    figure: str,
    region: str,
    as_of: dt.date | None = None,
    known_at: dt.datetime | None = None,
) -> pl.DataFrame:
    """as_of, known_at, figure, is_changed: the sum (of shares the share of sums) over a region, a row for each date and
    each publication since the date had one. `is_changed` says that the publication before knew another figure.

    `figure` is one of `figures_of`; `as_of` asks for one date, `known_at` for what was published by then.
    """
    definition = mart_named(name)
    statement = TOLD.format(figure=_sum(definition, figure), as_known=definition.as_known)
    told = frame(connection, statement, {"region": region, "as_of": as_of, "known_at": known_at})
    moments = text("""
        SELECT DISTINCT published_at FROM ops.publication
        WHERE region = :region AND (CAST(:known_at AS timestamptz) IS NULL OR published_at <= :known_at)
    """)
    asked = {"region": region, "known_at": known_at}
    columns = pl.DataFrame(
        {"known_at": connection.scalars(moments, asked).all()}, schema={"known_at": told.schema["known_at"]}
    )
    cells = told.select("as_of").unique().join(columns, how="cross").sort("as_of", "known_at")
    known = cells.join_asof(told.sort("known_at"), on="known_at", by="as_of", check_sortedness=False)
    since = told.group_by("as_of").agg(pl.col("known_at").min().alias("since"))
    before = pl.col("figure").shift(1).over("as_of", order_by="known_at")
    has_before = pl.col("known_at").rank("ordinal").over("as_of") > 1
    return (
        known.join(since, on="as_of")
        .filter(pl.col("known_at") >= pl.col("since"))
        .sort("as_of", "known_at")
        .with_columns((has_before & pl.col("figure").ne_missing(before)).alias("is_changed"))
        .select("as_of", "known_at", "figure", "is_changed")
    )


def _is_region(definition: Mart) -> bool:
    """Is a row of it the region?"""
    return definition.is_view and not definition.key


def _sum(definition: Mart, figure: str) -> str:
    """What of the rows of a date is the figure of the region, in SQL."""
    rate = next((rate for rate in definition.stated.rates if rate.name == figure), None)
    if rate is not None and not _is_region(definition):
        known = f"FILTER (WHERE m.{rate.numerator} IS NOT NULL AND m.{rate.denominator} IS NOT NULL)"
        return f"(sum(m.{rate.numerator}) {known} / nullif(sum(m.{rate.denominator}) {known}, 0))::numeric"
    return f"max(m.{figure})::numeric" if _is_region(definition) else f"sum(m.{figure})::numeric"
