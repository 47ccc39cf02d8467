"""One cell for two columns: «Приказ (№, дата)» over «№ 15-о от 25.08.2023», a month or a day of it in one column."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING

import polars as pl

from contracts import paper_number
from contracts.form import Column, Form
from contracts.regions import kept
from transforms.cells.cell_value import is_nothing, plain
from transforms.cells.day import date
from transforms.cells.key import joint_headings
from transforms.findings.finding import Table
from transforms.headings.retold import retold

if TYPE_CHECKING:
    from transforms.headings.header import Heading

DAY = re.compile(rf"(?<![\w./-])(?:от\s+)?(?P<day>{paper_number.DAY})(?:\s*(?:года|г\b\.?))?(?![\w/-])", re.IGNORECASE)
AMENDED = re.compile(paper_number.AMENDED, re.IGNORECASE)
PAPER = re.compile(
    r"^(?:(?:совместн\w*|приказ\w*|распоряжени\w*|постановлени\w*|письм\w*|протокол\w*|закон\w*|договор\w*|соглашени\w*)"
    r"(?:\s+|$|:\s*))+",
    re.IGNORECASE,
)
SIGN = re.compile(r"№|\bN(?=\s*\d)")
"""What stands before each number of a paper."""
AROUND = " \t,;:()/"
BOTH = " / "
"""Between the numbers of a paper that several have signed."""


def with_joint(heading: Heading) -> Heading:
    """The heading with the columns that stand in one: an unknown one that is of a number and a date, and a column that
    is there alone where the other one of its number and date, or of its month and day, is not."""
    known = joint_headings(heading.form)
    for shown, place in heading.unknown.items() if known else ():
        names = next((known[key] for key in sorted(heading.keys[place]) if key in known), None)
        if names is not None and not heading.columns.keys() & set(names):
            heading = replace(
                heading,
                columns=heading.columns | dict.fromkeys(names, place),
                matched=heading.matched | {shown: names[0]},
                unknown={text: c for text, c in heading.unknown.items() if text != shown},
            )
            break
    for one, day in (*dict.fromkeys(known.values()), *months_with_days(heading.form)):
        if one in heading.columns and day not in heading.columns:
            heading = replace(heading, columns=heading.columns | {day: heading.columns[one]})
    for month, day in months_with_days(heading.form):
        if day in heading.columns and month not in heading.columns:
            heading = replace(heading, columns=heading.columns | {month: heading.columns[day]})
    return heading


@kept
def months_with_days(form: Form) -> tuple[tuple[str, str], ...]:
    """The columns of months with those of the days that lie in them."""
    columns = {column.name: column for edition in form.editions for column in edition.columns}
    return tuple((column.name, column.day) for column in columns.values() if column.day)


def parted(raw: pl.DataFrame, tables: Sequence[Table], form: Form) -> pl.DataFrame:
    """Texts of cells of two columns as one text each: the number, and the date after or before it.

    `raw` is that of `transforms.rows.check.check_rows`. A text without a date is the number. Where the date has a cell
    of its own, what stands with the number is the date only if that cell is blank or says the same.
    """
    for number, day in dict.fromkeys(joint_headings(form).values()):
        joint = [n for n, table in enumerate(tables) if number in table.columns]
        joint = [n for n in joint if tables[n].columns[number] == tables[n].columns.get(day)]
        rows = raw.select(number, day, pl.col("table").is_in(joint).alias("joint"))
        column = form.editions[-1].column(day)
        raw = retold(raw, rows, number, partial(_apart, column))
    return raw


def _apart(column: Column, text: str, own: str | None, joint: object) -> tuple[str | None, str | None]:
    """The number and the date of a text that may hold both; `own` is what stands in the cell of the date, a `column` of
    its own where it is not `joint`."""
    own = None if joint else own
    body = AMENDED.sub("", " ".join(text.split()))
    days = list(DAY.finditer(body))
    stated = {_day(day["day"], column) for day in days}
    if own is not None and not is_nothing(plain(own)):
        stated |= {_day(own, column)}
    if not days or len(stated) > 1:
        return text, own
    whole = [PAPER.sub("", part.strip(AROUND)).strip(AROUND) for part in _between(body, days)]
    parts = [part.strip(AROUND) for each in whole for part in SIGN.split(each)]
    numbers = list(dict.fromkeys(part for part in parts if any(map(str.isalnum, part))))
    if len(numbers) == 1:  # one number stays as it is written
        numbers = [part for part in whole if numbers[0] in part]
    return BOTH.join(numbers) or None, own or days[0]["day"]


def _day(text: str, column: Column) -> object:
    """The day that a text names, however it is written; a text that names none, or two, as it is."""
    return date(text, column).value or plain(text)


def _between(body: str, days: Sequence[re.Match[str]]) -> list[str]:
    """What stands before, between and after the dates of a text."""
    ends = [0, *(day.end() for day in days)]
    return [body[start:end] for start, end in zip(ends, [*(day.start() for day in days), len(body)], strict=True)]
