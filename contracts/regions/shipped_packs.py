"""Packs that are shipped to be taken: those in force by themselves, and more that come into force when they are copied
into a folder of one's own.

Territories and codes of the others are those of the public ОКТМО; campaigns, bands and thresholds are to begin with.
"""

from __future__ import annotations

import shutil
from pathlib import Path

from contracts.regions import FOLDER, pack_folders

OFFERED = FOLDER / "_offered"
"""Not among the packs in force, as its name begins with a stroke."""


def offered() -> dict[str, Path]:
    """Names of shipped packs, and their codes before the first dash → their folders."""
    folders = [*pack_folders(FOLDER), *pack_folders(OFFERED)]
    return {name: path for path in folders for name in (path.name, path.name.partition("-")[0])}


def copy_pack(pack: Path, folder: Path) -> Path:
    """Copy a pack into a folder of packs, where it is seen when it is whole; gives its place, which is free."""
    draft = folder / f".{pack.name}"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(draft, ignore_errors=True)
    shutil.copytree(pack, draft)
    return draft.rename(folder / pack.name)
