"""What follows each publication: a release for the public, where the region's pack says so, and the page, where a home
says in which folder it lies."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from contracts.regions.openness import told_to
from contracts.regions.pack import Region
from flows.home.bi_database import readable_after
from flows.home.faults import LOGGER, guarded
from flows.home.settings import Settings
from warehouse.marts.public_release import make_release

if TYPE_CHECKING:
    from sqlalchemy import Engine


def write_site(engine: Engine, settings: Settings, region: Region) -> None:
    """Tell the public, when it is time, and write the pages of a region's last date. The figures are published: what
    cannot be told or written is logged, and the next publication tries again."""
    guarded("making a release for the public", lambda: tell_public(engine, region))
    folder = settings.site
    if folder is None:
        return

    def written() -> None:
        from flows.page.site import build_site  # brings what writes slides and workbooks
        from flows.presentation.region_deck import NotPublished

        try:
            with readable_after(settings, engine) as read:
                done = build_site(read, region, folder)
        except NotPublished:
            return
        LOGGER.info("%d files of the page of %s", done.files, done.address.as_of)

    guarded("writing the page", written)


def tell_public(engine: Engine, region: Region) -> dt.date | None:
    """Make a release for the public when a region's pack has opened them and it is time; returns its date."""
    rule = told_to(region, "public")
    made = make_release(engine, region.code, rule) if rule else None
    if made:
        LOGGER.info("the release for the public of %s", made)
    return made
