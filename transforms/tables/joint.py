"""One cell for two columns: «Приказ (№, дата)» over «№ 15-о от 25.08.2023»."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl

from contracts.form import Form
from contracts.regions import kept
from contracts.vocabulary import form_rows
from transforms.cells.key import heading_key
from transforms.findings.finding import Table
from transforms.tables.header import Heading

DAY = r"\d{1,2}\.\d{1,2}\.\d{2,4}|\d{4}-\d{2}-\d{2}|[«\"]?\d{1,2}[»\"]? +[а-яё]+\.? +\d{4}"
PAPER = r"(?:(?:приказ|распоряжени|постановлени|письм|договор|соглашени)\w*\s+)?"
NUMBER_FIRST = rf"(?i)^\s*{PAPER}(.*?)[\s,;]*(?:\bот\s+)?({DAY})\s*(?:г\.?|года)?\s*$"
DAY_FIRST = rf"(?i)^\s*{PAPER}(?:от\s+)?({DAY})\s*(?:г\.?|года)?[\s,;]+(.+?)\s*$"


@kept
def joint_headings(form: Form) -> dict[str, tuple[str, str]]:
    """Key of a heading of the form → the columns of a number and of a date that stand together under it."""
    return {heading_key(row["heading"]): (row["number"], row["date"]) for row in form_rows(form.name, "joint_headings")}


def with_joint(heading: Heading) -> Heading:
    """The heading with an unknown one that is of a number and a date, neither of which has a column of its own."""
    known = joint_headings(heading.form)
    for shown, place in heading.unknown.items() if known else ():
        names = next((known[key] for key in sorted(heading.keys[place]) if key in known), None)
        if names is not None and not heading.columns.keys() & set(names):
            return replace(
                heading,
                columns=heading.columns | dict.fromkeys(names, place),
                matched=heading.matched | {shown: names[0]},
                unknown={text: c for text, c in heading.unknown.items() if text != shown},
            )
    return heading


def parted(raw: pl.DataFrame, tables: Sequence[Table], form: Form) -> pl.DataFrame:
    """Texts of cells of two columns as one text each: the number, and the date after or before it.

    `raw` is that of `transforms.rows.check.check_rows`. A text without a date is the number.
    """
    for number, day in dict.fromkeys(joint_headings(form).values()):
        joint = [n for n, table in enumerate(tables) if number in table.columns]
        joint = [n for n in joint if tables[n].columns[number] == tables[n].columns.get(day)]
        if not joint:
            continue
        text = pl.col(number)
        of_number = pl.coalesce(text.str.extract(NUMBER_FIRST, 1), text.str.extract(DAY_FIRST, 2), text)
        of_day = pl.coalesce(text.str.extract(NUMBER_FIRST, 2), text.str.extract(DAY_FIRST, 1))
        is_joint = pl.col("table").is_in(joint)
        raw = raw.with_columns(
            pl.when(is_joint).then(of_number).otherwise(number).alias(number),
            pl.when(is_joint).then(of_day).otherwise(day).alias(day),
        )
    return raw
