"""What of a form that names people may be shown: in a broken row a name or a birth date may stand in any column.

An allow-list: a number of few figures, a date that is nobody's birth date, words that stand in our own contracts, a
territory by its known names, a school of the register, a text of the pattern that its column states. Of everything
else only its place is told.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache

import polars as pl

from contracts.form import Column, Edition, Kind
from contracts.forms import FORMS, RULES, forms_in
from contracts.regions import kept, regions
from contracts.texts import shown_words
from contracts.vocabulary import rows, words
from transforms.cells.cell_value import blank_words, plain
from transforms.cells.free_text import ERROR_CELL
from transforms.cells.key import heading_key, key, unit_aliases, wordings
from transforms.cells.school_name import school_key

HIDDEN = "скрыто"
LONGEST_SHOWN = 80
LONGEST_HEADING = 200
MOST_FIGURES = 4
YOUNGEST = 6
"""No pupil is younger: an earlier date may be a birth date."""
WORD = re.compile(r"[^\W\d_]+")
NUMBER = re.compile(r"[-+−]?\d+(?:[.,]\d+)?\s*[)*%]?")
INITIAL = re.compile(r"\b[^\W\d_]\.")
DATE = re.compile(r"(?:\d{1,2}[./-]\d{1,2}[./-](\d{4})|(\d{4})-\d{2}-\d{2})(?: \d{1,2}:\d{2}(?::\d{2})?)?")
VOCABULARIES = ("answers", "levels", "verification", "weekdays")
"""Those whose words are our own, besides the vocabularies of forms that name people."""


@dataclass(frozen=True)
class KnownNames:
    """What a reading knows by name: `schools` are the codes and the keys of names of the register's schools, `units`
    the keys of the known ways to write a reporting unit."""

    schools: Collection[str] = field(default=frozenset(), repr=False)
    units: Mapping[str, str] = field(default_factory=lambda: unit_aliases(None), repr=False)


NOBODY = KnownNames()


def shown(texts: pl.Series, column: Column, as_of: dt.date | None, known: KnownNames = NOBODY) -> pl.Series:
    """Texts of cells of a column as they may be shown; each distinct text is judged once."""
    if column.personal:
        return texts.set(texts.is_not_null(), HIDDEN)
    distinct = texts.unique().drop_nulls()
    since = born_before(as_of) if column.kind == "date" else None
    shown_texts = [
        text
        if harmless(text, column.kind, known) or _is_recent(text, since) or _is_of_pattern(text, column)
        else HIDDEN
        for text in distinct
    ]
    return texts.replace_strict(distinct, pl.Series(shown_texts, dtype=pl.String), default=None, return_dtype=pl.String)


def is_guarded(edition: Edition) -> bool:
    """Whether the rows of an edition are people."""
    return any(column.personal for column in edition.columns)


def born_before(as_of: dt.date | None) -> int | None:
    """The last year in which a pupil may have been born; None when nobody knows for which day the file is."""
    return as_of.year - YOUNGEST if as_of is not None else None


def _is_recent(text: str, since: int | None) -> bool:
    """Whether a text is a date after the year `since`, and so nobody's birth date."""
    match = DATE.fullmatch(text.strip())
    return match is not None and since is not None and int(match[1] or match[2]) > since


def _is_of_pattern(text: str, column: Column) -> bool:
    """Whether a text is of the pattern of its column, which no name is."""
    return column.pattern is not None and re.search(column.pattern, text.strip()) is not None


def harmless(text: str, kind: Kind, known: KnownNames = NOBODY) -> bool:
    """Whether a cell surely is no name and no date of birth."""
    clean = text.strip()
    if re.match(ERROR_CELL, clean) or plain(clean) in blank_words():
        return True
    if kind in ("school_name", "school_code") and (school_key(clean) in known.schools or clean in known.schools):
        return True
    if NUMBER.fullmatch(clean):
        return _figures(clean) <= MOST_FIGURES
    if kind in ("unit", "school_name"):
        return key(clean) in known.units
    if kind == "text":
        return len(clean) <= 1
    return len(clean) <= LONGEST_SHOWN and may_be_shown(clean)


@lru_cache(maxsize=20_000)
def may_be_shown(text: str, since: int | None = None) -> bool:
    """Whether every word of a heading, the name of a sheet or an answer stands in our contracts too, and what figures
    there are make no date but one after the year `since`."""
    if heading_key(text) in _our_headings():
        return True
    if since is not None:
        text = DATE.sub(lambda match: "" if int(match[1] or match[2]) > since else match[0], text)
    if len(text) > LONGEST_HEADING or INITIAL.search(text) or _figures(text) > MOST_FIGURES:
        return False
    return _our_words().issuperset(key(word) for word in WORD.findall(text))


def sheet_shown(name: str, number: int, since: int | None = None) -> str:
    """The name of a sheet as it may be told, or its number, from 1 on."""
    return name if may_be_shown(name, since) else f"лист {number}"


def numbered(name: str, number: int) -> str:
    """«лист «Отчёт»», or «лист 1» when its name is not to be told."""
    shown_name = sheet_shown(name, number)
    return f"лист «{name}»" if shown_name == name else shown_name


def _figures(text: str) -> int:
    return sum(character.isdecimal() for character in text)


@cache
def place_words() -> frozenset[str]:
    """Words that only the name of a territory or of a school has."""
    return frozenset(key(row["word"]) for row in rows("place_words"))


@kept
def _our_headings() -> frozenset[str]:
    """Keys of whole headings that we know ourselves, initials among them («Ф.И.О.»)."""
    texts = _our_wordings()
    return frozenset(map(heading_key, [*texts, *(row["heading"] for row in rows("ignored_headings"))]))


def _our_wordings() -> list[str]:
    """The wordings of all headings, whatever region has them."""
    return [wording for region in regions() for form in forms_in(region.code) for _, wording in wordings(form)]


@kept
def _our_words() -> frozenset[str]:
    """The words of our own contracts: answers of the vocabularies, headings, rules, names of forms and territories."""
    columns = [column for form in FORMS if form.names_people for edition in form.editions for column in edition.columns]
    used = {column.vocabulary for column in columns if column.vocabulary}
    texts = [word for name in sorted(used.union(VOCABULARIES)) for word in words(name)]
    texts += _our_wordings()
    texts += [row["heading"] for row in rows("ignored_headings")]
    texts += shown_words()
    texts += [text for rule in RULES.values() for text in (rule.what, rule.mend)]
    texts += [form.title for form in FORMS]
    texts += [row[name] for row in rows("senders") for name in ("sender", "name")]
    texts += [name for region in regions() for name in unit_aliases(region.code)]
    return frozenset(key(word) for text in texts for word in WORD.findall(text))
