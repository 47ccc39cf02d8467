"""The presentation of the source from the marts of a night: one slide a line of slides.csv."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.regions.pack import Region
from documents.writing.deck import Slide, Slides, write_deck
from flows.presentation.slide_data import Line, Night, lines
from flows.presentation.slide_layouts import LAYOUTS, state
from warehouse.marts.published import latest
from warehouse.marts.sources import last_publication

if TYPE_CHECKING:
    from sqlalchemy import Connection

TEMPLATE = "deck.pptx"
"""The master of a region's own, in its pack."""
TITLE = "О реализации профориентационного минимума: {}"
SUBTITLE = "На {:%d.%m.%Y}, по витринам мониторинга"


class NotPublished(Exception):
    """Nothing of the date was published (by then)."""


def make_deck(
    connection: Connection, region: Region, as_of: dt.date | None = None, known_at: dt.datetime | None = None
) -> tuple[dt.date, bytes]:
    """The date and the .pptx of a region; the same date and moment give the same bytes. Raises NotPublished, and
    UnfitTemplate where the region's own master cannot be used.

    The moment is that of the last publication (by `known_at`): what is asked for today and what is brought back by
    `known_at` later read the same.
    """
    moment = last_publication(connection, region.code, known_at)
    day = latest(connection, region.code, as_of, moment)
    if moment is None or day is None:
        raise NotPublished
    night = Night(connection, region, day, moment)
    told: list[tuple[Line, Slide]] = []
    for line in lines():
        slide = state(line, night, told) if line.layout == "state" else LAYOUTS[line.layout](line, night)
        told.append((line, slide))
    own = region.folder / TEMPLATE
    return day, write_deck(
        Slides(
            TITLE.format(region.name),
            SUBTITLE.format(day),
            night.footer,
            [slide for _, slide in told],
            moment,
            f'Команда: profmin deck --as-of {day} --known-at "{moment.astimezone(region.zone).isoformat()}"',
            own if own.exists() else None,
        )
    )


def default_name(whose: str, day: dt.date) -> Path:
    """How a deck is called where nobody says."""
    return Path(f"Профминимум {whose} {day:%Y-%m-%d}.pptx")
