"""Untrusted files are opened in processes of their own, held to limits: a file can end its process, never ours.

Native readers panic, abort and take memory by the gigabyte; a refusal in words is what a sender gets for such a file.
And should a file take its reader over, it is in a process without rights (`documents.reading.confinement`) whose
answers are data (`documents.reading.answers`): nothing that it says is run.
"""

from __future__ import annotations

import atexit
import gc
import mmap
import os
import select
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Generator, Iterable
from concurrent.futures import Future
from contextlib import suppress
from copy import copy
from functools import cache
from pathlib import Path
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import IO, TypeVar, cast

from contracts.grid import Blocks, Grid, Unreadable
from documents.reading.answers import (
    LENGTH,
    LONGEST_WORDS,
    Answer,
    Failure,
    Mishap,
    Nonsense,
    NotLoaded,
    Ready,
    Refusal,
    Request,
    Table,
    answer,
    encoded,
    raised,
)  # fmt: skip
from documents.reading.blocks import large_text, table_blocks
from documents.reading.formats.limits import Limits
from documents.reading.opening import AsItLies, Opened, Opening

START_SECONDS = 60
TURN_SECONDS = 0.2
FEWER_COLLECTIONS = (5_000, 20, 10)
"""Cells are lists by the hundred thousand, and no rings: to look for such took a fourteenth of the work."""
HANDED_DOWN = ("PATH", "LANG", "LC_ALL", "LC_CTYPE", "LD_LIBRARY_PATH", "SYSTEMROOT", "TMPDIR", "TEMP", "TMP")
"""Variables that a process gets; ours may hold passwords."""

Content = Grid | Blocks
Job = tuple[Request, Path, Opening, Future[Content]]
T = TypeVar("T")


class ReaderFailed(Exception):
    """Our own code or a process of it failed while a file was opened. Its text quotes no cell."""


class Sandbox:
    """Some processes that open files for all threads of this one: the first is started at once, another when a file
    comes while those before have to do, each anew when it has died."""

    def __init__(self, processes: int = 2, limits: Limits | None = None) -> None:
        self.processes = processes
        self.opening: Opening = AsItLies
        self._jobs: SimpleQueue[Job | None] = SimpleQueue()
        self._readers = [_Reader(limits or Limits()) for _ in range(processes)]
        self._asleep = deque(self._readers)
        self._idle = threading.Semaphore(1)  # readers that wait for a file, the first one while it starts
        self._wake(is_counted=True)
        atexit.register(self.close)

    def __enter__(self) -> Sandbox:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self.close()

    def opening_by(self, opening: Opening) -> Sandbox:
        """The same processes, for files that are got at in another way."""
        other = copy(self)
        other.opening = opening
        return other

    def submit(self, name: str, path: Path, *, whole: bool = False) -> Future[Content]:
        """Open a file in its turn, as a Grid or, when it is large and need not be `whole`, as Blocks.

        `result` of the future raises Unreadable for the file's fault, ReaderFailed or OSError for ours.
        """
        future: Future[Content] = Future()
        self._jobs.put((Request(name, whole), path, self.opening, future))
        if not self._idle.acquire(blocking=False):
            self._wake(is_counted=False)
        return future

    def open(self, name: str, path: Path) -> Content:
        """Open one file; raises as `submit` says."""
        return result(self.submit(name, path))

    def grid(self, name: str, path: Path) -> Grid:
        """All cells of one file, however large it is; raises as `submit` says."""
        return cast(Grid, result(self.submit(name, path, whole=True)))

    def in_order(self, files: Iterable[tuple[str, Path]]) -> Generator[Future[Content]]:
        """A future for each file, in their order; a few files are opened ahead of the one that is asked for."""
        ahead: deque[Future[Content]] = deque()
        try:
            for name, path in files:
                ahead.append(self.submit(name, path))
                if len(ahead) > 2 * self.processes:
                    yield ahead.popleft()
            while ahead:
                yield ahead.popleft()
        finally:
            for future in ahead:
                future.cancel()

    def close(self) -> None:
        """End the processes, also those that are reading."""
        atexit.unregister(self.close)
        for reader in self._readers:
            self._jobs.put(None)
            reader.close()

    def _wake(self, *, is_counted: bool) -> None:
        """Let one more reader serve, if there is one."""
        with suppress(IndexError):
            asked = self._asleep.popleft(), is_counted
            # A daemon, so that an interrupted command ends at once and not when the file that it waits for is read.
            threading.Thread(target=self._serve, args=asked, name="profmin reader", daemon=True).start()

    def _serve(self, reader: _Reader, is_counted: bool) -> None:
        with suppress(OSError):  # the first file will tell
            reader.start()
        while (job := self._next(is_counted)) is not None:
            is_counted = False
            request, path, opening, future = job
            if future.set_running_or_notify_cancel():
                try:
                    future.set_result(reader.open(request, opening(path)))
                except BaseException as error:  # noqa: BLE001 - it is the asker's to handle
                    future.set_exception(error)
            del job, request, path, opening, future

    def _next(self, is_counted: bool) -> Job | None:
        """The next file, waited for as one of the idle; None when there will be none."""
        try:
            return self._jobs.get_nowait()
        except Empty:
            if not is_counted:
                self._idle.release()
            return self._jobs.get()


def result(future: Future[T]) -> T:
    """What came of a future, waited for in short turns: polars lets Ctrl-C not interrupt a wait that has no end."""
    while not future.done():
        with suppress(TimeoutError):
            future.exception(TURN_SECONDS)
    return future.result()


@cache
def shared(processes: int, limits: Limits) -> Sandbox:
    """The sandbox of these settings, for the whole life of our process."""
    gc.freeze()  # what is imported stays: the collector, which many cells call often, need not look through it again
    gc.set_threshold(*FEWER_COLLECTIONS)
    return Sandbox(processes, limits)


class _Reader:
    """A place for one process after another."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self.process: _Process | None = None
        self.is_closed = False

    def start(self, *, for_large: bool = False) -> _Process:
        if self.is_closed:
            raise ReaderFailed("the reader processes were closed")
        self.process = self.process or _Process(self.limits, for_large=for_large)
        return self.process

    def close(self) -> None:
        self.is_closed = True
        if self.process is not None:
            self.process.end()

    def open(self, request: Request, opened: Opened) -> Content:
        path = opened.path
        # Plain bytes cannot expand, and they are read a block at a time: they need no process.
        if not request.whole and (text := large_text(request.name, path, opened)) is not None:
            return text
        try:
            return self._asked(request, path)
        except _Ended as ended:
            # Killed from outside: perhaps it was others who had taken the machine's memory.
            if not (ended.code == -signal.SIGKILL and not ended.is_late):
                raise self._refusal(ended) from None
        try:
            return self._asked(request, path)
        except _Ended as ended:
            raise self._refusal(ended) from None

    def _asked(self, request: Request, path: Path) -> Content:
        process, answer = self.start(), None
        try:
            answer = process.ask(request, path)
            if isinstance(answer.found, NotLoaded):
                answer, self.process = None, None
                process.end()
                process = self.start(for_large=True)
                answer = process.ask(request, path)
            found = answer.found
            if isinstance(found, Mishap):
                raise ReaderFailed(found.text[:LONGEST_WORDS])
            if isinstance(found, Refusal | Failure):
                raise raised(found, str(path))
            if isinstance(found, Table):
                return process.blocks(found)
            if isinstance(found, Ready | NotLoaded):
                raise Nonsense("a reader process answered what is no answer")
            return found
        except Nonsense as error:
            answer = None
            raise ReaderFailed(str(error)) from None
        finally:
            if answer is None or answer.is_last:
                self.process = None
                process.end()

    def _refusal(self, ended: _Ended) -> Exception:
        if self.is_closed:
            return ReaderFailed("the reader processes were closed")
        if ended.is_late:
            return Unreadable("too_slow", f"The file was not read within {self.limits.seconds:g} seconds.")
        how = f"signal {-ended.code}" if ended.code < 0 else f"code {ended.code}"
        memory = self.limits.memory >> 20
        return Unreadable("too_large", f"Reading the file ended its process ({how}), which may use {memory} MB.")


class _Ended(Exception):
    """The process ended before it answered, because it was killed for being late or of itself."""

    def __init__(self, code: int, *, is_late: bool) -> None:
        super().__init__(code)
        self.code = code
        self.is_late = is_late


class _Process:
    """A reader process, from its start to its end; one `for_large` workbooks has imported what reads them."""

    def __init__(self, limits: Limits, *, for_large: bool = False) -> None:
        self.limits = limits
        self.is_ready = False
        # For a large table. The file has no name, so nothing is left of it whoever dies.
        self.tables = tempfile.TemporaryFile()  # noqa: SIM115
        kept = {name: os.environ[name] for name in HANDED_DOWN if name in os.environ}
        lifeline, held = os.pipe()
        self.held = os.fdopen(held, "wb")
        self.requests, asked = socket.socketpair()
        try:
            self.popen = subprocess.Popen(
                [sys.executable, "-P", "-c", "from documents.reading.sandbox_worker import main; main()",
                 *map(str, (limits.memory, limits.cells, limits.unpacked, lifeline, int(for_large)))],
                env=kept | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=asked.fileno(), stdout=subprocess.PIPE, stderr=self.tables, bufsize=0, pass_fds=(lifeline,),
            )  # fmt: skip
        finally:
            os.close(lifeline)
            asked.close()

    def ask(self, request: Request, path: Path) -> Answer:
        """The answer to a request. Raises _Ended, Nonsense, OSError for a file that does not open, or ReaderFailed when
        the process did not even start."""
        if not self.is_ready:
            try:
                self._told(None, START_SECONDS)
            except _Ended as ended:
                raise ReaderFailed(f"a reader process did not start, it ended with code {ended.code}") from None
            self.is_ready = True
        data = encoded(request)
        # Without waiting for a writer, should it be a pipe.
        file = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
        try:
            return self._told((LENGTH.pack(len(data)) + data, file), self.limits.seconds)
        finally:
            os.close(file)

    def blocks(self, table: Table) -> Blocks:
        """The large table that the process wrote."""
        return table_blocks(table, mmap.mmap(self.tables.fileno(), 0, access=mmap.ACCESS_READ))

    def end(self) -> None:
        self.popen.kill()
        self.popen.wait()
        for pipe in (self.requests, self.popen.stdout, self.held, self.tables):
            if pipe is not None:
                pipe.close()

    def _told(self, asked: tuple[bytes, int] | None, seconds: float) -> Answer:
        """Ask with an open file, or for nothing but the sign of life, and wait so long for the answer."""
        if self.popen.stdout is None:
            raise TypeError("the pipe was not asked for")
        end = time.monotonic() + seconds
        try:
            if asked is not None:
                data, file = asked
                self.requests.settimeout(seconds)
                self.requests.sendall(data[socket.send_fds(self.requests, [data], [file]) :])
            (size,) = LENGTH.unpack(received(self.popen.stdout, LENGTH.size, end))
            if size > self.limits.memory:  # it cannot have had so much to say
                raise Nonsense("a reader process answered what is no answer")
            return answer(received(self.popen.stdout, size, end))
        except TimeoutError:
            self.popen.kill()
            raise _Ended(self.popen.wait(), is_late=True) from None
        except (EOFError, ConnectionError):
            raise _Ended(self.popen.wait(), is_late=False) from None


def received(pipe: IO[bytes], size: int, end: float) -> bytearray:
    """So many bytes of a pipe. Raises EOFError when it ends before, TimeoutError when they are not there at `end`, a
    moment of the monotonic clock."""
    data = bytearray(size)
    rest = memoryview(data)
    coming = select.poll()
    coming.register(pipe, select.POLLIN)
    while rest:
        if not coming.poll(max(0.0, end - time.monotonic()) * 1000):
            raise TimeoutError
        count = pipe.readinto(rest)  # type: ignore[attr-defined]
        if not count:
            raise EOFError
        rest = rest[count:]
    return data
