"""The marts of the country of a date, as known at a moment, and what is said of them in words."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import polars as pl

from contracts.regions import COUNTRY_ZONE, regions
from contracts.vocabulary import rows as vocabulary
from flows.home.shown import local_time
from flows.presentation.mart_sheets import COUNTRY_NAME
from flows.presentation.region_deck import NotPublished
from warehouse.marts.country import COUNTRY
from warehouse.marts.published import first_published, mart
from warehouse.marts.sources import last_publication

if TYPE_CHECKING:
    from sqlalchemy import Connection

SYSTEMS, REGIONS = "national_systems", "national_regions"
Row = Mapping[str, Any]


@dataclass(frozen=True)
class CountryNight:
    """The country on a date, as regions had published at a moment; each mart is read once."""

    connection: Connection
    as_of: dt.date
    known_at: dt.datetime
    read: dict[str, pl.DataFrame] = field(default_factory=dict)

    def rows(self, name: str) -> pl.DataFrame:
        """The rows of a mart of the country."""
        if name not in self.read:
            self.read[name] = mart(self.connection, name, self.as_of, self.known_at, COUNTRY)
        return self.read[name]

    @property
    def shown_systems(self) -> list[dict[str, str]]:
        """The systems of which some region has a share, as the table of systems has them."""
        rows = self.rows(REGIONS)
        columns = {name for name in rows.columns if not rows[name].is_null().all()}
        return [row for row in vocabulary("systems") if f"{row['system']}_figure_rate" in columns]

    @property
    def footer(self) -> str:
        """What stands at the foot of slides and pages."""
        moment = local_time(self.known_at, COUNTRY_ZONE)
        return f"{COUNTRY_NAME} · на {self.as_of:%d.%m.%Y} · известно на {moment} (время {COUNTRY_ZONE})"

    @property
    def state(self) -> list[str]:
        """Of how many regions the figures are, and who is in none of them."""
        rows = self.rows(REGIONS)
        days = rows["region_as_of"].drop_nulls()
        absent = rows.filter(pl.col("region_as_of").is_null())["region_name"].to_list()
        today = rows.filter(pl.col("region_as_of") == self.as_of).height
        final = int(rows["is_final"].sum())
        there = f"Опубликовали за неделю {days.len()} из {rows.height} регионов, за сам этот день {today}"
        lines = [f"{there}; окончательны цифры {final} из {rows.height}."]
        if days.len() and days.min() != self.as_of:
            lines.append(f"От каждого региона взят его последний день; самый ранний — {days.min():%d.%m.%Y}.")  # type: ignore[str-bytes-safe]
        return [*lines, *([f"Нет: {', '.join(absent)}."] if absent else [])]


def country_night(
    connection: Connection, whole: Connection, as_of: dt.date | None = None, known_at: dt.datetime | None = None
) -> CountryNight:
    """The country's last date that some region published (by then), or the given one. `connection` reads marts, `whole`
    the publications. Raises NotPublished."""
    published = first_published(whole)
    days = [day for day, at in published.items() if (known_at is None or at <= known_at) and as_of in (None, day)]
    moments = [last_publication(whole, region.code, known_at) for region in regions()]
    moment = max((each for each in moments if each is not None), default=None)
    if moment is None or not days:
        raise NotPublished
    return CountryNight(connection, max(days), moment)
