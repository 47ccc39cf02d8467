"""Files that arrive, and the archive that keeps their bytes for ever."""

from __future__ import annotations

import datetime as dt
import hashlib
import os
import secrets
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from contracts.vocabulary import rows

PASSED_BY = (".part", ".crdownload", ".tmp")
CHUNK = 1 << 20


@dataclass(frozen=True)
class Incoming:
    """A file that may be a delivery, and the sender's folder that it lies in, if any."""

    path: Path
    folder: str | None

    @property
    def file(self) -> str:
        return self.path.name


@dataclass(frozen=True)
class Arrival:
    """A file whose bytes are in the archive."""

    file: str
    folder: str | None
    sha256: str
    size: int
    received_at: dt.datetime
    path: Path


def discover(inbox: Path) -> list[Incoming]:
    """The files of an inbox in a fixed order: inbox/<sender>/<file>, or without a sender at its top."""
    return [
        Incoming(path, path.relative_to(inbox).parts[0] if path.parent != inbox else None)
        for path in _files_under(inbox)
    ]


def named(paths: Iterable[Path], inbox: Path) -> list[Incoming]:
    """Files and folders that somebody named. Inside the inbox the folder counts; elsewhere only a known sender's."""
    senders = {row["sender"] for row in rows("senders")}
    inside = inbox.resolve()
    found: dict[Path, Incoming] = {}
    for path in paths:
        for file in _files_under(path) if path.is_dir() else [path]:
            whole = file.resolve()
            if whole.is_relative_to(inside):
                parts = whole.relative_to(inside).parts
                folder = parts[0] if len(parts) > 1 else None
            else:
                folder = whole.parent.name if whole.parent.name in senders else None
            found.setdefault(whole, Incoming(file, folder))
    return list(found.values())


def digest(incoming: Incoming) -> Arrival:
    """The arrival of a file that stays where it is (a dry run archives nothing)."""
    checksum = hashlib.sha256()
    with incoming.path.open("rb") as file:
        for chunk in _chunks(file.fileno()):
            checksum.update(chunk)
        status = os.fstat(file.fileno())
    return _arrival(incoming, checksum.hexdigest(), status, incoming.path)


def archive(incoming: Incoming, folder: Path) -> Arrival:
    """Keep the bytes of a file as folder/<first two>/<sha256>, whole or not at all, and never write them twice."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    copy = folder / f".{secrets.token_hex(8)}"
    checksum = hashlib.sha256()
    try:
        with incoming.path.open("rb") as source:
            target = os.open(copy, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            try:
                for chunk in _chunks(source.fileno()):
                    checksum.update(chunk)
                    _write(target, chunk)
                os.fsync(target)
            finally:
                os.close(target)
            status = os.fstat(source.fileno())
        sha256 = checksum.hexdigest()
        kept = folder / sha256[:2] / sha256
        if not kept.exists():
            kept.parent.mkdir(mode=0o700, exist_ok=True)
            copy.rename(kept)
            for changed in (kept.parent, folder):
                _sync(changed)
    finally:
        copy.unlink(missing_ok=True)
    return _arrival(incoming, sha256, status, kept)


def _arrival(incoming: Incoming, sha256: str, status: os.stat_result, path: Path) -> Arrival:
    landed = dt.datetime.fromtimestamp(status.st_mtime, tz=dt.UTC)
    return Arrival(incoming.file, incoming.folder, sha256, status.st_size, landed, path)


def _files_under(folder: Path) -> list[Path]:
    """Files below a folder; hidden ones, lock files of office programs and half-downloaded ones are passed by."""
    return sorted(
        path
        for path in folder.rglob("*")
        if path.is_file()
        and not any(part.startswith(".") for part in path.relative_to(folder).parts)
        and not path.name.startswith("~$")
        and not path.name.lower().endswith(PASSED_BY)
    )


def _chunks(file: int) -> Iterator[bytes]:
    while chunk := os.read(file, CHUNK):
        yield chunk


def _write(file: int, data: bytes) -> None:
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def _sync(folder: Path) -> None:
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
