"""The language of a contract: forms, their editions, columns and rules.

A form is a folder in `contracts/forms/`. It names columns by what they mean; people's wordings of a heading are data
of the column. Rules are polars expressions that are true for a good row; pandera runs them
(`transforms/rows/check.py`).
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal, get_args

import polars as pl

from contracts.counted_pupils import Pupils
from contracts.crosstab import Crosstab
from contracts.grain import Defines, Entity, Key, Owed, People, Period
from contracts.texts import rule_text

Severity = Literal["refuse", "error", "warning", "note"]
SEVERITIES: tuple[Severity, ...] = get_args(Severity)
"""The worst first."""
Scope = Literal["cell", "row", "table", "delivery", "register", "history", "forms"]
Kind = Literal[
    "text", "school_code", "school_name", "unit", "count", "amount", "hours", "date", "yes_no", "choice", "percent",
    "grade", "grades", "letter", "lesson", "inn", "oktmo", "deadline", "markup", "items", "months",
]  # fmt: skip

WRITTEN: tuple[Kind, ...] = ("text", "school_code", "school_name")
"""Kinds of cells whose text is loaded as it was written."""
TYPES: dict[str, pl.DataType] = {
    "text": pl.String(), "school_code": pl.String(), "school_name": pl.String(), "unit": pl.String(),
    "count": pl.Int64(), "amount": pl.Int64(), "hours": pl.Float64(), "date": pl.Date(), "yes_no": pl.Boolean(),
    "choice": pl.String(), "percent": pl.Float64(), "grade": pl.Int64(), "grades": pl.String(),
    "letter": pl.String(), "lesson": pl.Int64(), "inn": pl.String(), "oktmo": pl.String(), "deadline": pl.String(),
    "markup": pl.String(), "items": pl.String(), "months": pl.Int64(),
}  # fmt: skip


@dataclass(frozen=True)
class Column:
    """A column of a form.

    `headings` are the wordings by which people call it, besides `title`. `required` says that a file without the
    heading is refused; `nullable` that a blank cell is allowed. `fact` says that the value is loaded; a `personal`
    value never leaves the reading: it is neither loaded nor shown. Of a text `pattern` says what it may be at all: any
    other is left out. `misfit` is a rule of the form that says of a cell that it is no value, in place of the shared
    one; `mended` is one that says of a value that it was put together otherwise than it is written. Of a cell read
    `within` only the word of the vocabulary is taken that stands somewhere in its text; the rest, which may name
    people, is not kept. A date or month `of_year` is of the report's academic year. `day` is the column of the day that
    lies in a month: where a file has only one of the two, a month or a day may stand there. What is `banded` may stand
    alone in a row over the rows that it is of: «Сентябрь» over the events of September.
    """

    name: str
    title: str
    kind: Kind
    description: str
    headings: tuple[str, ...] = ()
    unit: str | None = None
    required: bool = True
    nullable: bool = False
    vocabulary: str | None = None
    open_vocabulary: bool = False
    blank_words: tuple[str, ...] = ()
    minimum: float | None = None
    maximum: float | None = None
    personal: bool = False
    fact: bool = True
    pattern: str | None = None
    misfit: str | None = None
    mended: str | None = None
    within: bool = False
    of_year: bool = False
    day: str | None = None
    banded: bool = False

    @property
    def dtype(self) -> pl.DataType:
        """The type of its values in a frame; a percent is its fraction."""
        return TYPES[self.kind]


@dataclass(frozen=True, eq=False)
class Rule:
    """A rule of a form: `check` is true for a good row and null where the rule does not apply.

    `column` is the column whose cell is marked. `expected` and `difference` are expressions (or a text) for the
    message. A rule that `needs` the register is named, not run, when there is none. Rules without `check` are
    applied by the mechanism that their `scope` names. The words of a rule are in `texts.csv` of its form's folder; one
    across `forms` stands in the form whose sender is to mend it, and has its SELECT there (`contracts.forms.across`).
    """

    id: str
    severity: Severity
    scope: Scope
    column: str | None = None
    check: pl.Expr | None = None
    expected: pl.Expr | str | None = None
    difference: pl.Expr | None = None
    needs_register: bool = False
    source: str = ""

    @property
    def what(self) -> str:
        """What is wrong, in Russian; `RuleText` has the English too."""
        return rule_text(self.id).what

    @property
    def when(self) -> str:
        """When it is broken, in Russian."""
        return rule_text(self.id).when

    @property
    def mend(self) -> str:
        """How to mend it, in Russian."""
        return rule_text(self.id).mend


@dataclass(frozen=True, eq=False)
class Control:
    """A metric whose stated total («Итого») is compared with the sum of the rows."""

    metric: str
    total: pl.Expr
    stated: str
    rule: str


@dataclass(frozen=True, eq=False)
class RowControl:
    """A figure that a row states although it follows from the row's other cells (a percent, a remainder).

    `tolerance` is how far the stated figure may be from the computed one, in the metric's own unit.
    """

    metric: str
    stated: str
    computed: pl.Expr
    tolerance: pl.Expr
    rule: str


@dataclass(frozen=True, eq=False)
class Edition:
    """The layout and rules of a form from a date on."""

    name: str
    valid_from: dt.date
    columns: tuple[Column, ...]
    rules: tuple[Rule, ...]

    def column(self, name: str) -> Column:
        """The column of a name. Raises StopIteration for a name that the edition does not have."""
        return next(column for column in self.columns if column.name == name)

    @property
    def required(self) -> tuple[Column, ...]:
        """Columns without whose heading a file is refused."""
        return tuple(column for column in self.columns if column.required)


@dataclass(frozen=True)
class Size:
    """How large a delivery of a form may be, as shares of what is expected.

    `per` says what is counted and expected: rows against the schools of the sender, schools named against those of
    the register, or rows against the reporting units. `spare` is how many more are always allowed.
    """

    per: Literal["schools_of_sender", "schools", "units"]
    most: float
    least: float = 0
    spare: int = 0

    def bounds(self, expected: int) -> tuple[int, int]:
        """The least and the most that there may be when so many are expected."""
        return math.ceil(self.least * expected - 1e-9), max(int(self.most * expected + 1e-9), expected + self.spare)


@dataclass(frozen=True)
class SetAside:
    """How many rows of a delivery may be set aside: a share of its rows with data; `spare` rows always may."""

    share: float
    spare: int = 0

    def most(self, rows: int) -> int:
        """The most that may be set aside of so many rows with data."""
        return max(int(self.share * rows + 1e-9), self.spare)


@dataclass(frozen=True, eq=False)
class Form:
    """A kind of document that we agreed to receive.

    `sender_kind` says who may send it. `recognised_by` are columns that no other form has together. `grain` is what
    tells rows apart, `row_is` says so in Russian. `period` is the span that a delivery replaces as a whole;
    `holds_before` says that it speaks for all of that span, also for the days before its own date, as a plan of a year
    does. `owed` says who has it to send and by when; None is a claim that somebody publishes, or nobody has to.
    `covers` are those of whom each must be in it: the schools of the sender, or the reporting units. `defines` is a
    dimension that its readings make. `crosstab` is its other layout, besides a row a row. Of a form that is `discreet`
    nothing is kept or shown but what its columns say: elsewhere on its sheets stand names of people. A large file of a
    form that is read `by_blocks` is an export: rows are judged each for itself and loaded while the next ones are read,
    so no rule may look at others, and no total is compared.

    `size` is what a delivery may have at all, `set_aside` how many of its rows may be set aside. `largest_fall` is the
    share that a new delivery may lack of what it would take the place of: of rows loaded, of what its grain counts, and
    of each control total. `spare_rows` rows (schools, units) and `spare_fall` of a total it may lack in any case. A
    register may lack no school at all.

    `region` says in whose words it is read (`contracts.forms.forms_in`); None are those that all regions share.

    Raises ValueError for a form that contradicts itself, in words that name what is owed.
    """

    name: str
    title: str
    description: str
    sender_kind: Literal["reporting_unit", "regional_operator", "department"]
    grain: tuple[Key, ...]
    row_is: str
    cadence: str
    period: Period
    owed: Owed | None
    recognised_by: tuple[str, ...]
    editions: tuple[Edition, ...]
    covers: Literal["schools", "units"] | None = None
    defines: Defines | None = None
    holds_before: bool = False
    campaign_form: str | None = None
    controls: tuple[Control, ...] = ()
    row_controls: tuple[RowControl, ...] = ()
    states_total: bool = False
    pupils: Pupils | None = None
    people: People | None = None
    crosstab: Crosstab | None = None
    discreet: bool = False
    by_blocks: bool = False
    size: Size | None = None
    set_aside: SetAside = SetAside(0.2, spare=3)
    largest_fall: float = 0.2
    spare_rows: int = 0
    spare_fall: int = 0
    region: str | None = None

    def __post_init__(self) -> None:
        if complaints := tuple(self._complaints()):
            raise ValueError(f"the form {self.name!r} cannot be: {'; '.join(complaints)}")

    def _complaints(self) -> Iterator[str]:
        """What contradicts itself, a clause each."""
        if not self.grain:
            yield "it has no grain: state what tells its rows apart, for example grain=(SCHOOL,)"
        if not self.editions:
            yield "it has no edition: state its columns, Edition(name, valid_from, columns, rules)"
        for edition in self.editions:
            names = {column.name for column in edition.columns}
            for key in self.grain:
                if key.marked not in names:
                    yield f"edition {edition.name} has no column {key.marked!r}, in which its grain is stated"
            for name in self.recognised_by:
                if name not in names:
                    yield f"edition {edition.name} has no column {name!r}, by which the form is recognised"
            yield from self._told_of_people(edition)
            if self.defines:
                for name in (*self.defines.key, *self.defines.attributes):
                    if name not in names and name not in self.key:
                        yield f"edition {edition.name} has no column {name!r}, by which it defines a {self.defines.of}"
            for rule in edition.rules if self.by_blocks else ():
                if rule.check is not None and rule.scope not in ("cell", "row", "register"):
                    yield f"it is read by blocks, and {rule.id} of edition {edition.name} asks other rows"
            for name in self.crosstab.columns if self.crosstab else ():
                if name not in names:
                    yield f"edition {edition.name} has no column {name!r}, which its crosstab states"
        if self.by_blocks and (self.controls or self.row_controls or self.crosstab or self.pupils or self.people):
            yield "it is read by blocks, so it can have neither totals nor a crosstab, and its rows are no people"
        every = self.owed.every if self.owed else None
        of_period = {"campaign": "campaign", "day": "night", "month": "month", "academic_year": "academic_year"}
        if every in of_period and of_period[every] != self.period:
            yield f"it is owed every {every}, so its period has to be {of_period[every]!r}, not {self.period!r}"
        if self.period == "campaign" and every != "campaign":
            yield "its period is a campaign, so it has to be owed every campaign"
        for of, covered in (("school", "schools"), ("unit", "reporting units")):
            if self.covers == f"{of}s" and of not in [key.of for key in self.grain]:
                yield f"it covers {covered}, so a {of} has to be in its grain"

    def _told_of_people(self, edition: Edition) -> Iterator[str]:
        """What would tell of people in an edition: a name as a fact, and a text in which one may stand."""
        for column in edition.columns:
            if column.personal and column.fact:
                yield f"the column {column.name!r} of edition {edition.name} is personal, so it cannot be a fact"
            if self.people and column.fact and column.kind in WRITTEN and column.pattern is None:
                yield f"in the text {column.name!r} of edition {edition.name} a name may stand: state its pattern"

    @property
    def names_people(self) -> bool:
        """Is there anybody's name in its files? Then nothing of a file is shown but what surely is none."""
        return any(column.personal for edition in self.editions for column in edition.columns)

    @property
    def key(self) -> tuple[str, ...]:
        """The columns of facts that tell rows of a reading apart."""
        return tuple(key.column for key in self.grain)

    def has(self, of: Entity) -> bool:
        """Is it in the grain?"""
        return any(key.of == of for key in self.grain)

    @property
    def tells_of_classes(self) -> bool:
        """May a class have several rows, for days or kinds of lessons? Then the classes are known beforehand."""
        return self.has("class") and any(key.of not in ("school", "class") for key in self.grain)

    @property
    def defines_schools(self) -> bool:
        """Is it the register, from which it is known which schools there are?"""
        return self.defines is not None and self.defines.of == "school"

    @property
    def holds_before_first(self) -> bool:
        """Does a delivery hold before its own date too, as far as there is none before it?"""
        return self.holds_before or self.defines_schools

    def edition_at(self, as_of: dt.date | None) -> Edition:
        """The edition in force on a date; the newest when no date is known, the oldest before the first."""
        if as_of is None:
            return self.editions[-1]
        valid = [edition for edition in self.editions if edition.valid_from <= as_of]
        return valid[-1] if valid else self.editions[0]

    @property
    def rules(self) -> tuple[Rule, ...]:
        """The rules of all editions, each id once."""
        return tuple({rule.id: rule for edition in self.editions for rule in edition.rules}.values())
