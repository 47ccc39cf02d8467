"""A month and the day that lies in it: «сентябрь», «15 сентября» or «15.09.2023» in one column, or in either of two."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial

import polars as pl

from contracts.form import Column, Edition
from transforms.cells.answer import keyed
from transforms.cells.cell_value import is_nothing, plain
from transforms.cells.day import date, day_of_year
from transforms.cells.key import key
from transforms.cells.month import month_with_year
from transforms.findings.finding import Table
from transforms.headings.retold import retold

Texts = tuple[str | None, str | None]


def months_and_days(raw: pl.DataFrame, tables: Sequence[Table], edition: Edition) -> pl.DataFrame:
    """Texts of months and days as one text each: where both stand in one column, a day says its month, and a month no
    day; a month in the column of days is none, and a blank month is that of its day.

    `raw` is that of `transforms.rows.check.check_rows`. What is neither a month nor a day stays for the month to say.
    """
    for month in (column for column in edition.columns if column.day):
        day = edition.column(month.day or "")
        joint = [n for n, table in enumerate(tables) if month.name in table.columns]
        joint = [n for n in joint if tables[n].columns[month.name] == tables[n].columns.get(day.name)]
        rows = raw.select(month.name, day.name, "academic_year_start", pl.col("table").is_in(joint).alias("joint"))
        raw = retold(raw, rows, day.name, partial(_told, month, day))
    return raw


def _told(month: Column, day: Column, in_month: str | None, in_day: str, year: int | None, joint: bool) -> Texts:
    """The texts of a month and of its day, by what stands in their cells, which may be one."""
    own = date(in_day, day).value or (day_of_year(in_day, year) if year is not None else None)
    if joint:
        return (str(own.month), in_day) if isinstance(own, dt.date) else (in_month, None)
    if plain(in_day) in day.blank_words:
        return in_month, None
    has_month = in_month is not None and not is_nothing(plain(in_month))
    if isinstance(own, dt.date):
        return (in_month, in_day) if has_month else (str(own.month), in_day)
    said = code_of(month, in_day)
    if said is not None and (not has_month or code_of(month, in_month or "") == said):
        return (in_month if has_month else in_day), None
    return in_month, in_day


def code_of(column: Column, text: str) -> str | None:
    """The code of a word of a list, of a month also with its year; None for any other text."""
    vocabulary = column.vocabulary or ""
    code = keyed(vocabulary).get(key(text)) or keyed(vocabulary).get(plain(text))
    if code is None and column.of_year and (found := month_with_year(text, 0, vocabulary)):
        return found[0]
    return code
