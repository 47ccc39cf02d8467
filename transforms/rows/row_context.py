"""What an understood row of pupils rests on besides its own texts; while it is the same, so is what the row says."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import cache
from hashlib import sha256
from pathlib import Path

import polars as pl

from contracts.form import Column, Edition
from contracts.forms.rule_states import States
from transforms.findings.finding import Table
from transforms.identity.identify import Context, Delivery

TOGETHER = (("municipality", "school_name"), ("grade", "grade_letter"))
"""Columns of which the texts of one are understood with those of the other."""

NUMBERS = ("count", "amount", "hours", "percent")


def circumstances(delivery: Delivery, context: Context, tables: Sequence[Table], states: States) -> str:
    """A hash of whose file it is, its headings, the register, names of units, what the region says of rules, our code.

    Not of the day itself: that a date is not later than the file's holds on later days too, and ages are counted in
    calendar years. The contracts have a version of their own.
    """
    said = (
        _code(), delivery.form and delivery.form.name, delivery.edition and delivery.edition.name, delivery.sender,
        delivery.region, delivery.campaign, delivery.as_of and delivery.as_of.year,
        [sorted(table.columns.items()) for table in tables],
        sorted((rule, str(state)) for rule, state in states.items()),
        _sorted(context.aliases_in(delivery.region)), _register(context.register),
    )  # fmt: skip
    return sha256(json.dumps(said, ensure_ascii=False, default=str).encode()).hexdigest()


def noted_once(rows: pl.DataFrame, edition: Edition) -> pl.Series:
    """True for the first row of each text of which it may be told once how it was understood: only there it is told."""
    public = [column.name for column in edition.columns if not column.personal and _may_be_noted(column)]
    joined = [pl.struct(name for name in names if name in public) for names in TOGETHER if {*names} & {*public}]
    alone = [pl.col(name) for name in public if not any(name in names for names in TOGETHER)]
    return rows.select(pl.any_horizontal(each.is_first_distinct() for each in (*joined, *alone))).to_series()


def _may_be_noted(column: Column) -> bool:
    """Of numbers, and of dates with a year, each is told at its own cell."""
    return column.kind not in NUMBERS and (column.kind != "date" or column.of_year)


@cache
def _code() -> str:
    """A hash of this package, which understands rows."""
    folder, checksum = Path(__file__).parent.parent, sha256()
    for path in sorted(folder.rglob("*.py")):
        checksum.update(path.relative_to(folder).as_posix().encode() + b"\0" + path.read_bytes())
    return checksum.hexdigest()


def _register(register: pl.DataFrame | None) -> str | None:
    return None if register is None else sha256(register.sort(register.columns[0]).write_csv().encode()).hexdigest()


def _sorted(names: Mapping[str, str]) -> list[tuple[str, str]]:
    return sorted(names.items())
