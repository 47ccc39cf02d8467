"""Contracts as pandera schemas. The frame is parsed before: pandera sees typed, nullable columns of an eager frame."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import pandera.polars as pa
import polars as pl
from pandera.api.polars.types import PolarsData

from contracts.form import Column, Edition, Form, Rule
from contracts.regions import kept
from contracts.rules import (
    BLANK,
    CELL,
    CODE_AND_NAME_DIFFER,
    CODE_UNKNOWN,
    DUPLICATE_KEY,
    NAME_MISSPELT,
    OUT_OF_RANGE,
    ROSTER_SHORT,
    ROW_NOT_UNDERSTOOD,
    SCHOOL_AMBIGUOUS,
    SCHOOL_OF_ANOTHER,
    WRONG_SIZE,
)
from contracts.vocabulary import unit_names

SCHOOL_KINDS = ("school_name", "school_code")
WINDOW = '"Over"'
"""What an expression over groups of rows has in it."""


@dataclass(frozen=True)
class Judgement:
    """A rule applied to a column: `check` is true or null for a good row.

    `shows_others` says that what is expected of a row follows from other rows too, such as a sum of its school.
    """

    rule: Rule
    column: str
    check: pl.Expr
    expected: pl.Expr
    difference: pl.Expr
    shows_others: bool

    @property
    def roots(self) -> tuple[str, ...]:
        """Columns that the check looks at: it is not asked where one of them did not parse."""
        return tuple(self.check.meta.root_names())


@dataclass(frozen=True)
class Contract:
    """The judgements of an edition and the pandera schema made of them."""

    judgements: dict[tuple[str, str], Judgement]
    schema: pa.DataFrameSchema
    skipped: tuple[str, ...]
    asks_of_others: bool
    """Whether a row is good or not by other rows too, such as one of the same key."""


@kept
def contract(form: Form, edition: Edition, with_register: bool, alone: bool = False) -> Contract:
    """The contract of an edition; rules that need the register are left out, by name, when there is none. Of rows that
    are judged each `alone` it is not asked whether their key recurs."""
    judgements = [*_shared_judgements(form, edition, with_register, alone)]
    skipped = []
    for rule in edition.rules:
        if rule.check is None or rule.column is None:
            continue
        if rule.needs_register and not with_register:
            skipped.append(rule.id)
            continue
        judgements.append(_judgement(rule, rule.column, rule.check, rule.expected, rule.difference))
    if not with_register and not form.defines_schools:
        skipped += _need_register(form, edition)
    checks: dict[str, list[pa.Check]] = {column.name: [] for column in edition.columns}
    for judged in judgements:
        checks[judged.column].append(pa.Check(_asked(judged.check), error=judged.rule.id, ignore_na=False))
    schema = pa.DataFrameSchema(
        {
            column.name: pa.Column(column.dtype, checks[column.name], nullable=True, title=column.title,
                                   description=column.description, metadata={"unit": column.unit, "kind": column.kind})
            for column in edition.columns
        },
        title=form.title,
        description=form.description,
    )  # fmt: skip
    by_rule = {(judged.rule.id, judged.column): judged for judged in judgements}
    return Contract(by_rule, schema, tuple(skipped), asks_of_others=form.pupils is None and not alone)


def _asked(check: pl.Expr) -> Callable[[PolarsData], pl.LazyFrame]:
    return lambda data: data.lazyframe.select(check.fill_null(True))


def _judgement(
    rule: Rule, column: str, check: pl.Expr, expected: pl.Expr | str | None = None, difference: pl.Expr | None = None
) -> Judgement:
    shown = expected if isinstance(expected, pl.Expr) else pl.lit(expected, dtype=pl.String)
    further = pl.lit(None) if difference is None else difference
    shows_others = any(WINDOW in each.meta.serialize(format="json") for each in (shown, further))
    return Judgement(rule, column, check, shown.cast(pl.String), further.cast(pl.Float64), shows_others)


def one_row_a_key(form: Form, edition: Edition) -> str:
    """What is expected of rows with the same key."""
    titles = [f"«{edition.column(key.marked).title}»" for key in form.grain]
    return "одна строка" + f" с одним сочетанием: {', '.join(titles)}" * (len(titles) > 1)


def whole_key(form: Form, edition: Edition) -> pl.Expr:
    """Has the row all of its key? A blank part that may be blank is a value like any other; a school that is stated
    and not found is none."""
    blank = {column.name for column in edition.columns if column.nullable and column.kind not in SCHOOL_KINDS}
    schools = [column.name for column in edition.columns if column.kind in SCHOOL_KINDS]
    needed = [
        pl.col(key.column).is_not_null() | (key.of == "served" and pl.all_horizontal(pl.col(schools).is_null()))
        for key in form.grain
        if key.column not in blank
    ]
    return pl.all_horizontal(needed) if needed else pl.lit(True)


def _shared_judgements(form: Form, edition: Edition, with_register: bool, alone: bool) -> list[Judgement]:
    """What every form asks of every row: filled cells, bounds, one row a key, a school of the sender's own."""
    judgements = []
    for column in edition.columns:
        value = pl.col(column.name)
        if not column.nullable and column.kind not in SCHOOL_KINDS:
            judgements.append(_judgement(BLANK, column.name, value.is_not_null(), "заполненная ячейка"))
        if column.minimum is not None or column.maximum is not None:
            low, high = column.minimum, column.maximum
            inside = pl.lit(True) if low is None else value >= low
            judgements.append(
                _judgement(
                    OUT_OF_RANGE, column.name, inside if high is None else inside & (value <= high), _bounds(column)
                )
            )
    names = {column.name for column in edition.columns}
    if "school_name" in names and not edition.column("school_name").nullable and not form.defines_schools:
        absent = pl.col("school_name").is_null()
        if "school_code" in names:
            absent &= pl.col("school_code").is_null()
        judgements.append(_judgement(ROW_NOT_UNDERSTOOD, "school_name", ~absent, "код или название школы"))
    if form.pupils is None and not alone:
        filled = whole_key(form, edition)
        once = ~pl.struct("delivery", *form.key).is_duplicated()
        only = one_row_a_key(form, edition)
        marked = form.crosstab.cell if form.crosstab else form.grain[0].marked
        judgements.append(_judgement(DUPLICATE_KEY, marked, once | ~filled, only))
    if with_register and form.sender_kind == "reporting_unit" and "school_name" in names:
        owner = pl.col("register_sender")
        called = owner.replace_strict(unit_names(), default=owner, return_dtype=pl.String)
        judgements.append(_judgement(SCHOOL_OF_ANOTHER, "school_name", owner == pl.col("sender"), called))
    return judgements


def _need_register(form: Form, edition: Edition) -> list[str]:
    """Ids of the shared rules that cannot be asked without a register."""
    if not any(column.kind in SCHOOL_KINDS for column in edition.columns):
        return []
    rules = [CELL["school_name"], SCHOOL_AMBIGUOUS]
    rules += (
        [CODE_AND_NAME_DIFFER, CODE_UNKNOWN, NAME_MISSPELT]
        if any(column.kind == "school_code" for column in edition.columns)
        else []
    )
    rules += [DUPLICATE_KEY] if form.has("school") and form.pupils is None else []
    rules += [SCHOOL_OF_ANOTHER] if form.sender_kind == "reporting_unit" else []
    rules += [ROSTER_SHORT] if form.covers == "schools" else []
    rules += [WRONG_SIZE] if form.size is not None and form.size.per != "units" else []
    return [rule.id for rule in rules]


def _bounds(column: Column) -> str:
    low, high = column.minimum, column.maximum
    if high is None:
        return f"не меньше {low:.15g}"
    return f"не больше {high:.15g}" if low is None else f"от {low:.15g} до {high:.15g}"
