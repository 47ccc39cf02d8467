"""The systems of the source on a date, a line each: a figure, of how many, its band, and who has said nothing.

Which mart and which of its columns tell of a system is data, `contracts/vocabulary/systems.csv`. Figures are summed
over the rows of the mart in which figure and denominator are both known, so a share is that of those who have reported.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from typing import Any

import polars as pl
from sqlalchemy import Connection, text

from contracts.forms import form_named
from contracts.vocabulary import reporting_units, rows
from warehouse.marts.definitions import RULE, Mart
from warehouse.marts.published import mart, mart_named

BANDED = """
SELECT t.*, CASE WHEN t.rule IS NOT NULL THEN (
    SELECT b.band FROM ref.band_of(:region, t.rule, (t.figure / nullif(t.whole, 0))::numeric) b
) END AS band
FROM ({select}) t
"""
PLACE = re.compile(r"{(\w+)}")


@dataclass(frozen=True)
class System:
    """A system on a date. `figure` is None where nothing is known, `band` where its mart has no rule for one.

    `words` say what is counted, with the further figures of `named` in braces. Of `senders` reporting units `sent` have
    sent its form; both are None of a form that an office sends. `lacks` is how many are wanting in the sense of
    `lacks_words`.
    """

    system: str
    name: str
    words: str
    named: dict[str, float | None]
    figure: float | None
    of: float | None
    band: str | None
    sent: int | None
    senders: int | None
    lacks: float | None
    lacks_words: str

    @property
    def is_known(self) -> bool:
        """Is there anything to tell: a figure, or what is wanting for one?"""
        return self.figure is not None or bool(self.lacks)

    @property
    def rate(self) -> float | None:
        """The share; None of nothing."""
        return self.figure / self.of if self.figure is not None and self.of else None


def systems_at(
    connection: Connection, region: str, as_of: dt.date, known_at: dt.datetime | None = None
) -> tuple[System, ...]:
    """The systems in their order, as published for a region and date; with `known_at` as then."""
    units = reporting_units(as_of, region)["reporting_unit"].to_list()
    came = mart(connection, "delivery_health", as_of, known_at, region).filter("is_received")
    found = []
    for row in rows("systems"):
        named = PLACE.findall(row["words"])
        told = _told(connection, row, named, {"region": region, "as_of": as_of, "known_at": known_at})
        form = form_named(row["forms"].split()[0])
        of_units = form.sender_kind == "reporting_unit"
        sent = came.filter((pl.col("form") == form.name) & pl.col("sender").is_in(units)).height
        found.append(System(
            row["system"], row["name"], row["words"], {column: told[column] for column in named}, told["figure"],
            told["whole"], told["band"], sent if of_units else None, len(units) if of_units else None, told["lacks"],
            row["lacks_words"],
        ))  # fmt: skip
    return tuple(found)


def _told(connection: Connection, row: dict[str, str], named: list[str], asked: dict[str, Any]) -> dict[str, Any]:
    """The sums of a system, None of nothing known, and the band of its share by the rule of the mart's own bands."""
    definition = mart_named(row["mart"])
    figure, of = row["figure"], row["of"]
    known = f"FILTER (WHERE {figure} IS NOT NULL AND {of} IS NOT NULL)"
    sums = {"figure": f"(sum({figure}) {known})::float8", "whole": f"(sum({of}) {known})::float8"}
    sums |= {name: f"sum({name})::float8" for name in named}
    sums["lacks"] = f"sum({row['lacks']})::float8" if row["lacks"] else "NULL"
    sums["rule"] = f"max({RULE})" if _has_band(definition, figure) else "NULL::text"
    yielded = ", ".join(f"{what} AS {name}" for name, what in sums.items())
    relation = (
        definition.relation if asked["known_at"] is None else f"{definition.as_known}(:as_of, :known_at, :region)"
    )
    select = f"SELECT {yielded} FROM {relation} WHERE region = :region AND as_of = :as_of"
    return dict(connection.execute(text(BANDED.format(select=select)), asked).mappings().one())


def _has_band(definition: Mart, figure: str) -> bool:
    """Does the mart, or the one whose rows it sums up, judge the share of a figure?"""
    stating = [definition, *(mart_named(name) for name in definition.marts_read)]
    return any(rate.band and rate.numerator == figure for mart in stating for rate in mart.stated.rates)
