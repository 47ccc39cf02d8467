"""The page follows each publication, where a home says in which folder it lies."""

from __future__ import annotations

from typing import TYPE_CHECKING

from contracts.regions.pack import Region
from flows.home.bi_database import readable_after
from flows.home.faults import LOGGER, guarded
from flows.home.settings import Settings

if TYPE_CHECKING:
    from sqlalchemy import Engine


def write_site(engine: Engine, settings: Settings, region: Region) -> None:
    """Write the pages of a region's last date. The figures are published: a page that cannot be written is logged, and
    the next publication tries again."""
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
