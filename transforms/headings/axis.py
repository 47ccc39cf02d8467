"""What the texts along the edges of a crosstab say: classes, days, numbers of lessons, or the label of such an edge."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

from contracts.crosstab import Axis
from contracts.form import Column, Form, Kind
from contracts.regions import kept, kept_lately
from contracts.vocabulary import form_rows, rows
from transforms.cells.cell_value import plain
from transforms.cells.class_name import school_class
from transforms.cells.key import heading_key, headings, key
from transforms.cells.lesson import lesson_number

Values = tuple[tuple[str, ...], ...]
"""What a text of an edge states: a text for each column of the axis, once for each thing that it names."""
LONGEST = 40
"""Characters of a text that may be a value of an edge."""
SEVERAL = re.compile(r"\s*[,;/+&]\s*|\s+и\s+")
MOST_SEVERAL = 4
CELLS = "cells"
SURE_LETTERS = 2
"""Letters of a class that nobody takes for a word."""
DAY_BEHIND = re.compile(r"[\s,(]+\d{1,2}[./]\d{1,2}(?:[./]\d{2,4})?\)?$")
"""A date behind the name of a day."""


@dataclass(frozen=True)
class Said:
    """What a text says of an axis. It `is_sure` when it can hardly be anything else: a bare number is not."""

    values: Values
    is_sure: bool


@kept_lately(50_000)
def said_of(form: Form, axis: Axis, text: str) -> Said | None:
    """What a text says of an axis, all of it or its first line («6А», and its teacher under it); None when it is no
    value of it."""
    column = _column(form, axis)
    read = READ[column.kind]
    found = read(text, column) if len(text) <= LONGEST else None
    first, _, rest = text.strip().partition("\n")
    return found or (read(first, column) if rest and len(first) <= LONGEST else None)


@kept
def beginnings(form: Form, axis: Axis) -> frozenset[str]:
    """The first signs of the words that an axis may say."""
    vocabulary = _column(form, axis).vocabulary or ""
    return frozenset(sign for row in rows(vocabulary) for sign in (row["word"][0].lower(), row["word"][0].upper()))


@kept_lately(20_000)
def labelled(form: Form, text: str) -> Axis | None:
    """The axis that stands under a text: a heading of its columns, or a label that says so."""
    crosstab = form.crosstab
    if crosstab is None or len(text) > LONGEST:
        return None
    names = headings(form).get(heading_key(text), frozenset()) | {_labels(form).get(_label_key(text), "")}
    return next((axis for axis in crosstab.axes if names.intersection(axis.columns)), None)


def is_label(form: Form, text: str) -> bool:
    """Whether a text says what stands under it without being of an edge: «предмет», «каб.», «учитель»."""
    return _label_key(text) in _labels(form) or _is_heading_of_cell(form, text)


@kept_lately(50_000)
def told_by(form: Form, text: str) -> tuple[Axis | None, bool, tuple[Said | None, ...]]:
    """What `labelled`, `is_label` and, of each axis in their order, `said_of` say of a text: asked of every cell of a
    file that may have a crosstab, and mostly in vain."""
    axes = form.crosstab.axes if form.crosstab else ()
    return labelled(form, text), is_label(form, text), tuple(said_of(form, axis, text) for axis in axes)


def is_left_out(form: Form, text: str) -> bool:
    """Whether what stands under a label is not read: a room, a teacher, a time, the other edge once more."""
    return _labels(form).get(_label_key(text), CELLS) != CELLS or labelled(form, text) is not None


def _is_heading_of_cell(form: Form, text: str) -> bool:
    return form.crosstab is not None and form.crosstab.cell in headings(form).get(heading_key(text), ())


def _label_key(text: str) -> str:
    return heading_key(text) or key(text)


@kept
def _labels(form: Form) -> dict[str, str]:
    """Key of a label → what stands under it: `cells`, `nothing` that is read, or the column of an axis."""
    table = form.crosstab.labels if form.crosstab else ""
    return {_label_key(row["word"]): row["over"] for row in form_rows(form.name, table)}


def _column(form: Form, axis: Axis) -> Column:
    return form.editions[-1].column(axis.name)


def _classes(text: str, _: Column) -> Said | None:
    """One class («6А»), or several that learn together («6А, 6Б», «6, 7 классы»)."""
    one = school_class(text)
    if one is not None:
        has_word = re.search(r"(?<![а-я])кл", plain(text)) is not None
        is_sure = has_word or (one.letter is not None and len(one.letter) <= SURE_LETTERS)
        return Said(((text.strip(),),), is_sure)
    parts = SEVERAL.split(text.strip())
    if not 1 < len(parts) <= MOST_SEVERAL:
        return None
    first = school_class(parts[0])
    if first is None:
        return None
    named = [part if school_class(part) or not first.letter else f"{first.grade}{part}" for part in parts]
    is_each = len(set(named)) == len(named) and all(map(school_class, named))
    return Said(tuple((name,) for name in named), is_sure=True) if is_each else None


def _words(text: str, column: Column) -> Said | None:
    """A word of the column's vocabulary, also torn by a narrow cell or written from top to bottom."""
    found = _words_of(column.vocabulary or "").get(heading_key(DAY_BEHIND.sub("", text.strip())))
    return None if found is None else Said(((found,),), is_sure=True)


@cache
def _words_of(vocabulary: str) -> dict[str, str]:
    """Key of a word without spaces → the first word of its code."""
    first: dict[str, str] = {}
    for row in rows(vocabulary):
        first.setdefault(row["code"], row["word"])
    return {heading_key(row["word"]) or key(row["word"]): first[row["code"]] for row in rows(vocabulary)}


def _lessons(text: str, _: Column) -> Said | None:
    number = lesson_number(text)
    return None if number is None else Said(((str(number),),), not text.strip().rstrip(".").isdecimal())


READ = {"grade": _classes, "choice": _words, "lesson": _lessons}
KINDS: Sequence[Kind] = tuple(READ)  # type: ignore[arg-type]
