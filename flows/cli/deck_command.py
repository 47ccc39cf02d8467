"""`profmin deck`: the presentation of a region or of the country."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from contracts.regions import COUNTRY_ZONE
from documents.writing.deck_template import UnfitTemplate
from flows.cli.mart_command import put_data
from flows.cli.terminal import console, in_russian
from flows.home.asked_region import asked_region
from flows.home.bi_database import readable
from flows.home.settings import Settings
from flows.home.usage import UsageError, in_zone
from flows.presentation.country_deck import make_country_deck
from flows.presentation.country_night import country_night
from flows.presentation.mart_sheets import COUNTRY_NAME
from flows.presentation.region_deck import NotPublished, default_name, make_deck


def write_slides(
    settings: Settings,
    as_of: dt.date | None,
    known_at: dt.datetime | None,
    to: Path | None,
    region: str | None,
    *,
    country: bool = False,
) -> None:
    """Write the deck of a region, or of the country, into a file, and say where. Raises UsageError where nothing is
    published or the master unfit."""
    if country and region is not None:
        raise UsageError("--country is of all regions: leave --region out", "--country — обо всех: уберите --region")
    chosen = None if country else asked_region(region)
    moment = in_zone(known_at, chosen.zone if chosen else COUNTRY_ZONE) if known_at else None
    with readable(settings, in_russian) as engine, engine.connect() as connection:
        try:
            if chosen is None:
                night = country_night(connection, connection, as_of, moment)
                day, data = night.as_of, make_country_deck(night)
            else:
                day, data = make_deck(connection, chosen, as_of, moment)
        except NotPublished:
            raise UsageError(
                "nothing of that date was published (by then): profmin mart readiness_region says what there is",
                "за эту дату (к этому времени) ничего не опубликовано; что есть, скажет profmin mart readiness_region",
            ) from None
        except UnfitTemplate as error:
            raise UsageError(str(error), str(error)) from None
    file = to or (default_name(chosen.name, day) if chosen else default_name(COUNTRY_NAME, day))
    put_data(data, file)
    console(error=True).print(f"Презентация на {day:%d.%m.%Y}: {file}", soft_wrap=True, highlight=False)
