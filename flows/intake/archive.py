"""The archive that keeps the bytes of files for ever; and the same without keeping, for a dry run."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path, PurePosixPath
from typing import IO

from documents.reading.archive_members import members, unpacked_size
from documents.reading.formats.limits import Limits
from flows.home.archived import is_kept
from flows.home.whole_file import new_file, sync, write
from flows.intake.arrival import Arrival
from flows.intake.incoming import Incoming, opened, stamp
from flows.intake.passed_by import is_passed_by

CHUNK = 1 << 20

Allowed = Callable[[int, int], None]
"""Asked whether so many files of so many bytes may be kept; raises NotTaken."""


def no_limit(_files: int, _size: int) -> None:
    """For whoever takes in what it was told to."""


def digest(incoming: Incoming) -> Arrival:
    """The arrival of a file that stays where it is (a dry run archives nothing)."""
    checksum = hashlib.sha256()
    with opened(incoming) as file:
        while chunk := file.read(CHUNK):
            checksum.update(chunk)
        status = os.fstat(file.fileno())
    return _arrival(incoming, checksum.hexdigest(), status, incoming.path)


def digested(incoming: Incoming, folder: Path, limits: Limits) -> list[Arrival]:
    """The deliveries that a file is in a dry run: itself, or the files of a zip archive, unpacked into a folder."""
    arrival = digest(incoming)
    return unpack(arrival, folder, limits) or [arrival]


def archive(incoming: Incoming, folder: Path, allowed: Allowed = no_limit) -> Arrival:
    """Keep the bytes of a file as folder/<first two>/<sha256>, whole or not at all, and never write them twice.

    `allowed` is asked before a byte is kept, and of what comes beyond the size that the file had then. Raises what it
    raises, and what `opened` does.
    """
    with opened(incoming) as source:
        status = os.fstat(source.fileno())  # before it is read: what is written meanwhile then is news to the next look
        files, unpacked = unpacked_size(source)
        allowed(1 + files, status.st_size + unpacked)

        def grown(size: int) -> None:
            if size > status.st_size:
                allowed(1 + files, size + unpacked)

        sha256, size, kept = _kept(source, folder, grown)
    arrival = replace(_arrival(incoming, sha256, status, kept), size=size)
    if incoming.inbox_path is None:
        return arrival
    return replace(arrival, inbox_path=incoming.inbox_path, stamp=stamp(status))


def unpack(arrival: Arrival, folder: Path, limits: Limits) -> list[Arrival]:
    """The files in a zip archive, each a delivery of its own whose bytes are kept in `folder` like any other's.

    None when the arrival is no zip archive of deliveries, or one that cannot be unpacked: it is then read as it is.
    """
    unpacked = []
    for name, content in members(arrival.path, limits.unpacked):
        if not is_passed_by(PurePosixPath(name).parts):
            sha256, size, kept = _kept(content, folder)
            member = replace(arrival, file=f"{arrival.file}/{name}", sha256=sha256, size=size, path=kept)
            unpacked.append(
                replace(member, container_id=arrival.delivery_id, delivery_id=None, inbox_path=None, stamp=None)
            )
    return unpacked


def _kept(source: IO[bytes], folder: Path, allowed: Callable[[int], None] | None = None) -> tuple[str, int, Path]:
    """The checksum of some bytes, how many they are, and their place, where they may lie sealed already."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    checksum = hashlib.sha256()
    size = 0
    with new_file(folder) as (copy, target):
        while chunk := source.read(CHUNK):
            size += len(chunk)
            if allowed is not None:
                allowed(size)
            checksum.update(chunk)
            write(target, chunk)
        os.fsync(target)
        sha256 = checksum.hexdigest()
        kept = folder / sha256[:2] / sha256
        if not is_kept(kept):
            kept.parent.mkdir(mode=0o700, exist_ok=True)
            copy.rename(kept)
            for changed in (kept.parent, folder):
                sync(changed)
    return sha256, size, kept


def _arrival(incoming: Incoming, sha256: str, status: os.stat_result, path: Path) -> Arrival:
    written = dt.datetime.fromtimestamp(status.st_mtime, tz=dt.UTC)
    return Arrival(
        incoming.file, incoming.folder, sha256, status.st_size, dt.datetime.now(dt.UTC), path,
        claimed_at=written, channel=incoming.channel,
    )  # fmt: skip
