"""Files that arrive, and the archive that keeps their bytes for ever."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path, PurePosixPath
from typing import IO

from contracts.vocabulary import rows
from documents.archive_members import members
from documents.limits import Limits
from flows.draft import draft, write

PASSED_BY = (".part", ".crdownload", ".tmp")
CHUNK = 1 << 20


@dataclass(frozen=True)
class Incoming:
    """A file that may be a delivery, the sender's folder that it lies in, if any, and its path below the inbox."""

    path: Path
    folder: str | None
    inbox_path: str | None = None

    @property
    def file(self) -> str:
        return self.path.name


@dataclass(frozen=True)
class Arrival:
    """A file whose bytes are in the archive. `container` is the sha256 of the zip archive that it came in.

    `stamp` tells whether the file at `inbox_path` is still the one that was read.
    """

    file: str
    folder: str | None
    sha256: str
    size: int
    received_at: dt.datetime
    path: Path
    container: str | None = None
    inbox_path: str | None = None
    stamp: str | None = None


def discover(inbox: Path) -> list[Incoming]:
    """The files of an inbox in a fixed order: inbox/<sender>/<file>, or without a sender at its top."""
    return [_in_inbox(path, path.relative_to(inbox)) for path in _files_under(inbox)]


def named(paths: Iterable[Path], inbox: Path) -> list[Incoming]:
    """Files and folders that somebody named. Inside the inbox the folder counts; elsewhere only a known sender's."""
    senders = {row["sender"] for row in rows("senders")}
    inside = inbox.resolve()
    found: dict[Path, Incoming] = {}
    for path in paths:
        for file in _files_under(path) if path.is_dir() else [path]:
            whole = file.resolve()
            if whole.is_relative_to(inside):
                incoming = _in_inbox(file, whole.relative_to(inside))
            else:
                incoming = Incoming(file, whole.parent.name if whole.parent.name in senders else None)
            found.setdefault(whole, incoming)
    return list(found.values())


def digest(incoming: Incoming) -> Arrival:
    """The arrival of a file that stays where it is (a dry run archives nothing)."""
    checksum = hashlib.sha256()
    with incoming.path.open("rb") as file:
        while chunk := file.read(CHUNK):
            checksum.update(chunk)
        status = os.fstat(file.fileno())
    return _arrival(incoming, checksum.hexdigest(), status, incoming.path)


def digested(incoming: Incoming, folder: Path, limits: Limits) -> list[Arrival]:
    """The deliveries that a file is in a dry run: itself, or the files of a zip archive, unpacked into a folder."""
    arrival = digest(incoming)
    return unpack(arrival, folder, limits) or [arrival]


def archive(incoming: Incoming, folder: Path) -> Arrival:
    """Keep the bytes of a file as folder/<first two>/<sha256>, whole or not at all, and never write them twice."""
    with incoming.path.open("rb") as source:
        status = os.fstat(source.fileno())  # before it is read: what is written meanwhile then is news to the next look
        sha256, kept = _kept(source, folder)
    found = replace(_arrival(incoming, sha256, status, kept), size=kept.stat().st_size)
    if incoming.inbox_path is None:
        return found
    return replace(found, inbox_path=incoming.inbox_path, stamp=stamp(status))


def stamp(status: os.stat_result) -> str:
    """What differs when a file was written, replaced or renamed.

    A program can set the time of the last writing back, but not that of the last change.
    """
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def unpack(arrival: Arrival, folder: Path, limits: Limits) -> list[Arrival]:
    """The files in a zip archive, each a delivery of its own whose bytes are kept in `folder` like any other's.

    None when the arrival is no zip archive of deliveries, or one that cannot be unpacked: it is then read as it is.
    """
    unpacked = []
    for name, content in members(arrival.path, limits.unpacked):
        if not is_passed_by(PurePosixPath(name).parts):
            sha256, kept = _kept(content, folder)
            size = kept.stat().st_size
            member = replace(arrival, file=f"{arrival.file}/{name}", sha256=sha256, size=size, path=kept)
            unpacked.append(replace(member, container=arrival.sha256, inbox_path=None, stamp=None))
    return unpacked


def _kept(source: IO[bytes], folder: Path) -> tuple[str, Path]:
    """The checksum of some bytes, and where they are kept."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    checksum = hashlib.sha256()
    with draft(folder) as (copy, target):
        while chunk := source.read(CHUNK):
            checksum.update(chunk)
            write(target, chunk)
        os.fsync(target)
        sha256 = checksum.hexdigest()
        kept = folder / sha256[:2] / sha256
        if not kept.exists():
            kept.parent.mkdir(mode=0o700, exist_ok=True)
            copy.rename(kept)
            for changed in (kept.parent, folder):
                _sync(changed)
    return sha256, kept


def _in_inbox(path: Path, below: Path) -> Incoming:
    return Incoming(path, below.parts[0] if len(below.parts) > 1 else None, below.as_posix())


def _arrival(incoming: Incoming, sha256: str, status: os.stat_result, path: Path) -> Arrival:
    landed = dt.datetime.fromtimestamp(status.st_mtime, tz=dt.UTC)
    return Arrival(incoming.file, incoming.folder, sha256, status.st_size, landed, path)


def _files_under(folder: Path) -> list[Path]:
    """Files below a folder; hidden ones, lock files of office programs and half-downloaded ones are passed by."""
    return sorted(
        path for path in folder.rglob("*") if path.is_file() and not is_passed_by(path.relative_to(folder).parts)
    )


def is_passed_by(parts: Sequence[str]) -> bool:
    """Is a file, by its folders and its name, no delivery?"""
    return (
        any(part.startswith(".") or part == "__MACOSX" for part in parts)
        or parts[-1].startswith("~$")
        or parts[-1].lower().endswith(PASSED_BY)
    )


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
