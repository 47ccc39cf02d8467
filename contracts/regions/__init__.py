"""Regions: a folder each (a pack) of tables that people edit. Shipped ones lie here, one's own wherever one says.

The packs of one folder are in force: those shipped here, unless `read_from` names another. Codes of regions, senders
and units do not recur between them; names may.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import _lru_cache_wrapper, cache, lru_cache
from pathlib import Path
from typing import TypeVar
from zoneinfo import ZoneInfo

from contracts.regions.pack import FILE, Region, region_in
from contracts.regions.pack_table import PackFault

T = TypeVar("T")
FOLDER = Path(__file__).parent
"""The packs that are shipped."""
CODES: dict[str, tuple[str, ...]] = {
    "senders": ("sender",), "reporting_units": ("reporting_unit",), "sender_addresses": ("channel", "address"),
}  # fmt: skip
"""Tables whose codes are of one region only, with the columns of the code."""
COUNTRY_ZONE = ZoneInfo("Europe/Moscow")
"""Whose clock tells the time of what is of no region, where several are in force."""

_kept: list[_lru_cache_wrapper[object]] = []


@dataclass
class _Chosen:
    """The folder whose packs are in force, where it is not the one that is shipped."""

    folder: Path | None = None


_chosen = _Chosen()


def kept(function: Callable[..., T]) -> _lru_cache_wrapper[T]:
    """`functools.cache` for what follows from the packs: forgotten when others come into force."""
    remembering = cache(function)
    _kept.append(remembering)
    return remembering


def kept_lately(most: int) -> Callable[[Callable[..., T]], _lru_cache_wrapper[T]]:
    """`functools.lru_cache` of so many answers, for the same."""

    def keeping(function: Callable[..., T]) -> _lru_cache_wrapper[T]:
        remembering = lru_cache(maxsize=most)(function)
        _kept.append(remembering)
        return remembering

    return keeping


def forget() -> None:
    """Let everything that follows from the packs be read again."""
    for remembering in _kept:
        remembering.cache_clear()


def read_from(folder: Path | None) -> None:
    """Let the packs of a folder be in force, and no others; None are those that are shipped.

    To be said before anything of a region is asked for, in each process. Raises PackFault for packs that cannot be
    read, and leaves those in force that were.
    """
    folder = None if folder is None else folder.resolve()
    if folder != _chosen.folder:
        packs_in(folder or FOLDER)
        _chosen.folder = folder
        forget()


def packs_folder() -> Path:
    """The folder whose packs are in force."""
    return _chosen.folder or FOLDER


@kept
def regions() -> tuple[Region, ...]:
    """The regions in force, by the names of their folders. Raises PackFault."""
    return packs_in(packs_folder())


@kept
def _by_sender() -> dict[str, Region]:
    return {line["sender"]: region for region in regions() for line in region.lines("senders")}


@kept
def _by_code() -> dict[str, Region]:
    return {region.code: region for region in regions()}


def region_of(sender: str | None) -> Region:
    """Whose a delivery of a sender is; what nobody is known to have sent is of the first region in force."""
    return _by_sender().get(sender or "", regions()[0])


def only_region() -> Region | None:
    """The region in force, where there is but one: everything is of it, also what says nothing of itself."""
    return regions()[0] if len(regions()) == 1 else None


def region_at(sender: str | None) -> Region | None:
    """The region of a sender; of one that is not listed, and of nobody, the only one in force, else none."""
    return _by_sender().get(sender or "", only_region())


def code_at(sender: str | None) -> str | None:
    """The code of the region of a sender; None where nobody knows it."""
    region = region_at(sender)
    return None if region is None else region.code


def zone_at(sender: str | None) -> ZoneInfo:
    """The time zone of a sender's offices; that of the country where nobody knows of which region it is."""
    return zone_of(code_at(sender))


def zone_of(code: str | None) -> ZoneInfo:
    """The time zone of a region; of what is of no one region, that of the only one in force, else the country's, as of
    a region that is not in force any more."""
    region = only_region() if code is None else _by_code().get(code)
    return COUNTRY_ZONE if region is None else region.zone


def name_of(code: str) -> str:
    """What a region is called; its code, when it is not in force any more."""
    region = _by_code().get(code)
    return code if region is None else region.name


def region_named(code: str) -> Region:
    """The region of a code. Raises KeyError for one that is not in force."""
    return _by_code()[code]


def packs_in(folder: Path) -> tuple[Region, ...]:
    """The regions whose packs lie in a folder, by the names of theirs. Raises PackFault."""
    found = tuple(region_in(pack) for pack in pack_folders(folder))
    if not found:
        raise PackFault(f"{folder}: здесь нет ни одного пакета региона; ожидается папка с файлом {FILE}")
    if shared := shared_codes(found):
        raise PackFault(shared[0])
    return found


def pack_folders(folder: Path) -> Sequence[Path]:
    """The folders of a folder that are packs: all but hidden ones and Python's own. Raises PackFault."""
    try:
        return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] not in "._")
    except OSError as error:
        raise PackFault(f"{folder}: папка пакетов не открывается ({error.strerror})") from None


def shared_codes(packs: Sequence[Region]) -> list[str]:
    """Codes that two packs use, a sentence each. Raises PackFault for a table that cannot be read."""
    faults = []
    taken: dict[tuple[str, str], Region] = {}
    for pack in packs:
        codes = [("code", pack.code)]
        for table, columns in CODES.items():
            names = " ".join(columns)
            codes += dict.fromkeys((names, " ".join(line[column] for column in columns)) for line in pack.lines(table))
        for column, code in codes:
            other = taken.setdefault((column, code), pack)
            if other is not pack:
                faults.append(
                    f"{pack.folder}: {column} «{code}» уже занят пакетом {other.folder.name} ({other.name}); "
                    "ожидается код, которого нет в других пакетах: имена могут повторяться, коды нет"
                )
    return faults
