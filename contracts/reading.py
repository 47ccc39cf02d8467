"""What one interpretation of a delivery yields. The warehouse stores it; receipts and `check --json` show it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Literal, NamedTuple, Protocol, get_args, get_type_hints, runtime_checkable

import polars as pl

from contracts.counted_pupils import Pupils
from contracts.form import Form, Scope, Severity
from contracts.known_rows import KnownRows

Verdict = Literal["accepted", "partial", "refused"]
Status = Literal["current", "superseded", "proposed", "same", "held", "declined", "overtaken"]
"""What became of a reading: it counts, counted or would, or says what one of the same bytes does; or it waits for an
officer's decision, was declined by one, or was overtaken by a newer delivery while it waited."""
Answer = Literal["accepted", "partial", "refused", "held"]
"""What a sender and an officer are told: the verdict, unless the reading never counted for another reason."""


def answer(verdict: Verdict, status: str) -> Answer:
    """The answer to a delivery by the verdict and the status of its reading."""
    if status == "declined":
        return "refused"
    return "held" if status in ("held", "overtaken") else verdict


class Finding(NamedTuple):
    """One broken rule at one place; `row` is the row of the sheet, counted from 1; a personal value is never shown.

    `row_key` is what tells the row apart within its sender's documents, wherever it stands; None where rows are people,
    and of what is no row. It is kept with the finding and told to nobody.
    """

    rule: str
    severity: Severity
    scope: Scope
    sheet: str | None
    cell: str | None
    row: int | None
    column: str | None
    value: str | None
    expected: str | None
    difference: float | None
    message: str
    row_key: str | None = None

    def document(self) -> dict[str, object]:
        """What is told of it, by name."""
        return {name: value for name, value in self._asdict().items() if name != "row_key"}


class ControlTotal(NamedTuple):
    """A stated figure against the computed one; `reporting_unit` is None for «Итого»."""

    reporting_unit: str | None
    metric: str
    stated: float
    computed: float
    difference: float
    tolerance: float
    verdict: Literal["agrees", "disagrees"]


def _schema_of(row: type[NamedTuple]) -> dict[str, pl.DataType]:
    """The columns of a frame of such rows; what is no number is text."""
    numbers: dict[object, pl.DataType] = {int: pl.Int64(), float: pl.Float64()}
    return {
        name: next((numbers[part] for part in (hint, *get_args(hint)) if part in numbers), pl.String())
        for name, hint in get_type_hints(row).items()
    }


FINDINGS = _schema_of(Finding)
"""Many findings, a column a field."""
CONTROL_TOTALS = _schema_of(ControlTotal)
"""The same of control totals."""

RAW_ROWS: dict[str, pl.DataType] = {
    "sheet": pl.String(),
    "row": pl.Int64(),
    "outcome": pl.String(),
    "cells": pl.List(pl.String()),
}
"""Rows as received. `outcome`: loaded, quarantined, or why it is not data: title, heading, total, subtotal, section,
unfilled (a name alone), note, another_table (its cells are not kept), blank."""

SCHOOL_OUTCOMES: dict[str, pl.DataType] = {
    "school_id": pl.Int64(),
    "report_status": pl.String(),
    "rules": pl.List(pl.String()),
}
"""Status of each school that a delivery names: accepted or rejected, with the rules that rejected it."""

PUPILS: dict[str, pl.DataType] = {
    "row": pl.Int32(),
    "pupil_key": pl.Binary(),
    "school_id": pl.Int64(),
    "grade": pl.Int16(),
    "state": pl.Int16(),
}
"""Pupil rows under a keyed pseudonym (16 bytes of an HMAC-SHA256); state 1 counted, 2 unverified, 3 archived."""

COUNTER = pl.Int16()
"""Of a pupil: a contract allows no more than 10 000, and there are a million pupils."""
LINE: dict[str, pl.DataType] = {
    "line": pl.Int64(),
    "namesake": pl.Int64(),
    "is_whole": pl.Boolean(),
    "is_clean": pl.Boolean(),
}
"""Of a pupil's row: hashes under the key of its texts (`line`) and of its name, whether its identity lacks nothing, and
whether no rule speaks of it by itself."""


def kept(pupils: Pupils) -> dict[str, pl.DataType]:
    """What is kept of a pupil's row: `PUPILS`, `LINE` and the counters."""
    return PUPILS | LINE | dict.fromkeys(pupils.counters, COUNTER)


def empty(schema: dict[str, pl.DataType]) -> pl.DataFrame:
    """A frame of a schema without rows."""
    return pl.DataFrame(schema=schema)


def findings_frame(findings: Iterable[Finding]) -> pl.DataFrame:
    """`FINDINGS` from single ones."""
    return pl.DataFrame(list(findings), schema=FINDINGS, orient="row")


def findings_in(frame: pl.DataFrame) -> tuple[Finding, ...]:
    """The single findings of a `FINDINGS` frame."""
    return tuple(map(Finding._make, frame.iter_rows()))


NO_CONTROL_TOTALS = empty(CONTROL_TOTALS)
NO_SCHOOL_OUTCOMES = empty(SCHOOL_OUTCOMES)


@dataclass(frozen=True)
class Rows:
    """Row accounting: read = loaded + quarantined + not_data, always."""

    read: int = 0
    loaded: int = 0
    quarantined: int = 0
    not_data: int = 0


@dataclass(frozen=True)
class Suggestion:
    """A missing column that an unknown heading may be: the heading as found, its address, and a score of 100."""

    heading: str
    cell: str
    column: str
    title: str
    score: int


@dataclass(frozen=True)
class Layout:
    """How headings were understood: heading as found → column; titles of missing columns; unknown headings.

    `places` is column → address of its heading, such as «Лист1!F5»; of several tables the first one's.
    """

    matched: dict[str, str] = field(default_factory=dict)
    missing: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    suggested: tuple[Suggestion, ...] = ()
    places: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Apart:
    """Of a reading whose facts were loaded apart from it, block by block: the different things that they `named` and
    first days of the `months` that they tell of, by which readings are compared, and the `digest` of what was sent."""

    named: pl.DataFrame
    months: frozenset[dt.date] = frozenset()
    digest: str = ""


@dataclass(frozen=True)
class Reading:
    """One interpretation of a delivery by one contract version.

    `slice` names what the delivery replaces as a whole, and is null when the delivery is refused. `facts` has the
    fact columns of the form and its keys (`school_id`, `reporting_unit`, `school_code` for the register).
    """

    file: str
    sha256: str
    form: str | None
    edition: str | None
    sender: str | None
    as_of: dt.date | None
    campaign: str | None
    slice: str | None
    verdict: Verdict
    rows: Rows
    layout: Layout
    findings: pl.DataFrame
    raw_rows: pl.DataFrame
    facts: pl.DataFrame
    control_totals: pl.DataFrame
    school_outcomes: pl.DataFrame
    apart: Apart | None = None


class Stream(Protocol):
    """A reading of an export in the making: blocks of pupils, or of facts, first, the whole `Reading` after the last.

    `taken_back` are then the keys of facts that are none, though a block had them.
    """

    @property
    def form(self) -> Form: ...

    def __iter__(self) -> Iterator[pl.DataFrame]: ...

    def taken_back(self) -> pl.DataFrame: ...

    def reading(self) -> Reading:
        """The whole reading, once all blocks were taken."""


@runtime_checkable
class PupilStream(Stream, Protocol):
    """An export of pupils in the making: its blocks are `kept`, less the rows that are known.

    `sender` and `as_of` say which exports it follows; without one of them it is refused. `circumstances` is a hash of
    all that a reading looks at besides the file and the day within its calendar year.
    """

    @property
    def sender(self) -> str | None: ...

    @property
    def as_of(self) -> dt.date | None: ...

    def circumstances(self) -> str: ...

    def since(self, known: KnownRows) -> None:
        """Said before the first block: rows of the export before."""

    def unchanged(self) -> pl.Series:
        """After the last block: of each row that is as it was, where its line stands first among the known ones."""
