"""Files that are no deliveries by their names: programs leave them beside documents, and people copy them along."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path

from contracts.texts import phrases
from documents.reading.names import shown

UNFINISHED = (".part", ".crdownload", ".tmp", ".download", ".!qb", ".opdownload")
"""How names of half-downloaded files end."""
LOCKS = ("~$", ".~lock.", "._", "~wrl", "~wrd")
"""How names of lock files of office programs begin, and of what a Mac keeps beside a file."""
OWN_FILES = ("thumbs.db", "ehthumbs.db", "ehthumbs_vista.db", "desktop.ini", ".ds_store", ".localized", "icon\r",
             ".directory", "folder.htt", "autorun.inf")  # fmt: skip


def is_passed_by(names: Sequence[str]) -> bool:
    """Is a file that was found, by its folders and its name, no delivery? Hidden and half-downloaded ones are none."""
    return (
        any(name.startswith(".") or name == "__MACOSX" for name in names)
        or is_own_file(names[-1])
        or names[-1].lower().endswith(UNFINISHED)
    )


def is_own_file(name: str) -> bool:
    """Does a program keep such a file for itself? Then it is no delivery even when somebody names it."""
    name = name.lower()
    return name.startswith(LOCKS) or name in OWN_FILES


def deliveries(paths: Iterable[Path]) -> tuple[list[Path], list[str]]:
    """Of files and folders that somebody named those that may be deliveries, and a line about each other one."""
    kept: list[Path] = []
    notes: list[str] = []
    for path in paths:
        if not path.is_dir() and is_own_file(path.name):
            notes.append(phrases()["passed_by.note"].format(file=shown(path.name)))
        else:
            kept.append(path)
    return kept, notes
