"""What lies in an inbox, or what somebody names to be taken in.

An inbox is a place where others write: a name may be of any bytes, a file may be no file, a folder may be closed to us.
What lies there is listed and opened entry by entry, and nothing is opened through a link.
"""

from __future__ import annotations

import datetime as dt
import errno
import os
import stat
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from contracts.circumstances import INBOX, Stated
from contracts.regions import region_of
from contracts.regions.pack import Region
from contracts.vocabulary import owners
from documents.reading.names import file_name, recorded, shown
from flows.intake.passed_by import is_passed_by

Why = Literal["gone", "unreadable", "link", "special", "quota", "no_room"]
NAMED = "ingest"
"""The channel of files that an operator names."""
INBOX_ITSELF = "."
"""The path below the inbox of an inbox that is gone."""


@dataclass(frozen=True)
class Options:
    """What the caller says about the files, in place of what the files say themselves."""

    form: str | None = None
    sender: str | None = None
    as_of: dt.date | None = None
    register: Path | None = None

    @property
    def stated(self) -> Stated:
        """What of it is stated of each file; the register is said of none."""
        return Stated(self.form, self.sender, self.as_of)


@dataclass(frozen=True)
class LeftOut:
    """Why an entry of the inbox is not taken in; `detail` is what the system, or the quota, says of it.

    `gone` is the inbox itself; `link` an entry that leads elsewhere, `special` a pipe, a socket or a device; `quota` is
    more than a sender may send in a day.
    """

    why: Why
    detail: str | None = None
    is_folder: bool = False


class NotTaken(Exception):
    """A file cannot be taken in, or must not."""

    def __init__(self, left_out: LeftOut) -> None:
        super().__init__(f"{left_out.why}: {left_out.detail}" if left_out.detail else left_out.why)
        self.left_out = left_out


@dataclass(frozen=True)
class Incoming:
    """A file that may be a delivery, the sender's folder that it lies in, if any, and its path below the inbox as it is
    recorded. `left_out` says why it is none: a link, a pipe, a folder that cannot be read."""

    path: Path
    folder: str | None
    inbox_path: str | None = None
    left_out: LeftOut | None = None

    @property
    def file(self) -> str:
        """Its name as it is shown, whatever its bytes are."""
        return shown(self.path.name)

    @property
    def owner(self) -> str | None:
        """The sender whom its folder proves."""
        return None if self.folder is None else owners(INBOX).get(self.folder)

    @property
    def channel(self) -> str:
        """By which way it comes: the inbox, or named by an operator."""
        return NAMED if self.inbox_path is None else INBOX


def discover(inbox: Path) -> list[Incoming]:
    """The files of an inbox in a fixed order: inbox/<sender>/<file>, or without a sender at its top.

    Among them is what cannot be taken in, with the reason; of an inbox that is gone, the inbox itself.
    """
    return [_in_inbox(path, path.relative_to(inbox), why) for path, why in _listed(inbox)]


def named(paths: Iterable[Path], inbox: Path) -> list[Incoming]:
    """Files and folders that somebody named. Inside the inbox the folder counts; elsewhere only a known sender's."""
    inside = inbox.resolve()
    files: dict[Path, Incoming] = {}
    for path in paths:
        for file, why in _listed(path) if os.path.isdir(path) else [(path, None)]:  # noqa: PTH112 - closed: no
            whole = file.parent.resolve() / file.name
            if whole.is_relative_to(inside):
                incoming = _in_inbox(whole, whole.relative_to(inside), why)
            else:
                owned = whole.parent.name if whole.parent.name in owners(INBOX) else None
                incoming = Incoming(file, owned, left_out=why)
            files.setdefault(whole, incoming)
    return list(files.values())


def lying_with(region: Region, files: Iterable[Incoming]) -> list[Incoming]:
    """Those files that are a region's to take in: of its senders' folders, and of the first region what is nobody's. An
    inbox that is gone is everybody's."""
    return [file for file in files if file.inbox_path == INBOX_ITSELF or region_of(file.owner) == region]


def opened(incoming: Incoming) -> IO[bytes]:
    """A file, open for reading; this never waits for a writer, as opening a pipe does.

    Raises NotTaken for what is no plain file, is reached by a link in the inbox or cannot be read; FileNotFoundError.
    """
    if incoming.left_out is not None:
        raise NotTaken(incoming.left_out)
    try:
        file = _handle(incoming)
    except FileNotFoundError:
        raise
    except OSError as error:
        raise NotTaken(_why(error)) from None
    if not stat.S_ISREG(os.fstat(file).st_mode):
        os.close(file)
        raise NotTaken(LeftOut("special"))
    return os.fdopen(file, "rb")


def _why(error: OSError, *, is_folder: bool = False) -> LeftOut:
    """Why an entry could not be looked at or opened: no such device is what opening a socket comes to."""
    kinds: dict[int | None, Why] = {errno.ELOOP: "link", errno.ENOTDIR: "link", errno.ENXIO: "special"}
    return LeftOut(kinds.get(error.errno, "unreadable"), error.strerror, is_folder)


def _handle(incoming: Incoming) -> int:
    """The file of an incoming; of one in the inbox no folder on the way from there may be a link."""
    how = os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC
    if incoming.inbox_path is None:
        return os.open(incoming.path, how)
    *folders, name = incoming.path.parts[-1 - incoming.inbox_path.count("/") :]
    at = os.open(incoming.path.parents[len(folders)], os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            inner = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = inner
        return os.open(name, how | os.O_NOFOLLOW, dir_fd=at)
    finally:
        os.close(at)


def stamp(status: os.stat_result) -> str:
    """What differs when a file was written, replaced or renamed.

    A program can set the time of the last writing back, but not that of the last change.
    """
    return f"{status.st_size}:{status.st_mtime_ns}:{status.st_ctime_ns}"


def _in_inbox(path: Path, below: Path, why: LeftOut | None = None) -> Incoming:
    """`below` is the path below the inbox. The name of a folder becomes that of one in the outbox."""
    folders = below.parts if why is not None and why.is_folder else below.parts[:-1]
    return Incoming(path, file_name(folders[0], "") if folders else None, recorded(below.as_posix()), why)


def _listed(folder: Path) -> list[tuple[Path, LeftOut | None]]:
    """Files below a folder; hidden ones, lock files of office programs and half-downloaded ones are passed by."""
    return sorted(_walked(folder, is_top=True), key=lambda entry: entry[0])


def _walked(folder: Path, *, is_top: bool = False) -> Iterator[tuple[Path, LeftOut | None]]:
    """What lies in a folder and below, each entry for itself; what is gone since it was listed is no failure."""
    try:
        with os.scandir(folder) as entries:
            listed = list(entries)
    except OSError as error:
        if is_top:
            yield folder, LeftOut("gone", error.strerror, is_folder=True)
        elif not isinstance(error, FileNotFoundError):
            yield folder, _why(error, is_folder=True)
        return
    for entry in listed:
        path = folder / entry.name
        try:
            is_link = entry.is_symlink()
            is_folder = not is_link and entry.is_dir(follow_symlinks=False)
            if is_passed_by((entry.name, "") if is_folder else (entry.name,)):
                continue
            if is_folder:
                yield from _walked(path)
            elif is_link:
                yield path, LeftOut("link")
            else:
                yield path, None if entry.is_file(follow_symlinks=False) else LeftOut("special")
        except FileNotFoundError:
            continue
        except OSError as error:
            yield path, _why(error)


def is_bare(inbox: Path) -> bool:
    """Has an inbox no entry at all, not even the mark that we leave in one that we make? So looks a folder on which a
    disk should be mounted."""
    try:
        with os.scandir(inbox) as entries:
            return next(entries, None) is None
    except OSError:
        return False
