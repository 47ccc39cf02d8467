"""Who looks: the region, or a reporting unit. What each sees of marts the database decides: its pages are read by a
connection that has the rights of its readers (`warehouse/schema/access.py`) and no others."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass
from functools import cached_property

import polars as pl

from contracts.regions.pack import Region
from contracts.vocabulary import reporting_units
from flows.presentation.slide_data import Night
from warehouse.marts.definitions import Mart
from warehouse.marts.published import mart_around, mart_named
from warehouse.marts.sources import counted_places

OF_REGION = "region"
"""The folder of those who see all of a region."""
CORRECTIONS, AROUND = "corrections", 31
"""The mart of what was said otherwise later, and of how many days before and after the date its page tells too."""


@dataclass(frozen=True)
class PageAudience:
    """`unit` is empty for those who see all of the region; `name` is how it is called."""

    region: Region
    unit: str
    name: str

    @property
    def folder(self) -> str:
        """Its folder on the site."""
        return f"{self.region.code}/{self.unit or OF_REGION}"

    def has(self, definition: Mart) -> bool:
        """Has its folder a page for a mart? That of a unit has none for what is closed to all units, and no region's
        for what is of the country."""
        return definition.audience.kind not in (("closed", "country") if self.unit else ("country",))


@dataclass(frozen=True)
class Whole(Night):
    """A night by the connection of the owner, who is asked which documents counted."""

    @cached_property
    def places(self) -> pl.DataFrame:
        """The documents that counted, with the cells in which they are read (`counted_places`)."""
        return counted_places(self.connection, self.region.code, self.as_of, self.known_at)


@dataclass(frozen=True, kw_only=True)
class Seen(Night):
    """A night by the connection of an audience. `whole` is that of the owner; `books` are the workbooks written so far
    of what several audiences see alike."""

    audience: PageAudience
    whole: Whole
    books: dict[str, bytes]

    def rows(self, name: str) -> pl.DataFrame:
        """The rows of a mart. Corrections are read once with those of the dates around: to plan that takes longer than
        all else of the page of the mart."""
        if name == CORRECTIONS and name not in self.read:
            of_date = self.corrections_around.filter(pl.col("as_of") == self.as_of)
            self.read[name] = of_date.sort("position") if of_date.height else of_date
        return super().rows(name)

    @cached_property
    def corrections_around(self) -> pl.DataFrame:
        """The corrections of the date and those around it, the latest first."""
        corrections = mart_named(CORRECTIONS)
        return mart_around(self.connection, corrections, self.as_of, self.known_at, self.region.code, AROUND)

    @cached_property
    def documents(self) -> pl.DataFrame:
        """form, sender, delivery_id of the documents of the audience that counted."""
        return self._own(self.whole.documents)

    @cached_property
    def places(self) -> pl.DataFrame:
        """The documents of the audience that counted, with the cells in which they are read (`counted_places`)."""
        return self._own(self.whole.places)

    def _own(self, documents: pl.DataFrame) -> pl.DataFrame:
        return documents.filter(pl.col("sender") == self.audience.unit) if self.audience.unit else documents


def audiences(region: Region, as_of: dt.date) -> list[PageAudience]:
    """The region's own audience, then one for each reporting unit of a date."""
    units = reporting_units(as_of, region.code).iter_rows(named=True)
    of_units = (PageAudience(region, row["reporting_unit"], row["name"]) for row in units)
    return [PageAudience(region, "", region.name), *of_units]
