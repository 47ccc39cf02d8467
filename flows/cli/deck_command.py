"""`profmin deck`: the presentation of a region."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

from documents.writing.deck_template import UnfitTemplate
from flows.cli.mart_command import put_data
from flows.cli.terminal import console
from flows.home.asked_region import asked_region
from flows.home.connection import warehouse
from flows.home.settings import Settings
from flows.home.usage import UsageError, in_zone
from flows.presentation.region_deck import NotPublished, default_name, make_deck


def write_slides(
    settings: Settings, as_of: dt.date | None, known_at: dt.datetime | None, to: Path | None, region: str | None
) -> None:
    """Write the deck into a file, and say where. Raises UsageError where nothing is published or the master unfit."""
    chosen = asked_region(region)
    moment = in_zone(known_at, chosen.zone) if known_at else None
    with warehouse(settings) as engine, engine.connect() as connection:
        try:
            day, data = make_deck(connection, chosen, as_of, moment)
        except NotPublished:
            raise UsageError(
                "nothing of that date was published (by then): profmin mart readiness_region says what there is",
                "за эту дату (к этому времени) ничего не опубликовано; что есть, скажет profmin mart readiness_region",
            ) from None
        except UnfitTemplate as error:
            raise UsageError(str(error), str(error)) from None
    file = to or default_name(chosen, day)
    put_data(data, file)
    console(error=True).print(f"Презентация на {day:%d.%m.%Y}: {file}", soft_wrap=True, highlight=False)
