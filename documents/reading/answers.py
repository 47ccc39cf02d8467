"""What a reader process is asked and answers, as JSON: data and nothing else, whoever has taken the process over.

The types are rebuilt from the annotations of the dataclasses, so whatever does not fit them is refused, and a field
that is added to one of them comes along.
"""

from __future__ import annotations

import datetime as dt
import json
import struct
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass
from functools import cache
from typing import Any

from contracts.grid import CellError, Grid, Unreadable, Value

LENGTH = struct.Struct("<Q")
"""Before each request and each answer: how many bytes it has."""
KIND = "="
"""Marks a value that JSON does not know; a cell is never a document otherwise."""
VALUES: dict[str, Callable[[Any], Any]] = {
    "datetime": dt.datetime.fromisoformat,
    "date": dt.date.fromisoformat,
    "time": dt.time.fromisoformat,
    "timedelta": lambda parts: dt.timedelta(*parts),
    "CellError": CellError,
}
PLAIN: dict[type, Callable[[Any], Any]] = {
    dt.datetime: dt.datetime.isoformat,
    dt.date: dt.date.isoformat,
    dt.time: dt.time.isoformat,
    dt.timedelta: lambda value: [value.days, value.seconds, value.microseconds],
    CellError: lambda value: value.text,
}
"""What `VALUES` takes back."""
LONGEST_WORDS = 500
"""Of what a reader says in words, so much is told."""


@dataclass(frozen=True)
class Request:
    """A file to open, whose descriptor comes along; `whole` asks for a grid however large the file is."""

    name: str
    whole: bool = False


@dataclass(frozen=True)
class Table:
    """A large table that was written to the file beside the answers: its sheet, its first rows, the reader's notes."""

    sheet: str
    head: list[list[Value]]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class Mishap:
    """A mistake of our code, told by its class and place: its own words may quote a cell."""

    text: str


@dataclass(frozen=True)
class Refusal:
    """Why the file cannot be read, as `Unreadable` says it."""

    reason: str
    detail: str
    looks: str | None = None


@dataclass(frozen=True)
class Failure:
    """What the system said when the file was read."""

    number: int
    text: str


@dataclass(frozen=True)
class Ready:
    """The process is there."""


@dataclass(frozen=True)
class NotLoaded:
    """The file is a large workbook, and what reads such ones can no longer be imported: a process that has it is to be
    asked."""


Found = Grid | Table | Mishap | Refusal | Failure | Ready | NotLoaded
FOUND: dict[str, type] = {kind.__name__: kind for kind in (Grid, Table, Mishap, Refusal, Failure, Ready, NotLoaded)}


@dataclass(frozen=True)
class Answer:
    """What came of a request. The process ends with its last one."""

    found: Found
    is_last: bool = False


class Nonsense(ValueError):
    """What came is no answer."""


def encoded(message: Request | Answer) -> bytes:
    """A message as JSON, in bytes."""
    if isinstance(message, Answer):
        document = {"kind": type(message.found).__name__, "found": message.found, "is_last": message.is_last}
    else:
        document = {"name": message.name, "whole": message.whole}
    text = json.dumps(document, ensure_ascii=False, check_circular=False, default=_plain)
    return text.encode("utf-8", "surrogatepass")  # names of files may hold bytes that are no UTF-8


def request(data: bytes) -> Request:
    """The request that `encoded` made bytes of."""
    return Request(**json.loads(data.decode("utf-8", "surrogatepass")))


def answer(data: bytes | bytearray) -> Answer:
    """An answer, of the types that it has to be of. Raises Nonsense."""
    try:
        document = json.loads(data.decode("utf-8", "surrogatepass"), object_hook=_value)
        kind, found, is_last = document["kind"], document["found"], document["is_last"]
        return Answer(_maker(FOUND[kind])(found), is_last is not False)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError, OverflowError) as error:
        raise Nonsense("a reader process answered what is no answer") from error


def raised(refusal: Refusal | Failure, path: str) -> Exception:
    """The exception that a reader told of. Raises Nonsense for a reason that there is not."""
    from contracts.rules import UNREADABLE  # not for the readers: it needs polars
    from contracts.texts import phrases

    if isinstance(refusal, Refusal):
        if refusal.reason not in UNREADABLE or (refusal.looks and f"unreadable.{refusal.looks}" not in phrases()):
            raise Nonsense("a reader process answered what is no answer")
        return Unreadable(refusal.reason, refusal.detail[:LONGEST_WORDS], refusal.looks)
    return OSError(refusal.number, refusal.text[:LONGEST_WORDS], path)


def _plain(value: Any) -> Any:
    """What JSON does not know, said by what it knows."""
    kind = type(value)
    if (make := PLAIN.get(kind)) is not None:
        return {KIND: kind.__name__, "of": make(value)}
    if is_dataclass(value):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    if isinstance(value, frozenset):
        return list(value)
    raise TypeError(f"a cell of type {kind.__name__}")


def _value(document: dict[str, Any]) -> Any:
    return VALUES[document[KIND]](document["of"]) if KIND in document else document


@cache
def _maker(kind: Any) -> Callable[[Any], Any]:
    """What makes a value of a type from what JSON holds for it, or raises TypeError."""
    origin, of = typing.get_origin(kind), typing.get_args(kind)
    if kind is Any or kind == Value:  # `_value` made it
        return _as_it_is
    if origin is types.UnionType:
        return lambda found: found if isinstance(found, of) else _refuse(found, of[0])
    if is_dataclass(kind):
        return _dataclass_maker(kind)
    if origin in (list, frozenset, tuple):
        several = origin is not tuple or of[-1] is Ellipsis
        parts = [_maker(each) for each in of if each is not Ellipsis]
        if several and parts[0] is _as_it_is and origin is list:
            return _list
        if several:
            return lambda found: origin(map(parts[0], _list(found)))
        return lambda found: tuple(make(each) for make, each in zip(parts, _list(found), strict=True))
    if isinstance(kind, type):
        return lambda found: found if type(found) is kind else _refuse(found, kind)
    raise TypeError(f"no reader process can answer with {kind}")


def _dataclass_maker(kind: Any) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(kind)
    makers = {field.name: _maker(hints[field.name]) for field in fields(kind)}

    def make(found: Any) -> Any:
        if not isinstance(found, dict) or found.keys() != makers.keys():
            _refuse(found, kind)
        return kind(**{name: maker(found[name]) for name, maker in makers.items()})

    return make


def _as_it_is(value: Any) -> Any:
    return value


def _list(value: Any) -> Any:
    return value if isinstance(value, list) else _refuse(value, list)


def _refuse(value: Any, kind: type) -> typing.NoReturn:
    raise TypeError(f"{type(value).__name__} instead of {kind.__name__}")
