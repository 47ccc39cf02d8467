"""Cells to values, a whole column at a time. A cell that does not parse is told apart from a blank one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import polars as pl

from contracts.form import Column
from contracts.rules import CELL_ERROR, NO_RESULT
from transforms.cells.answer import choice, yes_no
from transforms.cells.cell_value import NOTHING, UNREAD, Meaning, blank_words, plain
from transforms.cells.class_name import letter
from transforms.cells.code import code
from transforms.cells.day import FIRST_YEAR, LAST_YEAR, date
from transforms.cells.deadline import deadline
from transforms.cells.free_text import ERROR_CELL, odd_texts
from transforms.cells.free_text import meaning as odd_meaning
from transforms.cells.grade import grade, grades
from transforms.cells.lesson import lesson
from transforms.cells.number import TAIL_DECIMALS, number, percent
from transforms.cells.published_text import items, markup
from transforms.cells.spoilt import NUMBERS, spoilt
from transforms.cells.term import months

UNVALUED = "#FORMULA!"
"""The text of a formula that was saved without a result."""
SPACE = "[\u00a0\u2007\u2009\u202f\t\r\n]+"
DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%Y-%m-%dT%H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M")
"""Dates of which a column may hold a million different ones; every other habit is read one text at a time."""
MANY, FEW = 10_000, 0.1
"""Of a column with so many texts are so few different ones, as a share, that to tell them apart pays."""
TEXT_KINDS = ("text", "school_code", "school_name")
UNSPOILT = ("date", "grades", "choice", "yes_no", "deadline")
"""Kinds whose own reader says what a date in the cell means: a day, or a word that is not in the list."""
USUAL_CODE = {"inn": r"^[0-9]{10}$", "oktmo": r"^[0-9]{8}$"}
READERS: dict[str, Callable[[str, Column], Meaning]] = {
    "count": number,
    "amount": number,
    "hours": number,
    "percent": percent,
    "date": date,
    "yes_no": yes_no,
    "choice": choice,
    "grade": grade,
    "grades": grades,
    "letter": letter,
    "lesson": lesson,
    "inn": code,
    "oktmo": code,
    "deadline": deadline,
    "markup": markup,
    "items": items,
    "months": months,
}


@dataclass(frozen=True)
class Remark:
    """What is said about a text besides its value: the id of a rule, and its meanings or what was read."""

    rule: str
    shown: str | None


@dataclass(frozen=True)
class Parsed:
    """Values of a column (a Series of the column's dtype).

    `unread`, if any, is a mask of the cells that state something else, those of two meanings too. `told` has the texts
    of which more is to be said: two meanings, or how a value was read.
    """

    values: pl.Series
    unread: pl.Series | None = None
    remarks: Mapping[str, Remark] = field(default_factory=dict)


def parse(raw: pl.Series, column: Column) -> Parsed:
    """What the texts of a column mean."""
    is_quick = column.dtype.is_integer() or (column.personal and column.kind in TEXT_KINDS)
    return _parse(raw, column) if is_quick else once_each(raw, lambda texts: _parse(texts, column))


def once_each(raw: pl.Series, understand: Callable[[pl.Series], Parsed]) -> Parsed:
    """What texts mean, each by itself; of many texts that are few different ones each is understood once."""
    if len(raw) < MANY or raw.null_count() == len(raw):
        return understand(raw)
    numbered = raw.cast(pl.Categorical(pl.Categories.random()))  # categories of its own, forgotten with it
    distinct = numbered.unique().drop_nulls()
    if len(distinct) > len(raw) * FEW:
        return understand(raw)
    distinct, numbers = distinct.gather(distinct.to_physical().arg_sort()).cast(pl.String), numbered.to_physical()
    read = understand(distinct.alias(raw.name))
    unread = None if read.unread is None else read.unread.gather(numbers).fill_null(False)
    return replace(read, values=read.values.gather(numbers), unread=unread)


def _parse(raw: pl.Series, column: Column) -> Parsed:
    """The usual spelling is parsed over the whole column; what is left is understood once for each distinct text."""
    if raw.null_count() == len(raw):
        return Parsed(raw.cast(column.dtype))
    if column.kind in TEXT_KINDS:
        return _free_text(raw, column)
    remarks: dict[str, Remark] = {}

    def understand(texts: pl.Series) -> tuple[pl.Series, pl.Series]:
        values = _quick(texts, column)
        left = values.is_null().arg_true()
        rest = texts.gather(left)
        meanings = [_read(text, column) for text in rest]
        remarks.update(
            {
                text: Remark(meaning.rule, meaning.shown)
                for text, meaning in zip(rest, meanings, strict=True)
                if meaning.rule
            }
        )
        values = values.scatter(left, pl.Series([meaning.value for meaning in meanings], dtype=column.dtype))
        blank = pl.repeat(False, len(texts), eager=True)
        return values, blank.scatter(left, pl.Series([meaning.blank for meaning in meanings], dtype=pl.Boolean))

    values, unread = by_distinct(raw, _usual(raw, column), understand)
    return Parsed(values, unread, remarks)


def _free_text(raw: pl.Series, column: Column) -> Parsed:
    """Texts as they are, without those that stand for a blank cell, are no text that somebody wrote, or are none that
    the column takes."""
    values = _trimmed(raw)
    odd = odd_texts(values, column)
    if odd.is_empty():
        return _fitting(raw, Parsed(values), column)
    written = raw.filter(values.is_in(odd.implode())).unique()
    meanings = {text: meaning for text in written if (meaning := odd_meaning(text, column)) is not None}
    values = values.set(raw.is_in(list(meanings)).fill_null(False), None)
    wrong = raw.is_in([text for text, meaning in meanings.items() if not meaning.blank]).fill_null(False)
    remarks = {text: Remark(meaning.rule, meaning.shown) for text, meaning in meanings.items() if meaning.rule}
    return _fitting(raw, Parsed(values, wrong if wrong.any() else None, remarks), column)


def _fitting(raw: pl.Series, read: Parsed, column: Column) -> Parsed:
    """What was read without the texts that are not of the column's pattern."""
    if column.pattern is None:
        return read
    misfit = ~read.values.str.contains(column.pattern).fill_null(True)
    if not misfit.any():
        return read
    remark = Remark(column.misfit or CELL_ERROR.id, None)
    return Parsed(
        read.values.set(misfit, None),
        misfit if read.unread is None else misfit | read.unread,
        {**read.remarks, **dict.fromkeys(raw.filter(misfit).unique(), remark)},
    )


def by_distinct(
    raw: pl.Series, fast: pl.Series, understand: Callable[[pl.Series], tuple[pl.Series, pl.Series]]
) -> tuple[pl.Series, pl.Series | None]:
    """Complete `fast` where it is null by values and blanks of the distinct texts left."""
    left = fast.is_null() & raw.is_not_null()
    if not left.any():
        return fast, None
    rest = raw if left.all() else raw.filter(left)
    texts = rest.unique()
    values, blank = understand(texts)
    values = values.cast(fast.dtype)
    is_read = values.is_not_null()
    if is_read.any():
        completed = rest.replace_strict(
            texts.filter(is_read), values.filter(is_read), default=None, return_dtype=fast.dtype
        )
        fast = completed if len(rest) == len(fast) else fast.scatter(left.arg_true(), completed)
    unread = texts.filter(~is_read & ~blank)
    return fast, (raw.is_in(unread.implode()) & left).fill_null(False) if len(unread) else None


def _usual(raw: pl.Series, column: Column) -> pl.Series:
    """Values of cells in the usual spelling of the kind; null for every other cell."""
    if column.dtype.is_integer():
        return raw.cast(column.dtype, strict=False)
    if column.kind == "hours":
        plain_number = raw.str.contains(r"^[0-9]{1,15}(\.[0-9]+)?$").fill_null(False)
        return raw.set(~plain_number, None).cast(column.dtype).round(TAIL_DECIMALS)
    if column.kind == "date":
        return _this_age(raw.str.to_date("%d.%m.%Y", strict=False))
    if column.kind in USUAL_CODE:
        return raw.set(~raw.str.contains(USUAL_CODE[column.kind]).fill_null(True), None)
    return pl.Series(raw.name, [None], dtype=column.dtype).new_from_index(0, len(raw))


def _quick(texts: pl.Series, column: Column) -> pl.Series:
    """Values of texts in other spellings that a whole column may have; null for every other text."""
    result = pl.Series(texts.name, [None], dtype=column.dtype).new_from_index(0, len(texts))
    if column.kind != "date":
        return result
    for form in DATE_FORMATS:
        if "%H" in form:
            result = result.fill_null(_this_age(texts.str.to_datetime(form, strict=False).dt.date()))
        else:
            result = result.fill_null(_this_age(texts.str.to_date(form, strict=False)))
    return result


def _read(text: str, column: Column) -> Meaning:
    """What a text means in a column."""
    clean = text.strip()
    if not clean or clean.lower() in column.blank_words:
        return NOTHING
    if column.kind not in NUMBERS and blank_words().get(plain(clean)) == "program":
        return NOTHING
    if clean.startswith("#") and re.match(ERROR_CELL, clean):
        return UNREAD
    if clean.startswith("="):
        return Meaning(rule=NO_RESULT.id, shown="значение вместо формулы")
    if column.kind not in UNSPOILT and (meaning := spoilt(clean, column)):
        return meaning
    return READERS[column.kind](clean, column)


def _trimmed(raw: pl.Series) -> pl.Series:
    """Texts without spaces around, no-break and thin spaces made plain; empty becomes null."""
    if raw.dtype == pl.Null:
        return raw.cast(pl.String)
    clean = raw.str.strip_chars()
    odd = clean.str.contains(SPACE)
    if odd.any():
        clean = clean.set(odd.fill_null(False), None).fill_null(clean.str.replace_all(SPACE, " ").str.strip_chars())
    return clean.set((clean == "").fill_null(False), None)


def _this_age(dates: pl.Series) -> pl.Series:
    """Dates without those whose year was read from two digits."""
    year = dates.dt.year()
    return dates.set(((year < FIRST_YEAR) | (year > LAST_YEAR)).fill_null(False), None)
