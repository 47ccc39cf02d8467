"""The process in which untrusted files are opened: it answers `documents.sandbox` until that is gone.

A new one is started for each that dies, so it imports little. A request and an answer are pickled, with their length
before them. The first answer only says that the process is ready.
"""

from __future__ import annotations

import csv
import os
import pickle
import signal
import struct
import sys
import traceback
import zipfile
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any
from xml.parsers import expat

from contracts.grid import Unreadable
from documents.limits import LIMITS, Limits
from documents.read import check_unpacked, read_grid

try:
    import fcntl
    import resource
except ImportError:  # such a system leaves only the limit of time
    fcntl = resource = None  # type: ignore[assignment]

LENGTH = struct.Struct("<Q")
LARGE_WORKBOOK = 24 << 20
"""Bytes of unpacked sheets above which cells are not made one by one."""
ROOM = 4
"""A process that has used more than one part in so many of its memory makes way for a fresh one."""
DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, expat.ExpatError, csv.Error, EOFError, UnicodeError, RecursionError,
    OverflowError,
)  # fmt: skip
"""What parsers raise at damaged content, wherever that comes through. All else is a mistake of ours."""


@dataclass(frozen=True)
class Request:
    """A file to open; `whole` asks for a grid however large the file is."""

    name: str
    path: Path
    whole: bool = False


@dataclass(frozen=True)
class Mishap:
    """A mistake of our code, told by its class and place: its own words may quote a cell."""

    text: str


@dataclass(frozen=True)
class Answer:
    """What came of a request: a Grid, a WorkbookTable, or the reason why not. The process ends with its last one."""

    found: Any
    is_last: bool = False


def main() -> None:
    memory, cells, unpacked, lifeline = map(int, sys.argv[1:])
    LIMITS.set(Limits(memory=memory, cells=cells, unpacked=unpacked))
    requests = sys.stdin.buffer
    # What native code prints when it panics must not come between the answers, nor to anybody's terminal.
    answers, tables = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(2), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    confine(memory)
    die_with_parent(lifeline)
    send(answers, pickle.dumps(Answer("ready")))
    while size := requests.read(LENGTH.size):
        request = pickle.loads(requests.read(*LENGTH.unpack(size)))
        send(answers, answer(request, tables, memory))


def confine(memory: int) -> None:
    """Ask the kernel to hold this process to its memory and to leave no core. It lives as long as its parent does."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if resource is not None:
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
        # Not the address space: allocators reserve far more of that than they use.
        _, most = resource.getrlimit(resource.RLIMIT_DATA)
        allowed = memory if most == resource.RLIM_INFINITY else min(memory, most)
        resource.setrlimit(resource.RLIMIT_DATA, (allowed, allowed))


def die_with_parent(lifeline: int) -> None:
    """Let the end of the parent end this process by SIGIO, even within native code.

    The lifeline is a pipe that nobody writes to, and that only closes. The pipe of the requests would not do: the
    signal of a request may come after the request was read.
    """
    if fcntl is not None:
        fcntl.fcntl(lifeline, fcntl.F_SETOWN, os.getpid())
        fcntl.fcntl(lifeline, fcntl.F_SETFL, fcntl.fcntl(lifeline, fcntl.F_GETFL) | os.O_ASYNC)


def answer(request: Request, tables: IO[bytes], memory: int) -> bytes:
    """The pickled answer to a request; a large table goes to the file `tables`."""
    try:
        found = opened(request, tables)
        is_last = tables.tell() > 0 or has_grown(memory)
        return pickle.dumps(Answer(found, is_last), pickle.HIGHEST_PROTOCOL)
    except MemoryError:
        refused = Unreadable("too_large", f"Reading the file takes more than {memory >> 20} MB of memory.")
        return pickle.dumps(Answer(refused, is_last=True))


def opened(request: Request, tables: IO[bytes]) -> object:
    try:
        if not request.whole and is_large_workbook(request.path):
            from documents.workbook_table import write_table

            table = write_table(request.path, tables)
            tables.flush()
            if table is not None:
                return table
        return read_grid(request.name, request.path.read_bytes())
    except (Unreadable, OSError) as error:
        return error
    except MemoryError:
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of native code is no `Exception`
        if isinstance(error, DAMAGE) or type(error).__module__ == "pyo3_runtime":
            return Unreadable("corrupt", "The file is damaged; its reader stumbled over it.")
        frames = traceback.extract_tb(error.__traceback__)[-3:]
        places = ", ".join(f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames)
        return Mishap(f"{type(error).__name__} in a reader process at {places}")


def is_large_workbook(path: Path) -> bool:
    """Whether the sheets of an xlsx are large; a damaged one is not, and a bomb is refused."""
    try:
        with zipfile.ZipFile(path) as archive:
            sheets = [info.file_size for info in archive.infolist() if info.filename.startswith("xl/worksheets/")]
            if sum(sheets) <= LARGE_WORKBOOK:
                return False
            check_unpacked(archive, path.stat().st_size)
            return True
    except (zipfile.BadZipFile, ValueError, NotImplementedError):  # the last for a version that no zip has
        return False


def has_grown(memory: int) -> bool:
    """Whether the process has held so much memory that it should make room. `ru_maxrss` would not do: it survives exec,
    so that it is that of the program which started this one."""
    try:
        status = Path("/proc/self/status").read_text(encoding="ascii")
    except OSError:
        return False
    return int(status.partition("VmHWM:")[2].split(maxsplit=1)[0]) * 1024 > memory // ROOM


def send(answers: IO[bytes], data: bytes) -> None:
    answers.write(LENGTH.pack(len(data)))
    answers.write(data)
    answers.flush()
