"""Findings: from a broken rule and a row to the sheet, the cell and the words for a person."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache

import polars as pl

from contracts.form import Edition, Kind, Rule
from contracts.forms import RULES
from contracts.grid import column_letters
from contracts.reading import FINDINGS, Finding
from contracts.rules import (
    CLASS_READ_AS,
    FOOTNOTE_MARK,
    GRADES_FROM_DAY,
    KEY_NORMALISED,
    MINUTES_AS_HOURS,
    NAME_MISSPELT,
    NOUGHT_RESTORED,
    READ_AS,
    SPOILT,
    SPOILT_TEXT,
    TWO_MEANINGS,
    WORD_WITH_TAIL,
    YEAR_OF_REPORT,
)
from transforms.findings.disclosure import HIDDEN, NOBODY, KnownNames, is_guarded, shown

PLACED: dict[str, pl.DataType] = {
    "index": pl.Int64(),
    "rule": pl.String(),
    "column": pl.String(),
    "expected": pl.String(),
    "difference": pl.Float64(),
}
"""A broken rule at a row and a column of a batch; `index` is the position of the row."""

NOTED_ONCE = (
    KEY_NORMALISED.id,
    NAME_MISSPELT.id,
    WORD_WITH_TAIL.id,
    GRADES_FROM_DAY.id,
    CLASS_READ_AS.id,
    YEAR_OF_REPORT.id,
    MINUTES_AS_HOURS.id,
)
"""Notes about a text that may stand in every row: told at its first cell."""
NO_PERSON: tuple[Kind, ...] = ("school_name", "school_code", "date")
"""Kinds of columns in which nobody's name stands by mistake, but where rows are people."""
WANTED = {**dict.fromkeys(READ_AS, "Прочитано как"), TWO_MEANINGS.id: "Можно прочитать как"}
MADE_OF_VALUE = (
    FOOTNOTE_MARK.id, NOUGHT_RESTORED.id, TWO_MEANINGS.id, SPOILT.id, SPOILT_TEXT.id, GRADES_FROM_DAY.id,
)  # fmt: skip
"""Rules whose expected text is the value itself in other figures."""


@dataclass(frozen=True)
class Table:
    """A table of a delivery: the delivery's number in the batch, its sheet, and the place of each column."""

    delivery: int
    sheet: str
    columns: Mapping[str, int]


def placed(index: pl.Series, rule: pl.Series | str, column: str, expected: pl.Series | str | None) -> pl.DataFrame:
    """A `PLACED` frame of one column."""
    length = len(index)
    return pl.DataFrame(
        {
            "index": index.cast(pl.Int64),
            "rule": rule if isinstance(rule, pl.Series) else pl.Series([rule] * length, dtype=pl.String),
            "column": pl.Series([column] * length, dtype=pl.String),
            "expected": expected
            if isinstance(expected, pl.Series)
            else pl.Series([expected] * length, dtype=pl.String),
            "difference": pl.Series([None] * length, dtype=pl.Float64),
        },
        schema=PLACED,
    )


@cache
def texts() -> pl.DataFrame:
    """rule, severity, scope, what, wanted, mend (String) of every rule."""
    rules = list(RULES.values())
    return pl.DataFrame(
        {
            "rule": [rule.id for rule in rules],
            "severity": [rule.severity for rule in rules],
            "scope": [rule.scope for rule in rules],
            "what": [rule.what for rule in rules],
            "wanted": [WANTED.get(rule.id, "Ожидается") for rule in rules],
            "mend": [rule.mend for rule in rules],
        }
    )


def _message(value: pl.Expr, expected: pl.Expr) -> pl.Expr:
    """Whose row it is, what is wrong, what is there, what should be there, how to mend: plain sentences."""
    return pl.concat_str(
        pl.when(pl.col("subject").is_not_null()).then(pl.format("{}: ", "subject")).otherwise(pl.lit("")),
        "what",
        pl.when(value.is_not_null()).then(pl.format(" Указано: «{}».", value)).otherwise(pl.lit("")),
        pl.when(expected.is_not_null()).then(pl.format(" {}: {}.", "wanted", expected)).otherwise(pl.lit("")),
        pl.lit(" "),
        "mend",
    )


def told_once(
    delivery: pl.Series, texts: pl.Series, names: pl.Series, column: str, rule: str = KEY_NORMALISED.id
) -> pl.DataFrame:
    """A `PLACED` note for each text that was understood although it is written otherwise, at its first cell."""
    frame = pl.DataFrame({"delivery": delivery, "text": texts, "name": names.cast(pl.String)}).with_row_index("index")
    first = frame.filter(pl.col("text") != pl.col("name")).unique(
        ["delivery", "text"], keep="first", maintain_order=True
    )
    return placed(first["index"], rule, column, first["name"])


def described(
    broken: pl.DataFrame, raw: pl.DataFrame, tables: Sequence[Table], edition: Edition, known: KnownNames = NOBODY,
    *, grain: Sequence[str] = (), discreet: bool = False,
) -> pl.DataFrame:  # fmt: skip
    """Findings (`FINDINGS`, and delivery, index) from a `PLACED` frame, ordered as a reader goes through the file.

    `grain` are the columns that tell rows apart. Of a `discreet` form a text that is no value of its column is shown
    only when it surely is nobody's name.
    """
    if broken.is_empty():
        return pl.DataFrame(schema={**FINDINGS, "delivery": pl.Int32(), "index": pl.Int64()})
    index = broken["index"].unique()
    shown = raw.select("table", "row", "delivery")[index].with_columns(index)
    broken = broken.with_row_index("order").join(shown, on="index", how="left").join(texts(), on="rule", how="left")
    broken = broken.join(_places(tables), on=["table", "column"], how="left").sort("order")
    broken, lacking = _once_a_table(broken, tables)
    broken = broken.with_columns(
        _subjects(raw[broken["index"]], edition).alias("subject"),
        _row_keys(raw[broken["index"]], edition, grain),
        value=_values(broken, raw, edition, known, discreet=discreet),
        row=pl.col("row").cast(pl.Int64),
    )
    if lacking.any():
        titles = {column.name: f"столбец «{column.title}»" for column in edition.columns}
        nothing = pl.when(~lacking)
        broken = broken.with_columns(
            *(nothing.then(name).alias(name) for name in ("row", "row_key", "subject", "value")),
            expected=nothing.then("expected").otherwise(pl.col("column").replace_strict(titles, default=None)),
        )
    hidden = (pl.col("value") == HIDDEN) & pl.col("rule").is_in(MADE_OF_VALUE)
    broken = broken.with_columns(expected=pl.when(hidden).then(pl.lit(HIDDEN)).otherwise("expected"))
    return (
        broken.with_columns(
            cell=pl.col("letters") + pl.col("row").cast(pl.String),
            message=_message(pl.col("value"), pl.col("expected")),
        )
        .sort("delivery", "table", "row", "order")
        .select(*FINDINGS, "delivery", "index")
    )


def _once_a_table(broken: pl.DataFrame, tables: Sequence[Table]) -> tuple[pl.DataFrame, pl.Series]:
    """What rules warn of because a table has no such column, each rule once a table, and a mask of these."""
    lacking = pl.col("letters").is_null() & (pl.col("severity") == "warning") & (pl.col("scope") == "row")
    if not broken.select(lacking.any()).item():
        return broken, pl.repeat(False, len(broken), eager=True)
    sheets = {number: table.sheet for number, table in enumerate(tables)}
    first = pl.int_range(pl.len()).over("table", "rule", "column") == 0
    broken = broken.filter(~lacking | first).with_columns(
        sheet=pl.coalesce("sheet", pl.col("table").replace_strict(sheets, default=None, return_dtype=pl.String))
    )
    return broken, broken.select(lacking).to_series()


def _subjects(raw: pl.DataFrame, edition: Edition) -> pl.Series:
    """Whose row each is: the school or the unit as the row names it; nobody where rows are people."""
    if not any(column.personal for column in edition.columns):
        for name in ("school_name", "short_name", "reporting_unit"):
            if name in raw.columns:
                return raw[name].str.replace_all(r"\s+", " ").str.strip_chars()
    return pl.Series([None], dtype=pl.String).new_from_index(0, len(raw))


def _row_keys(rows: pl.DataFrame, edition: Edition, grain: Sequence[str]) -> pl.Series:
    """What tells each row apart, as the row states it, spacing and case aside; nothing where rows are people."""
    stated = [name for name in grain if name in rows.columns]
    if not stated or any(column.personal for column in edition.columns):
        return pl.Series("row_key", [None], dtype=pl.String).new_from_index(0, len(rows))
    plain = (pl.col(name).fill_null("").str.replace_all(r"\s+", " ").str.strip_chars() for name in stated)
    return rows.select(pl.concat_str(plain, separator=" | ").str.to_lowercase().alias("row_key")).to_series()


def _places(tables: Sequence[Table]) -> pl.DataFrame:
    """table, column → sheet, letters of the column."""
    placed_columns = [
        (number, name, table.sheet, column_letters(place))
        for number, table in enumerate(tables)
        for name, place in table.columns.items()
    ]
    schema = {"table": pl.Int32, "column": pl.String, "sheet": pl.String, "letters": pl.String}
    return pl.DataFrame(placed_columns, schema=schema, orient="row")


def _values(
    broken: pl.DataFrame, raw: pl.DataFrame, edition: Edition, known: KnownNames = NOBODY, *, discreet: bool = False
) -> pl.Series:
    """The text that stands in the cell of each finding; of a form with pupils only what surely is nobody's name, and in
    most columns of a discreet one."""
    of_people = is_guarded(edition)
    parts = []
    for (column,), rows in broken.group_by("column", maintain_order=True):
        texts_there = raw[str(column)].gather(rows["index"]).alias("value")
        kind = edition.column(str(column)).kind
        if of_people or (discreet and kind not in NO_PERSON):
            resolved = rows["rule"].is_in([KEY_NORMALISED.id, MINUTES_AS_HOURS.id])
            as_of = raw["as_of"].first()
            day = as_of if isinstance(as_of, dt.date) else None
            hidden = shown(texts_there, edition.column(str(column)), day, known)
            if not of_people:  # without two letters side by side it is nobody's name
                hidden = hidden.set(~texts_there.str.contains(r"\p{L}{2}").fill_null(True), None).fill_null(texts_there)
            texts_there = texts_there.set(~resolved, None).fill_null(hidden)
        parts.append(rows.select("order").with_columns(texts_there))
    return pl.concat(parts).sort("order")["value"]


def finding(
    rule: Rule,
    *,
    what: str | None = None,
    value: str | None = None,
    expected: str | None = None,
    difference: float | None = None,
    sheet: str | None = None,
    cell: str | None = None,
    row: int | None = None,
    column: str | None = None,
) -> Finding:
    """One finding about a table or a delivery; `what` replaces the rule's own sentence."""
    sentence = what or rule.what
    stated = f" Указано: «{value}»." if value is not None else ""
    expectation = f" Ожидается: {expected}." if expected is not None else ""
    return Finding(
        rule.id, rule.severity, rule.scope, sheet, cell, row, column, value, expected, difference,
        message=f"{sentence}{stated}{expectation} {rule.mend}",
    )  # fmt: skip
