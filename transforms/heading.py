"""Keys of human text: the same heading or name written in different ways gives the same key."""

from __future__ import annotations

import re
import unicodedata
from functools import cache, lru_cache

from contracts.form import Form
from contracts.vocabulary import rows

LOOK_ALIKES = str.maketrans("ABCEHKMOPTXYaceopxyk", "АВСЕНКМОРТХУасеорхук")
QUOTES_AND_MARKS = re.compile("[«»\"“”„‟'`’‘*\u00ad\u200b\ufeff\u0300-\u036f]")
DASHES = re.compile("\\s*[-‐‑‒–—―−]\\s*")
SPACES = re.compile(r"\s+")
CYRILLIC = re.compile("[А-Яа-яЁё]")


@lru_cache(maxsize=200_000)
def key(text: str) -> str:
    """Key of a heading, a name or a word.

    Letter case, «ё», quotes, dashes, spaces (also no-break and thin ones) and Latin letters that look like Cyrillic
    ones do not matter. Form is normalised, never a value.
    """
    text = unicodedata.normalize("NFKC", text)
    if CYRILLIC.search(text):
        text = text.translate(LOOK_ALIKES)
    text = QUOTES_AND_MARKS.sub("", text.lower().replace("ё", "е"))
    text = DASHES.sub("-", SPACES.sub(" ", text))  # spaces first, or a long run of them takes its length squared
    return text.strip(" .,:;")


@cache
def headings(form: Form) -> dict[str, frozenset[str]]:
    """Key of a heading → the columns of the form (over all editions) that are called so."""
    found: dict[str, set[str]] = {}
    for edition in form.editions:
        for column in edition.columns:
            for heading in (column.title, *column.headings):
                found.setdefault(key(heading), set()).add(column.name)
    return {heading: frozenset(columns) for heading, columns in found.items()}


@cache
def heading_parts(form: Form) -> frozenset[str]:
    """Keys of the parts of two-row headings («Часы в год: всего» is «Часы в год» over «всего») and of whole ones."""
    parts = set(headings(form))
    for edition in form.editions:
        for column in edition.columns:
            for heading in (column.title, *column.headings):
                parts.update(key(part) for part in heading.split(":"))
    return frozenset(parts)


@cache
def telling_wordings(form: Form) -> tuple[frozenset[str], ...]:
    """For each column by which a form is recognised, the keys of its wordings and of their parts."""
    found = []
    for name in form.recognised_by:
        columns = [column for edition in form.editions for column in edition.columns if column.name == name]
        wordings = [wording for column in columns for wording in (column.title, *column.headings)]
        found.append(frozenset(key(part) for wording in wordings for part in (wording, *wording.split(":"))))
    return tuple(found)


@cache
def unit_aliases() -> dict[str, str]:
    """Key of a known way to write a reporting unit → its name in the warehouse."""
    found = {key(row["alias"]): row["reporting_unit"] for row in rows("reporting_unit_aliases")}
    found |= {key(row["name"]): row["reporting_unit"] for row in rows("reporting_units")}
    return found


@cache
def row_marks() -> tuple[tuple[str, str], ...]:
    """How a row that is not data begins, and what it then is: total or note."""
    return tuple((row["start"], row["outcome"]) for row in rows("row_marks"))


@cache
def mark_starts() -> tuple[str, ...]:
    return tuple(start for start, _ in row_marks())
