"""What of a form with pupils may be shown: in a broken row a name or a birth date may stand in any column."""

from __future__ import annotations

import datetime as dt
import re
from functools import cache, lru_cache

import polars as pl

from contracts.form import Column, Edition, Kind
from contracts.vocabulary import rows, words
from transforms.free_text import ERROR_CELL
from transforms.heading import key

HIDDEN = "скрыто"
LONGEST_SHOWN = 80
LONGEST_LETTER_OF_CLASS = 2
MOST_FIGURES = 4
YOUNGEST = 6
"""No pupil is younger: an earlier date may be a birth date."""
WORD = re.compile(r"[^\W\d_]+(?:-[^\W\d_]+)*")
NAME_ENDING = re.compile(r"(ов|ев|ин|ын|ова|ева|ина|ына|ский|цкий|ская|цкая|их|ых|енко|вич|ич|вна|чна|оглы|кызы)$")
PATRONYMIC = re.compile(r"(вич|льич|мич|вна|ична|инична|оглы|кызы)$")
DATE = re.compile(r"(?:\d{1,2}[./-]\d{1,2}[./-](\d{4})|(\d{4})-\d{2}-\d{2})(?: \d{1,2}:\d{2}(?::\d{2})?)?")
DATE_OR_SERIAL = re.compile(r"\d{1,4}\s*[./-]\s*\d{1,2}\s*[./-]\s*\d{2,4}|\d{5}")


def shown(texts: pl.Series, column: Column, as_of: dt.date | None) -> pl.Series:
    """Texts of cells of a column as they may be shown; each distinct text is judged once."""
    if column.personal:
        return texts.set(texts.is_not_null(), HIDDEN)
    distinct = texts.unique().drop_nulls()
    since = as_of.year - YOUNGEST if as_of is not None and column.kind == "date" else None
    told = [text if harmless(text, column.kind) or is_recent(text, since) else HIDDEN for text in distinct]
    return texts.replace_strict(distinct, pl.Series(told, dtype=pl.String), default=None, return_dtype=pl.String)


def is_guarded(edition: Edition) -> bool:
    """Whether the rows of an edition are people."""
    return any(column.personal for column in edition.columns)


def is_recent(text: str, since: int | None) -> bool:
    """Whether a text is a date after the year `since`, and so nobody's birth date."""
    found = DATE.fullmatch(text.strip())
    return found is not None and since is not None and int(found[1] or found[2]) > since


@lru_cache(maxsize=20_000)
def harmless(text: str, kind: Kind) -> bool:
    """Whether a cell surely is no name and no date of birth.

    A place or a school has a word that says so. Elsewhere numbers of at most four figures are shown, words of the
    vocabulary, and beside them one word in small letters that does not end like a surname.
    """
    if re.match(ERROR_CELL, text.strip()):
        return True
    if len(text) > LONGEST_SHOWN or DATE_OR_SERIAL.search(text):
        return False
    found = WORD.findall(text)
    if found and kind in ("unit", "school_name"):
        keys = {key(word) for word in found}
        return not keys.isdisjoint(place_words()) and not any(PATRONYMIC.search(each) for each in keys)
    if sum(character.isdecimal() for character in text) > MOST_FIGURES:
        return False
    if kind == "text":
        return len(text.strip()) <= LONGEST_LETTER_OF_CLASS
    odd = [word for word in found if key(word) not in known_words()]
    return not odd or (len(odd) == 1 and odd[0].islower() and not NAME_ENDING.search(odd[0]))


def may_be_a_name(heading: str) -> bool:
    """Whether a heading may be a cell of somebody's row: two words with capitals, a patronymic, or a date."""
    odd = [word for word in WORD.findall(heading) if key(word) not in known_words()]
    capitals = sum(word[0].isupper() for word in odd)
    return capitals >= 2 or any(PATRONYMIC.search(word.lower()) for word in odd) or bool(DATE_OR_SERIAL.search(heading))


@cache
def place_words() -> frozenset[str]:
    """Words that only the name of a territory or of a school has."""
    return frozenset(key(row["word"]) for row in rows("place_words"))


@cache
def known_words() -> frozenset[str]:
    """The words of the vocabularies of choices and answers."""
    texts = [word for name in ("answers", "levels", "verification", "weekdays") for word in words(name)]
    return frozenset(key(word) for text in texts for word in WORD.findall(text))
