"""Our own failures, and how they are logged: without what was in the files, since an error's text may quote a cell."""

from __future__ import annotations

import logging
import logging.handlers
import os
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal, TypeVar

from contracts.grid import Unreadable
from documents.reading.names import shown
from flows.home.log import WithIds, formatter, logged, logged_as

LOGGER = logging.getLogger("profmin")
T = TypeVar("T")
R = TypeVar("R")
LARGEST_LOG = 5_000_000

SAFE_TO_QUOTE = ("ServerError", "AuditFailed", "UsageError", "ReaderFailed", "Timeout", "GaveUp", "NotTaken")
"""Errors of ours whose texts are about the system, never about a row."""
STOP_ERROR = "TerminationSignal"
PASSING = ("OperationalError", "InterfaceError", "ConnectionError", "TimeoutError", "Timeout", "GaveUp")
"""Faults that may be gone when tried again: a server that restarts, a lock that is held, a disk that was full."""


class Fault(Exception):
    """A failure of ours with a text that may be shown anywhere; `passing` says that it may help to try again."""

    def __init__(self, text: str, *, passing: bool = False) -> None:
        super().__init__(text)
        self.passing = passing


def _ancestry(error: BaseException) -> set[str]:
    return {kind.__name__ for kind in type(error).__mro__}


def fault(error: BaseException, doing: str) -> Fault:
    """A fault that says what we were doing and what kind of error came, without the error's own words."""
    if isinstance(error, Fault):
        return error
    is_lost = getattr(error, "connection_invalidated", False)  # the driver has no name for a server that is killed
    return Fault(f"{doing}: {describe(error)}", passing=is_lost or bool(_ancestry(error) & set(PASSING)))


def describe(error: BaseException) -> str:
    """The kind of an error, with its text where that cannot quote a row."""
    kind = type(error).__name__
    if isinstance(error, Unreadable):
        return f"{kind}: {error.reason}"
    if isinstance(error, Fault) or kind in SAFE_TO_QUOTE:
        return str(error)
    if isinstance(error, OSError):
        where = f" ({shown(os.fsdecode(error.filename))})" if isinstance(error.filename, str | bytes) else ""
        return f"{kind}: {error.strerror or error.errno}{where}"
    if _ancestry(error) & set(PASSING):
        # The first line is the server's; the lines after it may quote a row that was being copied.
        first = str(getattr(error, "orig", None) or error).strip().split("\n", 1)[0]
        return f"{kind}: {first}"
    code = getattr(getattr(error, "orig", error), "pgcode", None)
    return f"{kind} {code}" if code else kind


def trace(error: BaseException) -> str:
    """Where an error came from: files, lines and functions of it and its causes; no values."""
    lines = []
    cause: BaseException | None = error
    while cause is not None:
        lines += [f"{describe(cause)}, raised at:\n", *traceback.StackSummary.from_list(_frames(cause)).format()]
        cause = cause.__cause__ or (None if cause.__suppress_context__ else cause.__context__)
    return "".join(lines).rstrip()


def _frames(error: BaseException) -> list[traceback.FrameSummary]:
    return [
        traceback.FrameSummary(frame.filename, frame.lineno, frame.name, lookup_line=False, line="")
        for frame in traceback.extract_tb(error.__traceback__)
    ]


class _FirstLine(logging.Formatter):
    """The first line of a message: where an error came from is in the log file, and here with `debug`."""

    def format(self, record: logging.LogRecord) -> str:
        return f"profmin: {record.getMessage()}".split("\n", 1)[0]


def log_to(file: Path | None, level: str, log_format: Literal["text", "json"] = "text") -> None:
    """Send our log to the terminal's error stream from `level` on and, when there is a home, to its file."""
    LOGGER.handlers.clear()
    LOGGER.propagate = False
    LOGGER.setLevel(logging.DEBUG)
    to_terminal = logging.StreamHandler()
    to_terminal.setLevel(level.upper())
    to_terminal.setFormatter(logging.Formatter("profmin: %(message)s") if level == "debug" else _FirstLine())
    LOGGER.addHandler(to_terminal)
    if file is not None:
        file.parent.mkdir(parents=True, exist_ok=True)
        os.close(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600))
        to_file = logging.handlers.RotatingFileHandler(file, maxBytes=LARGEST_LOG, backupCount=3, encoding="utf-8")
        to_file.setLevel(min(logging.INFO, logging.getLevelNamesMapping()[level.upper()]))
        to_file.addFilter(WithIds())
        to_file.setFormatter(formatter(log_format))
        LOGGER.addHandler(to_file)


def guarded(doing: str, work: Callable[[], T], *, delivery: str | None = None) -> T | Fault:
    """Do some work; when it fails (even by a panic of native code, which is no `Exception`), log it and say so.

    Being told to stop is no failure: Prefect does so by an exception of its own.

    `delivery` is the sha256 of the one that it is about, for the log.
    """
    try:
        with logged(delivery=delivery):
            return work()
    except (KeyboardInterrupt, SystemExit, GeneratorExit):
        raise
    except BaseException as error:  # one bad delivery must not stop a night
        if type(error).__name__ == STOP_ERROR:
            raise
        failure = fault(error, doing)
        with logged_as(error):
            LOGGER.error("%s\n%s", failure, trace(error))
        return failure


def guarded_all(
    doing: str, work: Callable[[Sequence[T]], Sequence[R]], items: Sequence[T], sha256: Callable[[T], str]
) -> list[R | Fault]:
    """Do some work on deliveries together, and when that fails on each alone: one stops no other. Same order.

    `sha256` tells that of a delivery.
    """
    if not items:
        return []
    first = sha256(items[0])
    results = guarded(
        f"{doing} {len(items)} deliveries from {first[:8]} on",
        lambda: work(items),
        delivery=first if len(items) == 1 else None,
    )
    if not isinstance(results, Fault):
        return list(results)
    if len(items) == 1:
        return [results]
    return [result for item in items for result in guarded_all(doing, work, [item], sha256)]


def log_failure(error: BaseException) -> None:
    """Tell the terminal in a sentence that a command failed and where the log is; the log gets where it came from."""
    if not LOGGER.handlers:
        log_to(None, "warning")
    files = [handler.baseFilename for handler in LOGGER.handlers if isinstance(handler, logging.FileHandler)]
    where = f" (see {files[0]})" if files else " (--debug says where)"
    with logged_as(error):
        LOGGER.error("%s%s\n%s", describe(error), where, trace(error))
