"""The process in which untrusted files are opened: it answers `documents.reading.sandbox` until that is gone.

A new one is started for each that dies, so it imports little. A request comes with an open file, since the process may
have no right to open it itself; requests and answers are those of `documents.reading.answers`. The first answer only
says that the process is ready.
"""

from __future__ import annotations

import csv
import os
import socket
import struct
import sys
import traceback
import zipfile
import zlib
from contextlib import suppress
from pathlib import Path
from typing import IO
from xml.parsers import expat

from contracts.grid import Unreadable
from documents.reading.answers import (
    LENGTH,
    Answer,
    Failure,
    Found,
    Mishap,
    NotLoaded,
    Ready,
    Refusal,
    Request,
    Table,
    encoded,
    request,
)
from documents.reading.confinement import confine, die_with_parent
from documents.reading.formats.limits import LIMITS, Limits
from documents.reading.formats.opc import Package
from documents.reading.formats.xlsx import is_ordinary
from documents.reading.read import check_unpacked, read_grid

LARGE_WORKBOOK = 24 << 20
"""Bytes of unpacked sheets above which cells are not made one by one."""
MOST_PACKED = 1032
"""Bytes that deflate can make of one."""
STATUS_BYTES = 4096
ROOM = 4
"""A process that has used more than one part in so many of its memory makes way for a fresh one."""
DAMAGE = (
    zipfile.BadZipFile, zlib.error, struct.error, expat.ExpatError, csv.Error, EOFError, UnicodeError, RecursionError,
    OverflowError,
)  # fmt: skip
"""What parsers raise at damaged content, wherever that comes through. All else is a mistake of ours."""


def main() -> None:
    """Answer one request after another until nobody asks."""
    memory, cells, unpacked, lifeline, for_large = map(int, sys.argv[1:])
    LIMITS.set(Limits(memory=memory, cells=cells, unpacked=unpacked))
    requests = socket.socket(fileno=os.dup(0))
    # What native code prints when it panics must not come between the answers, nor to anybody's terminal.
    answers, tables = os.fdopen(os.dup(1), "wb"), os.fdopen(os.dup(2), "wb")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    os.dup2(nowhere, 2)
    die_with_parent(lifeline)
    if for_large:
        import documents.reading.workbook_table  # noqa: F401 - afterwards it may be closed to this process
    confine(memory)
    send(answers, encoded(Answer(Ready())))
    while (asked := next_request(requests)) is not None:
        send(answers, answer(*asked, tables, memory))


def next_request(requests: socket.socket) -> tuple[Request, IO[bytes]] | None:
    """The next request and its file; None when nobody asks any more."""
    start, files, _, _ = socket.recv_fds(requests, LENGTH.size, 1)
    if not start:
        return None
    (size,) = LENGTH.unpack(start)
    data = bytearray()
    while len(data) < size:
        data += requests.recv(size - len(data))
    return request(bytes(data)), os.fdopen(files[0], "rb")


def answer(request: Request, file: IO[bytes], tables: IO[bytes], memory: int) -> bytes:
    """The answer to a request; a large table goes to the file `tables`."""
    try:
        with file:
            found = opened(request, file, tables)
        is_last = tables.tell() > 0 or isinstance(found, NotLoaded) or has_grown(memory)
        return encoded(Answer(found, is_last))
    except MemoryError:
        refused = Refusal("too_large", f"Reading the file takes more than {memory >> 20} MB of memory.")
        return encoded(Answer(refused, is_last=True))


def opened(request: Request, file: IO[bytes], tables: IO[bytes]) -> Found:
    """What the file is, or why it cannot be read; a large workbook goes to `tables`."""
    try:
        if not request.whole and is_large_workbook(file):
            try:  # it takes as long as all else that is imported, and few files need it
                from documents.reading.workbook_table import write_table
            except (ImportError, OSError):
                return NotLoaded()
            file.seek(0)
            with suppress(Unreadable):  # what that reader refuses another may read, or it says why not
                table = write_table(file.read(), tables)
                tables.flush()
                if table is not None:
                    return Table(table.sheet, table.head, table.notes)
        file.seek(0)
        return read_grid(request.name, file.read())
    except Unreadable as error:
        return Refusal(error.reason, error.detail, error.looks)
    except OSError as error:
        return Failure(error.errno or 0, error.strerror or "")
    except MemoryError:
        raise
    except BaseException as error:  # noqa: BLE001 - a panic of native code is no `Exception`
        if isinstance(error, DAMAGE) or type(error).__module__ == "pyo3_runtime":
            return Refusal("corrupt", "The file is damaged; its reader stumbled over it.")
        frames = traceback.extract_tb(error.__traceback__)[-3:]
        places = ", ".join(f"{Path(frame.filename).name}:{frame.lineno} in {frame.name}" for frame in frames)
        return Mishap(f"{type(error).__name__} in a reader process at {places}")


def is_large_workbook(file: IO[bytes]) -> bool:
    """Whether the sheets of an ordinary xlsx are large; a damaged one is not ordinary, and a bomb is refused."""
    size = file.seek(0, os.SEEK_END)
    if size * MOST_PACKED <= LARGE_WORKBOOK:
        return False
    try:
        with zipfile.ZipFile(file) as archive:
            sheets = [info.file_size for info in archive.infolist() if info.filename.startswith("xl/worksheets/")]
            if sum(sheets) <= LARGE_WORKBOOK:
                return False
            check_unpacked(archive, size)
            return is_ordinary(Package(archive))
    except (zipfile.BadZipFile, ValueError, NotImplementedError):  # the last for a version that no zip has
        return False


def has_grown(memory: int) -> bool:
    """Whether the process has held so much memory that it should make room. `ru_maxrss` would not do: it survives exec,
    so that it is that of the program which started this one."""
    try:
        with open("/proc/self/status", "rb", buffering=0) as status:  # noqa: PTH123 - for each file, so it has to be quick
            peak = status.read(STATUS_BYTES).partition(b"VmHWM:")[2].split(maxsplit=1)[0]
    except OSError:
        return False
    return int(peak) * 1024 > memory // ROOM


def send(answers: IO[bytes], data: bytes) -> None:
    """Write an answer, its length before it."""
    answers.write(LENGTH.pack(len(data)))
    answers.write(data)
    answers.flush()
