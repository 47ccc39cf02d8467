"""The log file: each record says to which run and which delivery it belongs, as a line for people or a JSON document.

The ids are kept in the context: a run sets its number where it starts, and its work on a delivery sets the delivery.
Threads of our own have to be started in a copy of the context; Prefect starts its tasks so.
"""

from __future__ import annotations

import datetime as dt
import json
import logging
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Literal

from flows.home.json_output import Document

Ids = Mapping[str, int | str]
LABELS = {"run_id": "run", "flow_run_id": "flow run", "delivery": "delivery"}
"""The ids, and what a line for people calls them. A delivery is known by the first digits of its sha256."""
CURRENT: ContextVar[Ids] = ContextVar("ids", default=MappingProxyType({}))
NO_IDS = "-"
LINE = re.compile(r"(\d{4}-\d\d-\d\d[T ]\S+) ([A-Z]+) (?:\[([^\]]*)\] )?(.*)")
INDENT = "  "


@contextmanager
def logged(*, run_id: int | None = None, flow_run_id: str | None = None, delivery: str | None = None) -> Iterator[None]:
    """Within the block records carry these ids, beside those of the blocks around it; of a delivery its sha256.

    An error that leaves the block keeps them, for whoever logs it outside.
    """
    given = {"run_id": run_id, "flow_run_id": flow_run_id, "delivery": delivery and delivery[:8]}
    ids = {**CURRENT.get(), **{name: value for name, value in given.items() if value is not None}}
    token = CURRENT.set(ids)
    try:
        yield
    except BaseException as error:
        error.__dict__.setdefault("ids", ids)
        raise
    finally:
        CURRENT.reset(token)


@contextmanager
def logged_as(error: BaseException) -> Iterator[None]:
    """Within the block records carry the ids under which an error came up."""
    token = CURRENT.set({**CURRENT.get(), **error.__dict__.get("ids", {})})
    try:
        yield
    finally:
        CURRENT.reset(token)


class WithIds(logging.Filter):
    """Puts the ids of the context on each record."""

    def filter(self, record: logging.LogRecord) -> bool:
        vars(record).update(CURRENT.get())
        return True


class Line(logging.Formatter):
    """`<time> <level> [run 12, delivery 728465cc] <message>`; further lines of a message are indented."""

    def format(self, record: logging.LogRecord) -> str:
        moment = dt.datetime.fromtimestamp(record.created, dt.UTC).astimezone().isoformat(timespec="milliseconds")
        ids = ", ".join(f"{label} {vars(record)[name]}" for name, label in LABELS.items() if name in vars(record))
        return f"{moment} {record.levelname} [{ids or NO_IDS}] {record.getMessage()}".replace("\n", f"\n{INDENT}")


def formatter(log_format: Literal["text", "json"]) -> logging.Formatter:
    """How records are written into the log file."""
    if log_format == "text":
        return Line()
    from pythonjsonlogger.json import JsonFormatter

    renamed = {"levelname": "level", "name": "logger"}
    return JsonFormatter(
        ["levelname", "name", "message"], rename_fields=renamed, timestamp="time", json_ensure_ascii=False
    )


@dataclass
class Record:
    """A record of the log, as it was written."""

    at: dt.datetime
    level: str
    message: str
    logger: str | None = None
    ids: dict[str, int | str] = field(default_factory=dict)

    def document(self) -> Document:
        """The record as `profmin logs --json` prints it."""
        return {
            "time": self.at.isoformat(),
            "level": self.level,
            "logger": self.logger,
            **self.ids,
            "message": self.message,
        }


def records(file: Path) -> Iterator[Record]:
    """The records of a log file and of the older ones beside it, in the order of their times, of either format."""
    older = sorted(file.parent.glob(f"{file.name}.[0-9]*"), key=lambda path: -int(path.suffix[1:]))
    unsorted: list[Record] = []
    for path in (*older, file):
        if path.exists():
            with path.open(encoding="utf-8", errors="replace") as lines:
                unsorted += _read(lines)
    yield from sorted(unsorted, key=lambda record: record.at)  # several processes write, and one of them turns the page


def _read(lines: Iterator[str]) -> Iterator[Record]:
    record: Record | None = None
    for line in (line.rstrip("\n") for line in lines):
        begun = _of_document(line) if line.startswith("{") else _of_line(line)
        if begun is not None:
            if record is not None:
                yield record
            record = begun
        elif record is not None:
            record.message += "\n" + line.removeprefix(INDENT)
    if record is not None:
        yield record


def _of_document(line: str) -> Record | None:
    try:
        document = json.loads(line)
        at = dt.datetime.fromisoformat(document["time"])
        ids = {name: document[name] for name in LABELS if document.get(name) is not None}
        return Record(at, str(document["level"]), str(document["message"]), document.get("logger"), ids)
    except (ValueError, KeyError):  # cut off when its writer was killed
        return None


def _of_line(line: str) -> Record | None:
    match = LINE.fullmatch(line)
    if match is None:
        return None
    try:
        at = dt.datetime.fromisoformat(match[1]).astimezone()
    except ValueError:
        return None
    ids: dict[str, int | str] = {}
    for name, label in LABELS.items():
        for labelled in (match[3] or "").split(", "):
            if labelled.startswith(f"{label} "):
                value = labelled.removeprefix(f"{label} ")
                ids[name] = int(value) if name == "run_id" else value
    return Record(at, match[2], match[4], ids=ids)
