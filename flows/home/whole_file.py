"""Files that are written whole or not at all: a new file under a hidden name is renamed when it is complete.

A killed process leaves its hidden files. Each is locked for as long as its writer lives, so that the next run can tell
those of the dead from those of the living. In a folder of several machines a lock tells nothing: over NFS it may be
refused, or hold on one machine only. There a file that nobody has written to for a day is of the dead.
"""

from __future__ import annotations

import fcntl
import os
import re
import secrets
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HIDDEN_NAME = re.compile(r"\.[0-9a-f]{16}")
ABANDONED_SECONDS = 86_400.0
"""No file of ours is written for so long, and no two clocks differ by so much."""


@contextmanager
def new_file(folder: Path, mode: int = 0o600) -> Iterator[tuple[Path, int]]:
    """A new file in a folder, open for writing, to be renamed within the block; what was not renamed is removed."""
    path, file = _locked(folder, mode)
    try:
        yield path, file
    finally:
        path.unlink(missing_ok=True)
        os.close(file)


def replace(path: Path, data: bytes, folder: Path | None = None) -> None:
    """Write a file as a whole, in place of what was there. It is prepared in `folder`, by default beside it."""
    with new_file(folder or path.parent, 0o666) as (hidden, file):
        write(file, data)
        hidden.replace(path)


def write_once(path: Path, data: bytes) -> None:
    """Write a secret that outlives a crash, for its owner only, unless another process makes the file meanwhile."""
    with new_file(path.parent) as (hidden, file), suppress(FileExistsError):
        write(file, data)
        os.fsync(file)
        path.hardlink_to(hidden)  # a rename would replace what is there
    sync(path.parent)


def write(file: int, data: bytes) -> None:
    """Write all the bytes to an open file: one call of the system may take fewer."""
    rest = memoryview(data)
    while rest:
        rest = rest[os.write(file, rest) :]


def sync(folder: Path) -> None:
    """Make the entries of a folder outlive a crash of the machine."""
    handle = os.open(folder, os.O_RDONLY | os.O_CLOEXEC)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def sweep(folder: Path, *, is_shared: bool = False) -> None:
    """Remove the hidden files in a folder whose writers are dead; in one of several machines those that are old."""
    for path in _drafts(folder):
        with suppress(FileNotFoundError):  # its writer has just renamed it
            if not is_shared:
                _remove_unlocked(path)
            elif time.time() - path.lstat().st_mtime > ABANDONED_SECONDS:
                path.unlink()


def remove_drafts(folder: Path) -> None:
    """Remove all hidden files in a folder, on whichever machine it is: the caller holds a lock of the warehouse without
    which nobody writes there. Who has lost it and writes on fails to rename what is gone."""
    for path in _drafts(folder):
        path.unlink(missing_ok=True)


def _drafts(folder: Path) -> list[Path]:
    return [path for path in folder.glob(".*") if HIDDEN_NAME.fullmatch(path.name)]


def _remove_unlocked(path: Path) -> None:
    file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        path.unlink(missing_ok=True)
    except BlockingIOError:
        return
    finally:
        os.close(file)


def _locked(folder: Path, mode: int) -> tuple[Path, int]:
    while True:
        path = folder / f".{secrets.token_hex(8)}"
        file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, mode)
        with suppress(OSError):  # a share without locks; who sweeps there does not ask for any
            fcntl.flock(file, fcntl.LOCK_EX)
        if os.fstat(file).st_nlink:  # else it was swept between its making and its lock
            return path, file
        os.close(file)


def link_as(path: Path, there: Path, hidden_in: Path) -> None:
    """Let a file be a hard link to one that is there, in place of what was there; a copy where there are no links."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with new_file(hidden_in, 0o666) as (hidden, _):
        try:
            hidden.unlink()
            hidden.hardlink_to(there)
        except OSError:  # a file system that has none, or no more of this file
            write_changed(path, there.read_bytes(), hidden_in)
        else:
            hidden.replace(path)  # of two links to one file it does nothing, and the hidden one is removed


def write_changed(path: Path, data: bytes, hidden_in: Path | None = None) -> bool:
    """Write a file as a whole; one that is there already with the same bytes is left. Says whether it was written."""
    if path.exists() and path.read_bytes() == data:
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    replace(path, data, hidden_in)
    return True
