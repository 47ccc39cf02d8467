"""Who looks: the region, or a reporting unit, which sees what is its own and the region's totals ready made.

What an audience sees is decided in two places that follow one another: the connection that is its own, and `own`, the
same rule over rows that were read already.
"""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl

from contracts.regions.pack import Region
from contracts.vocabulary import reporting_units
from flows.presentation.slide_data import Night
from warehouse.marts.definitions import Mart

OF_REGION = "region"
"""The folder of those who see all of a region."""
READY_MADE = ("region_profile",)
"""Marts of the region as a whole that a unit sees: totals of all units, from which nobody's own can be reckoned."""
OWNER_COLUMNS = ("reporting_unit", "sender")
"""Columns that say whose a row is: the first that a mart has."""


@dataclass(frozen=True)
class Audience:
    """`unit` is empty for those who see all of the region; `name` is how it is called."""

    region: Region
    unit: str
    name: str

    @property
    def folder(self) -> str:
        """Its folder on the site."""
        return f"{self.region.code}/{self.unit or OF_REGION}"

    def sees(self, definition: Mart) -> bool:
        """Has a mart rows for it?"""
        columns = definition.captions
        return not self.unit or definition.name in READY_MADE or any(name in columns for name in OWNER_COLUMNS)

    def own(self, name: str, rows: pl.DataFrame) -> pl.DataFrame:
        """The rows of a mart that it may see; none of one that does not say whose its rows are."""
        if not self.unit or name in READY_MADE:
            return rows
        owner = next((column for column in OWNER_COLUMNS if column in rows.columns), None)
        return rows.clear() if owner is None else rows.filter(pl.col(owner) == self.unit)


def audiences(region: Region, as_of: dt.date) -> list[Audience]:
    """The region's own audience, then one for each reporting unit of a date."""
    units = reporting_units(as_of, region.code).iter_rows(named=True)
    return [Audience(region, "", region.name), *(Audience(region, row["reporting_unit"], row["name"]) for row in units)]


@dataclass(frozen=True, kw_only=True)
class Seen(Night):
    """A night of which every mart has only the rows that an audience may see; `whole` is the night of the region."""

    audience: Audience
    whole: Night

    def rows(self, name: str) -> pl.DataFrame:
        """The rows of a mart that the audience may see."""
        if name not in self.read:
            self.read[name] = self.audience.own(name, self.whole.rows(name))
        return self.read[name]


def seen_by(audience: Audience, night: Night) -> Seen:
    """A night as an audience sees it."""
    return Seen(night.connection, night.region, night.as_of, night.known_at, audience=audience, whole=night)
