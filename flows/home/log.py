"""The log file: each record says to which run and which delivery it belongs, as a line for people or a JSON document.

Which ids hold is known by the context: a run sets its number where it starts, and its work on a delivery sets that.
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
from typing import Any, Literal

Ids = Mapping[str, int | str]
NAMES = {"run_id": "run", "flow_run_id": "flow run", "delivery": "delivery"}
"""The ids, and what a line for people calls them. A delivery is known by the first digits of its sha256."""
CURRENT: ContextVar[Ids] = ContextVar("ids", default=MappingProxyType({}))
NO_IDS = "-"
LINE = re.compile(r"(\d{4}-\d\d-\d\d[T ]\S+) ([A-Z]+) (?:\[([^\]]*)\] )?(.*)")
MORE = "  "


@contextmanager
def logged(*, run_id: int | None = None, flow_run_id: str | None = None, delivery: str | None = None) -> Iterator[None]:
    """Within the block records carry these ids, beside those of the blocks around it; of a delivery its sha256.

    An error that leaves the block keeps them, for whoever logs it outside.
    """
    said = {"run_id": run_id, "flow_run_id": flow_run_id, "delivery": delivery and delivery[:8]}
    known = {**CURRENT.get(), **{name: value for name, value in said.items() if value is not None}}
    token = CURRENT.set(known)
    try:
        yield
    except BaseException as error:
        error.__dict__.setdefault("ids", known)
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
        ids = ", ".join(f"{told} {vars(record)[name]}" for name, told in NAMES.items() if name in vars(record))
        return f"{moment} {record.levelname} [{ids or NO_IDS}] {record.getMessage()}".replace("\n", f"\n{MORE}")


def formatter(log_format: Literal["text", "json"]) -> logging.Formatter:
    """How records are written into the log file."""
    if log_format == "text":
        return Line()
    from pythonjsonlogger.json import JsonFormatter

    named = {"levelname": "level", "name": "logger"}
    return JsonFormatter(
        ["levelname", "name", "message"], rename_fields=named, timestamp="time", json_ensure_ascii=False
    )


@dataclass
class Record:
    """A record of the log, as it was written."""

    at: dt.datetime
    level: str
    message: str
    logger: str | None = None
    ids: dict[str, int | str] = field(default_factory=dict)

    def document(self) -> dict[str, Any]:
        return {
            "time": self.at.isoformat(),
            "level": self.level,
            "logger": self.logger,
            **self.ids,
            "message": self.message,
        }


def records(file: Path) -> Iterator[Record]:
    """The records of a log file and of the older ones beside it, in the order of their times, of either format."""
    kept = sorted(file.parent.glob(f"{file.name}.[0-9]*"), key=lambda path: -int(path.suffix[1:]))
    found: list[Record] = []
    for path in (*kept, file):
        if path.exists():
            with path.open(encoding="utf-8", errors="replace") as lines:
                found += _read(lines)
    yield from sorted(found, key=lambda record: record.at)  # several processes write, and one of them turns the page


def _read(lines: Iterator[str]) -> Iterator[Record]:
    record: Record | None = None
    for line in (line.rstrip("\n") for line in lines):
        begun = _of_document(line) if line.startswith("{") else _of_line(line)
        if begun is not None:
            if record is not None:
                yield record
            record = begun
        elif record is not None:
            record.message += "\n" + line.removeprefix(MORE)
    if record is not None:
        yield record


def _of_document(line: str) -> Record | None:
    try:
        told = json.loads(line)
        at = dt.datetime.fromisoformat(told["time"])
        ids = {name: told[name] for name in NAMES if told.get(name) is not None}
        return Record(at, str(told["level"]), str(told["message"]), told.get("logger"), ids)
    except (ValueError, KeyError):  # cut off when its writer was killed
        return None


def _of_line(line: str) -> Record | None:
    found = LINE.fullmatch(line)
    if found is None:
        return None
    try:
        at = dt.datetime.fromisoformat(found[1]).astimezone()
    except ValueError:
        return None
    ids: dict[str, int | str] = {}
    for name, told in NAMES.items():
        for part in (found[3] or "").split(", "):
            if part.startswith(f"{told} "):
                value = part.removeprefix(f"{told} ")
                ids[name] = int(value) if name == "run_id" else value
    return Record(at, found[2], found[4], ids=ids)
