"""Columns of free text: which texts stand for a blank cell, and which are no text that somebody wrote."""

from __future__ import annotations

import re
from functools import cache

import polars as pl

from contracts.form import Column
from contracts.rules import NO_RESULT
from transforms.cells.cell_value import NOTHING, UNREAD, Meaning, blank_words, plain
from transforms.cells.spoilt import ANY_SPOILT, spoilt

ERROR_CELL = r"^#(REF|N/A|VALUE|DIV/0|NAME|NULL|NUM|FORMULA|Н/Д|ЗНАЧ|ССЫЛКА|ДЕЛ/0|ИМЯ|ПУСТО|ЧИСЛО)[!?]?$"
LONGEST_ODD, LONGEST_FOR_A_NAME = 48, 24
"""Bytes of the longest text that may be odd, a formula aside; most names are longer than a short word for nothing."""


def odd_texts(values: pl.Series, column: Column) -> pl.Series:
    """The distinct texts among trimmed ones that are to be looked at one by one: few of any column.

    Of a personal column that nobody needs only error cells are; one that names words for nobody is needed.
    """
    if column.personal and column.nullable and not column.blank_words:
        return values.filter(values.str.starts_with("#")).unique()
    longest = LONGEST_FOR_A_NAME if column.personal else LONGEST_ODD
    texts = values.filter((values.str.len_bytes() <= longest) | values.str.starts_with("=")).unique()
    return texts.filter(texts.str.contains(_odd_pattern(column.blank_words)))


@cache
def _odd_pattern(own_words: tuple[str, ...]) -> str:
    """A pattern, for polars, of formulas, error cells, blank words (those of all forms and a column's own) and what a
    spreadsheet spoils."""
    words = (re.escape(word).replace("\\-", "[-‐‑‒–—―−]") for word in (*blank_words(), *own_words))
    return rf"(?i)^(?:[=#].*|{'|'.join(words)}|{ANY_SPOILT})$"


def meaning(text: str, column: Column) -> Meaning | None:
    """What an odd text is: nothing, or no value; None for a text like any other."""
    clean = text.strip()
    if plain(clean) in blank_words() or plain(clean) in column.blank_words:
        return NOTHING
    if re.match(ERROR_CELL, clean):
        return UNREAD
    if column.personal:
        return None
    if clean.startswith("="):
        return Meaning(rule=NO_RESULT.id, shown="значение вместо формулы")
    return spoilt(clean, column)
