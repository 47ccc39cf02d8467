"""The site of a region: for each audience the pages of a date as published at a moment. What is there already stays."""

from __future__ import annotations

import datetime as dt
from collections import deque
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple

from contracts.regions.pack import Region
from documents.pages.render import assets
from flows.home.faults import LOGGER
from flows.home.whole_file import remove_drafts, write_changed
from flows.page.addresses import Address, Told, built, is_built, note_built, standings, tell_standings
from flows.page.carried import before, carry, note_made_of
from flows.page.first_page import first_page
from flows.page.form_pages import form_pages
from flows.page.frame import Frame
from flows.page.lines_page import lines_page
from flows.page.made_of import Page
from flows.page.page_audience import Seen, Whole, audiences
from flows.page.public_pages import write_public_pages
from flows.page.school_pages import school_pages
from flows.page.table_pages import DECK, table_pages
from flows.page.two_processes import WORTH, SecondProcess, taken
from flows.page.unit_page import unit_page, units_before
from flows.presentation.region_deck import NotPublished, make_deck
from warehouse.core.slices import holding
from warehouse.marts.sources import publications
from warehouse.schema.access import seen_by

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine


LONGEST_WAIT = dt.timedelta(minutes=30)
"""For another build of the region: all pages of one take minutes."""


class Built(NamedTuple):
    """What a build did: of which address, for how many audiences, how many files it wrote."""

    address: Address
    audiences: int
    files: int


class Site:
    """The address of a region's date (without one the last published), as published last (by `known_at`), in each
    audience's folder. Raises NotPublished."""

    def __init__(
        self, connection: Connection, region: Region, to: Path, as_of: dt.date | None, known_at: dt.datetime | None
    ) -> None:
        self._engine, self._to = connection.engine, to
        self._published = _published(connection, region)
        by_then = [each for each in self._published if known_at is None or each.known_at <= known_at]
        address = max((each for each in by_then if as_of in (None, each.as_of)), default=None)
        if address is None:
            raise NotPublished
        self.address = address
        self._night = Whole(connection, region, address.as_of, address.known_at)
        self._books: dict[str, bytes] = {}
        self.audiences = {each.unit: each for each in audiences(region, address.as_of)}

    def lacks(self, unit: str) -> bool:
        """Has the folder of a unit, or of the region, no such address?"""
        return not is_built(self._folder(unit), self.address)

    def write(self, unit: str) -> int:
        """Write the address as its audience sees the night; returns how many files were written."""
        night, audience = self._night, self.audiences[unit]
        told = self._standings(unit)[self.address]
        with seen_by(self._engine, night.region.code, unit or None) as connection:
            seen = Seen(connection, night.region, night.as_of, night.known_at, audience=audience, whole=night,
                        books=self._books)  # fmt: skip
            return _write(self._folder(unit), told, _pages(seen, told))

    def look_again(self) -> None:
        """Know what was published meanwhile."""
        self._published = _published(self._night.connection, self._night.region)

    def tell(self, unit: str) -> int:
        """Let all addresses of a folder say how new they are; returns how many files changed."""
        return len(tell_standings(self._folder(unit), self._standings(unit)))

    def _folder(self, unit: str) -> Path:
        return self._to / self.audiences[unit].folder

    def _standings(self, unit: str) -> dict[Address, Told]:
        there = {self.address, *built(self._folder(unit))}
        return standings(self.audiences[unit], there, self._published)


def _published(connection: Connection, region: Region) -> list[Address]:
    return [Address(day, moment) for day, moment in publications(connection, region.code).iter_rows()]


def build_site(
    engine: Engine,
    region: Region,
    to: Path,
    as_of: dt.date | None = None,
    known_at: dt.datetime | None = None,
    units: Collection[str] | None = None,
    processes: Literal[1, 2] = 2,
) -> Built:
    """Write the pages of a region's date (without one the last published), as published last (by `known_at`).

    Without `units` for every audience and for the public, else for those units only. An address that is there stays as
    it is, but for what it says of how new it is. Many are written in two processes; what the second leaves when it
    fails, the first writes. A region's pages are written by one build at a time: what another one is about to write
    would be told wrong. Raises NotPublished; OSError for a folder that cannot be written; Timeout.
    """
    with holding(engine, [f"the page of {region.code}"], LONGEST_WAIT), engine.connect() as connection:
        site = Site(connection, region, to, as_of, known_at)
        asked = [unit for unit in site.audiences if units is None or unit in units]
        queue = deque(unit for unit in asked if site.lacks(unit))
        second = None
        if processes > 1 and len(queue) >= WORTH:
            second = SecondProcess(engine, region, to, site.address, queue)
        try:
            files = sum(map(site.write, taken(queue.popleft)))
        finally:
            queue.clear()
        if second is not None:
            files += second.files()
            if second.fault:
                LOGGER.warning("the second process of the page failed, the first does its work: %s", second.fault)
            files += sum(map(site.write, filter(site.lacks, asked)))
        site.look_again()
        files += sum(map(site.tell, asked))
        files += write_public_pages(engine, region, to) if units is None else 0
    return Built(site.address, len(asked), files)


def _write(folder: Path, told: Told, pages: Iterator[Page]) -> int:
    """Write an address file by file, and that it is whole last; returns how many files were written, those apart that
    are taken over."""
    root = folder / told.address.path
    root.mkdir(parents=True, exist_ok=True)
    written = sum(write_changed(folder / "assets" / name, data) for name, data in assets().items())
    of, made_of = before(folder, told.address), {}
    for page in pages:
        if not carry(of, root, page, told):
            written += write_changed(root / page.path, page.write(), root)
        if page.made_of:
            made_of[page.path] = page.made_of
    note_made_of(root, made_of)
    for place in (folder, folder / "assets"):
        remove_drafts(place)
    note_built(folder, told.address, told.key)
    return written


def _pages(night: Seen, told: Told) -> Iterator[Page]:
    units = night.rows("municipality_profile")
    names = {row["reporting_unit"]: row["reporting_unit_name"] for row in units.iter_rows(named=True)}
    cards = night.rows("school_profile")
    schools = frozenset(cards["school_code"].to_list() if not cards.is_empty() else ())
    frame = Frame(told.audience, night, names, schools, told.line)
    yield first_page(frame)
    before = units_before(frame)
    for unit in names:
        yield unit_page(frame, unit, before)
    yield from school_pages(frame)
    yield from table_pages(frame)
    yield from form_pages(frame)
    yield lines_page(frame)
    if not told.audience.unit:
        yield Page(DECK, lambda: make_deck(night.whole.connection, night.region, night.as_of, night.known_at)[1])
