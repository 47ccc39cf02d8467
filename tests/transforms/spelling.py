"""What one cell says, as tests ask it."""

from __future__ import annotations

import polars as pl
from hypothesis import settings
from hypothesis import strategies as st

from contracts.form import Column, Kind
from contracts.forms import FORMS
from contracts.rules import TWO_MEANINGS
from transforms.cells.parse import parse

COLUMNS: dict[Kind, Column] = {
    column.kind: column
    for form in FORMS
    for column in form.editions[-1].columns
    if column.kind != "unit" and not column.personal
}
COLUMNS["yes_no"] = Column("answer", "Ответ", "yes_no", "", vocabulary="answers")
LEVEL = Column("level", "Уровень", "choice", "", vocabulary="levels")
SPACES = st.sampled_from(["", " ", "\u00a0", "\u202f", "\n", " \t"])
FEW = settings(max_examples=25, deadline=None)
MANY = settings(max_examples=200, deadline=None)


def one(text: str | None, column: Column) -> object:
    """The value of a cell; «?» when it says something that is no value; a list of its meanings when it has several."""
    read = parse(pl.Series([text], dtype=pl.String), column)
    if read.unread is None or not read.unread[0]:
        return read.values[0]
    remark = read.remarks.get(text or "")
    return (
        remark.shown.split(" или ") if remark is not None and remark.rule == TWO_MEANINGS.id and remark.shown else "?"
    )


def of(kind: Kind, text: str | None) -> object:
    return one(text, COLUMNS[kind])


def note(kind: Kind, text: str) -> tuple[str, str | None] | None:
    """The rule that is told of a cell although it has a value, and what it says was read."""
    read = parse(pl.Series([text], dtype=pl.String), COLUMNS[kind])
    remark = read.remarks.get(text) if read.unread is None else None
    return (remark.rule, remark.shown) if remark else None
