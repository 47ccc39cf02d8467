"""A mart's sheet as a workbook has it, to be read and printed: columns that a reader does without folded, marts and
units by their names, a total where what the rows count adds up."""

from __future__ import annotations

import csv
import datetime as dt
import fnmatch
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from typing import Any

import polars as pl

from contracts.texts import FOLDER
from contracts.vocabulary import reporting_units
from documents.writing.mart_xlsx import TOTAL, MartSheet
from flows.presentation.mart_sheets import short_title
from warehouse.marts.definitions import Mart, marts, views

MARTS = ("mart", "system_mart", "measured_mart")
"""Columns that name a mart."""
UNITS, OF_UNITS = "reporting_units", "У каких единиц"
"""The column that names several units, and what it is called when they stand by their names."""
OLDER, OF_REGION = "by_older_rules", "_region"
NO_SUM = "systems_known"
"""A measure that counts systems of the source: over units it says nothing."""


def on_paper(sheet: MartSheet, definition: Mart) -> MartSheet:
    """The sheet with what `workbooks.csv` names folded, names in the place of codes and a total."""
    patterns = [*folded().get("", ()), *folded().get(definition.name, ())]
    columns = [
        replace(each, caption=OF_UNITS if each.name == UNITS else each.caption,
                is_aside=each.is_aside or any(fnmatch.fnmatchcase(each.name, pattern) for pattern in patterns)
                or (each.name == OLDER and not sheet.rows[OLDER].any()))
        for each in sheet.columns
    ]  # fmt: skip
    total = sheet.total
    if total is None and definition.grain == "unit" and sheet.rows.height > 1 and not _has_regions_mart(definition):
        told = sums(definition, sheet.rows)
        total = {name: value for name, value in told.items() if value is not None and name != NO_SUM}
        total = {**total, definition.label: TOTAL} if len(total) > 1 else None
    columns.sort(key=lambda column: column.is_aside)
    return replace(sheet, columns=columns, rows=_named(sheet.rows), total=total)


def _has_regions_mart(definition: Mart) -> bool:
    """Is there a mart of the region's figures, of which not all are sums of the units'?"""
    return f"{definition.name}{OF_REGION}" in {each.name for each in (*marts(), *views())}


@cache
def folded() -> Mapping[str, tuple[str, ...]]:
    """Mart, or empty for all → patterns of the columns that its workbook folds."""
    with (FOLDER / "workbooks.csv").open(encoding="utf-8", newline="") as file:
        return {row["mart"]: tuple(row["aside"].split()) for row in csv.DictReader(file)}


def sums(definition: Mart, rows: pl.DataFrame) -> dict[str, Any]:
    """Sums of the measures of a mart over rows, None of nothing known; shares are of sums in which both are known."""
    told: dict[str, Any] = {name: added(rows[name]) for name in definition.stated.measures if name in rows.columns}
    for rate in definition.stated.rates:
        known = rows.filter(pl.col(rate.numerator).is_not_null() & pl.col(rate.denominator).is_not_null())
        part, of = added(known[rate.numerator]), added(known[rate.denominator])
        told[rate.name] = part / of if part is not None and of else None
    return told


def added(values: pl.Series) -> float | None:
    """The sum of what is known; None of nothing."""
    known = values.drop_nulls()
    return None if known.is_empty() else known.sum()  # type: ignore[return-value]  # figures are no decimals


def _named(rows: pl.DataFrame) -> pl.DataFrame:
    """Marts by their titles, and several units by their names; what has no name stays as it is."""
    titles = {each.name: short_title(each) for each in (*marts(), *views())}
    rows = rows.with_columns(pl.col(name).replace(titles) for name in MARTS if name in rows.columns)
    if UNITS not in rows.columns or rows.is_empty():
        return rows
    last: dt.date = rows["as_of"].max()  # type: ignore[assignment]  # a column of dates
    units = {each["reporting_unit"]: each["name"]
             for each in reporting_units(last, rows["region"][0]).iter_rows(named=True)}  # fmt: skip
    told = [None if codes is None else ", ".join(units.get(code, code) for code in codes.split(", "))
            for codes in rows[UNITS]]  # fmt: skip
    return rows.with_columns(pl.Series(UNITS, told, dtype=pl.String))
