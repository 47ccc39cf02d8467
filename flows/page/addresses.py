"""Addresses that stay: a folder a date and publication, and what each page says of how new it is.

A page is written once. When a later publication comes, only the line of its standing changes, between two marks.
"""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from markupsafe import Markup

from documents.pages.render import asset_names, rendered
from flows.home.shown import local_time
from flows.home.whole_file import remove_drafts, write_changed
from flows.page.frame import said, told
from flows.page.page_audience import PageAudience

NOTE = "publication.json"
"""What an address is of. It is written last: a folder without it is not whole, and is written again."""
MARKED = re.compile(rb'<p class="standing[^"]*"><!--standing-->.*?<!--/standing--></p>')
Standing = Literal["newest", "newest_of_date", "superseded"]


@dataclass(frozen=True, order=True)
class Address:
    """What a folder of pages shows: a date as published at a moment."""

    as_of: dt.date
    known_at: dt.datetime

    @property
    def path(self) -> str:
        """The folder, from that of the audience; its second part is the moment in UTC."""
        return f"{self.as_of}/{self.known_at.astimezone(dt.UTC):%Y%m%dT%H%M%S.%fZ}"

    def words(self, audience: PageAudience) -> str:
        """The date and the moment by the region's clocks."""
        return f"на {self.as_of:%d.%m.%Y}, опубликовано {local_time(self.known_at, audience.region.zone)}"


def is_built(folder: Path, address: Address) -> bool:
    """Was an address written whole?"""
    return (folder / address.path / NOTE).exists()


def note_built(folder: Path, address: Address, standing: str) -> None:
    """Say that an address is whole, and of which standing its pages tell; what killed builds left in it is removed,
    as nobody looks there again. The caller builds the region's pages alone."""
    remove_drafts(folder / address.path)
    said_of = {"as_of": str(address.as_of), "known_at": address.known_at.isoformat(), "standing": standing}
    write_changed(folder / address.path / NOTE, json.dumps(said_of).encode())


def built(folder: Path) -> dict[Address, str]:
    """The addresses of an audience, each with the standing that its pages tell."""
    found = {}
    for path in sorted(folder.glob(f"*/*/{NOTE}")):
        read = json.loads(path.read_bytes())
        known_at = dt.datetime.fromisoformat(read["known_at"])
        found[Address(dt.date.fromisoformat(read["as_of"]), known_at)] = read["standing"]
    return found


@dataclass(frozen=True)
class Told:
    """What pages of an address say of how new it is, and where they lead who asks for newer figures."""

    audience: PageAudience
    address: Address
    standing: Standing
    newer: Address

    @property
    def key(self) -> str:
        """What the note of the address keeps of it."""
        return f"{self.standing} {self.newer.path}"

    def line(self, up: str) -> Markup:
        """The line of a page; `up` is its way to the root of the address."""
        leads = Markup("")
        if self.newer != self.address:
            there = f"../../{up}{self.newer.path}/index.html"
            leads = Markup(' <a href="{}">{}</a>').format(there, self.newer.words(self.audience))
        old = " old" if self.standing == "superseded" else ""
        return Markup('<p class="standing{}"><!--standing-->{}{}<!--/standing--></p>').format(
            old, told(f"is_{self.standing}"), leads
        )


def standings(audience: PageAudience, there: Collection[Address], published: Iterable[Address]) -> dict[Address, Told]:
    """What each address of an audience says. `published` are the publications of the region, also those that have no
    pages here."""
    last: dict[dt.date, dt.datetime] = {}
    for each in published:
        last[each.as_of] = max(each.known_at, last.get(each.as_of, each.known_at))
    newest = max(there)
    found = {}
    for each in there:
        standing = _standing(each, last)
        of_date = max(other for other in there if other.as_of == each.as_of)
        newer = newest if standing == "newest_of_date" or of_date == each else of_date
        found[each] = Told(audience, each, standing, newer)
    return found


def tell_standings(folder: Path, found: Mapping[Address, Told]) -> list[Path]:
    """Let the pages of every address say what they are now, and the audience's own pages lead to the newest; returns
    the files that changed."""
    changed = []
    for address, before in built(folder).items():
        if found[address].key != before:
            changed += _tell(folder / address.path, found[address])
            note_built(folder, address, found[address].key)
    return [*changed, *_own_pages(folder, found)]


def _standing(address: Address, last: Mapping[dt.date, dt.datetime]) -> Standing:
    if address.known_at < last.get(address.as_of, address.known_at):
        return "superseded"
    return "newest" if address.as_of == max(last, default=address.as_of) else "newest_of_date"


def _tell(folder: Path, now: Told) -> list[Path]:
    changed = []
    for page in sorted(folder.rglob("*.html")):
        line = now.line("../" * (len(page.relative_to(folder).parts) - 1)).encode()
        marked = MARKED.sub(lambda _, line=line: line, page.read_bytes(), count=1)  # type: ignore[misc]
        if write_changed(page, marked, folder):
            changed.append(page)
    return changed


def _own_pages(folder: Path, found: Mapping[Address, Told]) -> list[Path]:
    """The page that leads to the newest address, and the list of all."""
    newest = max(found)
    audience = found[newest].audience
    shown = [
        (f"{each.path}/index.html", each.words(audience), said(f"is_{now.standing}").rstrip(":. "))
        for each, now in sorted(found.items(), reverse=True)
    ]
    pages = {
        "all.html": rendered(
            "all.html", whose=audience.name, addresses=shown, t=told, t_plain=said, asset=asset_names(), root=""
        ),
        "index.html": rendered(
            "newest.html", whose=audience.name, address=f"{newest.path}/index.html", words=newest.words(audience)
        ),
    }
    return [folder / name for name, data in pages.items() if write_changed(folder / name, data)]
