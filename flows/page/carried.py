"""What a publication did not change is not drawn again: a file of another address of the same date that was made of the
same is taken over.

The role of each audience still reads all that it sees. Beside the files of an address stands of what they were made.
Files whose bytes stay become hard links; a page gets the moment and the standing of its new address.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from flows.home.whole_file import link_as, write_changed
from flows.page.address_moment import with_moment
from flows.page.addresses import MARKED, Address, Told, built
from flows.page.made_of import Page

MADE_OF = "made_of.json"


class Before(NamedTuple):
    """Another address of a date: its folder, and of what its files were made."""

    root: Path
    made_of: Mapping[str, str]


def before(folder: Path, address: Address) -> Before:
    """The address of the same date in an audience's folder that was published last, of this one apart; of nothing where
    there is none, or one that does not say of what it was made."""
    others = [each for each in built(folder) if each.as_of == address.as_of and each != address]
    root = folder / max(others, default=address).path
    found = root / MADE_OF
    return Before(root, json.loads(found.read_bytes()) if others and found.exists() else {})


def note_made_of(root: Path, made_of: Mapping[str, str]) -> None:
    """Say of what the files of an address were made."""
    write_changed(root / MADE_OF, json.dumps(made_of).encode())


def carry(of: Before, root: Path, page: Page, told: Told) -> bool:
    """Take a file over if it was made of the same; says whether it was."""
    source, to = of.root / page.path, root / page.path
    if not page.made_of or of.made_of.get(page.path) != page.made_of or not source.is_file():
        return False
    if to.suffix == ".html":
        line = told.line("../" * page.path.count("/")).encode()
        said = MARKED.sub(lambda _: line, source.read_bytes(), count=1)
        write_changed(to, with_moment(said, told.address.known_at, told.audience.region.zone), root)
    else:
        link_as(to, source, root)
    return True
