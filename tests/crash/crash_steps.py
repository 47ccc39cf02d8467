"""Counting the steps of a command in its own process, and disturbing it at one of them.

A step is a statement, a COPY, a commit or a rollback, or a change of a file in the home. Python's audit events tell of
the files; connections and cursors of our own tell of the rest, since COPY and scripts pass SQLAlchemy by.
"""

from __future__ import annotations

import os
import re
import resource
import signal
import sys
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Any

import psycopg2
import psycopg2.extensions

PHASES = {
    "_enter": "start", "upgrade": "start", "start_run": "start", "receive": "archive", "recall": "look", "look": "look",
    "process": "read", "keep_register": "register", "keep_classes": "register",
    "load_many": "load", "load_stream": "load",
    "publish": "publish", "publish_changes": "publish", "dates_to_publish": "publish",
    "write_receipts": "receipts", "seal_archive": "seal", "finish_run": "end",
    "_leave": "stop", "open_backfill": "open", "read_again": "propose", "compare": "compare", "apply": "apply",
    "revert": "revert", "rotate": "rekey", "show_report": "show", "publish_within": "publish", "decide": "decide",
    "decided": "open", "notify": "tell", "write_metrics": "tell",
}  # fmt: skip
WRITING = os.O_WRONLY | os.O_RDWR | os.O_CREAT
FILE_EVENTS = ("os.rename", "os.remove", "os.mkdir", "os.link", "os.rmdir")
CUT_AT = 16
"""Bytes of a file after which the process is ended in the middle of a write."""


@dataclass(frozen=True)
class Step:
    """One step: its number, the part of the command that it belongs to, what kind it is, and what it does."""

    number: int
    phase: str
    kind: str
    what: str


class Steps:
    """The steps of this process. Each is told to `out` as a line: number, phase, kind, what."""

    def __init__(self, home: Path, out: int, at: int, how: str) -> None:
        self.home, self.out, self.at, self.how = str(home), out, at, how
        self.count = 0
        self.phase = "start"
        self.guard = threading.RLock()
        self.is_busy = False

    def step(self, kind: str, what: str, connection: psycopg2.extensions.connection | None = None) -> None:
        with self.guard:
            if self.is_busy:
                return
            self.is_busy = True
            try:
                self.count += 1
                self.phase = phase(sys._getframe(1)) or self.phase
                os.write(self.out, f"{self.count}\t{self.phase}\t{kind}\t{what}\n".encode(errors="backslashreplace"))
                if self.count == self.at:
                    self.disturb(connection)
            finally:
                self.is_busy = False

    def disturb(self, connection: psycopg2.extensions.connection | None) -> None:
        match self.how:
            case "kill":
                os.kill(os.getpid(), signal.SIGKILL)
            case "cut":  # the next write ends the process after some bytes; Python by itself would ignore the signal
                signal.signal(signal.SIGXFSZ, signal.SIG_DFL)
                resource.setrlimit(resource.RLIMIT_FSIZE, (CUT_AT, CUT_AT))
            case "drop" if connection is not None:
                terminate(connection)
            case "backend" if connection is not None:
                os.kill(connection.get_backend_pid(), signal.SIGKILL)
                gone(connection.get_backend_pid())
            case "postmaster":
                pid = int((Path(self.home) / "pgdata" / "postmaster.pid").read_text().split()[0])
                os.kill(pid, signal.SIGKILL)
                gone(pid)
            case "limit":  # writes fail by EFBIG, for whoever may not mount a small disk
                resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))
            case "fill":
                fill(Path(self.home))
            case _:
                raise ValueError(f"{self.how} cannot be done at step {self.count}")

    def audit(self, event: str, arguments: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = arguments
            nameless = (flags or 0) & os.O_TMPFILE == os.O_TMPFILE  # gone with the process, whatever was written
            if isinstance(path, str | bytes | os.PathLike) and (flags or 0) & WRITING and not nameless:
                self.file("open", path)
        elif event in FILE_EVENTS:
            self.file(event.removeprefix("os."), arguments[0])

    def file(self, kind: str, path: Any) -> None:
        name = os.fsdecode(path) if not isinstance(path, int) else ""
        if name.startswith(self.home) and not name.endswith((".log", "pgdata.users", "pgdata.server")):
            place = name.removeprefix(self.home).strip("/")
            self.step(kind, re.sub(r"[0-9a-f]{8,}", "…", place))


class Connection(psycopg2.extensions.connection):
    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.cursor_factory = Cursor

    def commit(self) -> None:
        STEPS[0].step("commit", "before", self)
        super().commit()
        STEPS[0].step("commit", "after", self)

    def rollback(self) -> None:
        STEPS[0].step("rollback", "before", self)
        super().rollback()


class Cursor(psycopg2.extensions.cursor):
    def execute(self, query: Any, vars: Any = None) -> None:
        STEPS[0].step("sql", told(query), self.connection)
        super().execute(query, vars)

    def copy_expert(self, sql: Any, file: Any, size: int = 8192) -> None:
        STEPS[0].step("copy", told(sql), self.connection)
        super().copy_expert(sql, Source(file, told(sql)), size)


class Source:
    """What COPY reads or writes, with a step once a part of it is on its way."""

    def __init__(self, file: Any, name: str) -> None:
        self.file, self.name, self.reads = file, name, 0

    def read(self, size: int) -> Any:
        self.reads += 1
        if self.reads == 2:
            STEPS[0].step("copying", self.name)
        return self.file.read(size)

    def write(self, part: Any) -> Any:
        self.reads += 1
        if self.reads == 2:
            STEPS[0].step("copying", self.name)
        return self.file.write(part)


STEPS: list[Steps] = []


def install(home: Path, out: int, at: int, how: str) -> None:
    """Count the steps of this process from now on; at step `at` do what `how` says. Number 0 disturbs nothing."""
    STEPS[:] = [Steps(home, out, at, how)]
    original = psycopg2.connect

    def connect(*arguments: Any, **named: Any) -> psycopg2.extensions.connection:
        return original(*arguments, connection_factory=Connection, **named)

    psycopg2.connect = connect  # type: ignore[assignment]
    sys.addaudithook(STEPS[0].audit)


def phase(frame: FrameType | None) -> str | None:
    """The part of the command that a frame works for: of the innermost function that is known by its name."""
    while frame is not None:
        if (found := PHASES.get(frame.f_code.co_name)) is not None:
            return found
        frame = frame.f_back
    return None


def told(query: Any) -> str:
    words = (query.decode() if isinstance(query, bytes) else str(query)).split()
    return " ".join(words)[:60]


def terminate(connection: psycopg2.extensions.connection) -> None:
    """End the server's side of a connection, as an administrator or a router would, and wait until it is gone."""
    pid, other = connection.get_backend_pid(), psycopg2.extensions.connection(connection.dsn)
    try:
        with other.cursor() as cursor:
            cursor.execute("SELECT pg_terminate_backend(%s, 10000)", [pid])
    finally:
        other.close()


def gone(pid: int) -> None:
    """Return once a process that was killed is dead."""
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        try:
            state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
        except OSError:
            return
        if state == "Z":
            return
        time.sleep(0.005)
    raise TimeoutError(pid)


def fill(home: Path) -> None:
    """Take all that is left of the disk."""
    with suppress(OSError), (home / "filler").open("wb", buffering=0) as file:
        for size in (1 << 20, 1 << 16, 1 << 12, 1):
            with suppress(OSError):
                while file.write(b"\0" * size):
                    pass
