"""Dates and months against the academic year of their report."""

from __future__ import annotations

from dataclasses import replace

import polars as pl

from contracts.form import Column
from contracts.rules import CELL, WORD_WITH_TAIL, YEAR_OF_REPORT
from contracts.vocabulary import first_words
from transforms.cells.day import day_of_year
from transforms.cells.month import month_with_year
from transforms.cells.parse import Parsed
from transforms.findings.finding import PLACED, placed, told_once


def of_year(texts: pl.Series, raw: pl.DataFrame, read: Parsed, column: Column) -> tuple[Parsed, pl.DataFrame]:
    """A column whose values are of the report's academic year, and a `PLACED` frame of what is said about it."""
    return _months(texts, raw, read, column) if column.kind == "choice" else _days(texts, raw, read)


def _days(texts: pl.Series, raw: pl.DataFrame, read: Parsed) -> tuple[Parsed, pl.DataFrame]:
    """Dates without a year are those of the year, and it is said of them."""
    if read.unread is None:
        return read, pl.DataFrame(schema=PLACED)
    rows = pl.DataFrame({"text": texts.set(~read.unread, None), "year": raw["academic_year_start"]})
    asked = rows.drop_nulls().unique()
    days = pl.Series("day", [day_of_year(text, year) for text, year in asked.iter_rows()], dtype=pl.Date)
    found = rows.join(asked.with_columns(days), on=["text", "year"], how="left", maintain_order="left")["day"]
    noted = told_once(raw["delivery"], texts, found.dt.to_string("%d.%m.%Y"), texts.name, YEAR_OF_REPORT.id)
    values = read.values.zip_with(found.is_null(), found)
    return replace(read, values=values, unread=read.unread & found.is_null()), noted


def _months(texts: pl.Series, raw: pl.DataFrame, read: Parsed, column: Column) -> tuple[Parsed, pl.DataFrame]:
    """Months with a year: that of the report is read, and it is said of them; any other is an error."""
    rows = pl.DataFrame({"text": texts, "year": raw["academic_year_start"]})
    asked = rows.drop_nulls().unique()
    months = [month_with_year(text, year, column.vocabulary or "") for text, year in asked.iter_rows()]
    if not any(months):
        return read, pl.DataFrame(schema=PLACED)
    stated = pl.Series("month", [month[0] if month else None for month in months], dtype=pl.String)
    fits = pl.Series("fits", [month[1] if month else None for month in months], dtype=pl.Boolean)
    found = rows.join(asked.with_columns(stated, fits), on=["text", "year"], how="left", maintain_order="left")
    right, wrong = found["fits"].fill_null(False), (~found["fits"]).fill_null(False)
    shown = (
        found["month"]
        .set(~right, None)
        .replace_strict(first_words(column.vocabulary or ""), default=None, return_dtype=pl.String)
    )
    index = wrong.arg_true()
    expected = found.select(pl.format("месяц {}/{} учебного года", "year", pl.col("year") + 1)).to_series()
    said = [
        told_once(raw["delivery"], texts, shown, column.name, WORD_WITH_TAIL.id),
        placed(index, CELL["choice"].id, column.name, expected.gather(index)),
    ]
    unread = read.unread if read.unread is None else read.unread & ~right & ~wrong
    values = read.values.zip_with(~right, found["month"]).set(wrong, None)
    remarks = {text: remark for text, remark in read.remarks.items() if text not in set(texts.filter(right | wrong))}
    return replace(read, values=values, unread=unread, remarks=remarks), pl.concat(said)
