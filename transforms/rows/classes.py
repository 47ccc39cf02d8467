"""Classes of rows: the letter is in a column of its own, or beside the grade («7А»), or in both."""

from __future__ import annotations

import polars as pl

from contracts.form import Edition, Kind
from contracts.rules import CELL, CLASS_READ_AS
from transforms.cells.class_name import SchoolClass, class_name, school_class
from transforms.findings.finding import PLACED, placed

LETTER: Kind = "letter"
GRADE: Kind = "grade"
"""Columns of these kinds are called so."""


def states_classes(edition: Edition) -> bool:
    """Whether rows of the edition are of classes, and not of grades alone."""
    return any(column.kind == LETTER for column in edition.columns)


def bare_grades(texts: pl.Series) -> pl.Series:
    """Texts of the column of classes without the letters: «7А» is 7. What is no class stays as it is."""
    grades = {text: str(found.grade) for text, found in _classes(texts).items()}
    return texts.replace(grades) if grades else texts


def with_letters(raw: pl.DataFrame, typed: pl.DataFrame, edition: Edition) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Typed rows with the letters that stand beside the grades, and a `PLACED` frame of what is to be said of them.

    Where both columns state a letter, they have to state the same.
    """
    if not states_classes(edition):
        return typed, pl.DataFrame(schema=PLACED)
    texts = raw[GRADE]
    classes = {text: found for text, found in _classes(texts).items() if found.letter}
    if not classes:
        return typed, pl.DataFrame(schema=PLACED)
    beside = texts.replace_strict(
        {text: found.letter for text, found in classes.items()}, default=None, return_dtype=pl.String
    )
    differ = (beside != typed[LETTER]).fill_null(False).arg_true()
    changed = {text: class_name(found.grade, found.letter) for text, found in classes.items() if found.is_changed}
    first = pl.DataFrame({"delivery": raw["delivery"], "text": texts}).with_row_index("index")
    first = first.filter(pl.col("text").is_in(list(changed))).unique(["delivery", "text"], keep="first")
    index = first.sort("index")["index"]
    read_as = texts.gather(index).replace_strict(changed, return_dtype=pl.String) if changed else beside.head(0)
    findings = [
        placed(differ, CELL[LETTER].id, LETTER, beside.gather(differ)),
        placed(index, CLASS_READ_AS.id, GRADE, read_as),
    ]
    return typed.with_columns(typed[LETTER].fill_null(beside)), pl.concat(findings)


def _classes(texts: pl.Series) -> dict[str, SchoolClass]:
    found = {text: school_class(text) for text in texts.unique().drop_nulls()}
    return {text: school for text, school in found.items() if school is not None}
