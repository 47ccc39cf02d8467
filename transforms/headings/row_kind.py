"""What a row under a heading is, judged by its cells alone."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from contracts.vocabulary import rows
from transforms.cells.key import key, mark_starts, mark_stems, row_marks, stem_of
from transforms.cells.numbering import is_number, is_numbering
from transforms.headings.unit_row import is_unit_row

LABEL = "label"
"""A row with a lone name: what it is depends on the rows around it."""
FOOTNOTE = re.compile(r"(?:[*†¹²³⁴⁵⁶⁷⁸⁹]|\(?\d{1,2}\)|<\d{1,2}>|\[\d{1,2}\])")
SIGNATURE = re.compile(r"_{3,}|^\(?(?:подпись|расшифровка|ф\.? ?и\.? ?о)|^м\. ?п\.", re.IGNORECASE)
LONGEST = 200
"""Characters of a text that are looked at for a mark."""
FEW_CELLS = 5
"""A line of signatures has no more of them."""


@dataclass(frozen=True)
class Places:
    """Where a table has the columns of its form, zero-based.

    `others` are those that are no keys, `numbers` those of them that hold numbers, `sums` those that add up. A row
    without a key is data when `least` others are filled. `width` is how many columns have a heading; `units` has the
    keys of the names of reporting units where the key is one. With `only_keys` a row need say nothing besides several
    keys: a measure without a tick is one that is not done.
    """

    keys: tuple[int, ...]
    others: tuple[int, ...]
    numbers: tuple[int, ...]
    sums: tuple[int, ...]
    percents: frozenset[int]
    least: int
    width: int
    units: Mapping[str, str]
    only_keys: bool


def kind_of_row(cells: Sequence[str | None], filled: Sequence[int], places: Places) -> str:
    """What a row under the heading is: data, total, subtotal, note, heading (column numbers), or a lone name."""
    marks = _marks_of(cells, filled, places)
    if total := next((mark for mark in marks if mark != "note"), None):
        return total
    texts = [cells[c] or "" for c in filled]
    if (len(filled) >= min(3, places.width) and is_numbering(texts)) or is_unit_row(texts):
        return "heading"
    here = set(filled)
    has_key = not here.isdisjoint(places.keys)
    if any(c in here and is_number(cells[c] or "") for c in places.numbers):
        return "data" if has_key or len(here.intersection(places.others)) >= places.least else "note"
    has_other = len(here.intersection(places.others))
    signed = _is_signature(texts)
    if (marks and (has_other <= 1 or signed)) or (has_other == 0 and FOOTNOTE.match(texts[0].strip())):
        return "note"
    if signed and not names_one(cells, places):
        return "note"
    is_whole = places.only_keys and here.issuperset(places.keys)
    return "data" if has_other >= 2 or (has_key and has_other) or is_whole else LABEL


def _marks_of(cells: Sequence[str | None], filled: Sequence[int], places: Places) -> list[str]:
    """The marks by which the first text of a row, or one in its key, begins; its number is no text."""
    marks, named = [], None
    for c in filled:
        if not (text := cells[c] or "").strip().isdecimal():
            marks, named = [mark_of(text)], c
            break
    for c in places.keys:
        if c != named and c < len(cells) and (key_text := cells[c]):
            marks.append(mark_of(key_text))
    return [mark for mark in marks if mark is not None]


@lru_cache(maxsize=100_000)
def mark_of(text: str) -> str | None:
    """What a row is that begins with this text, by the marks of the vocabulary. Most need no key to be told apart."""
    if (stem := stem_of(text)) is not None and not stem.startswith(mark_stems()):
        return None
    plain = key(text)
    if plain.startswith(mark_starts()):
        for start, outcome in row_marks():
            if plain.startswith(start) and not plain[len(start) : len(start) + 1].isalnum():
                return outcome
    return None


def _is_signature(texts: Sequence[str]) -> bool:
    return len(texts) <= FEW_CELLS and any(SIGNATURE.search(text.strip()[:LONGEST]) for text in texts)


def has_ordinal(cells: Sequence[str | None], places: Places) -> bool:
    """Whether a row begins with its number, before its key: «12. …»."""
    first, text = next((c, text) for c, text in enumerate(cells) if text and text.strip())
    is_number = text.strip().rstrip(".").isdecimal()
    return is_number and first not in places.keys and any(c < len(cells) and cells[c] for c in places.keys)


def names_one(cells: Sequence[str | None], places: Places) -> bool:
    """Whether the key of a row is the name of one unit or of one school, and not of a group of them."""
    texts = [text for c in places.keys if c < len(cells) and (text := cells[c])]
    if places.units:
        return any(key(text) in places.units for text in texts)
    return any(not school_words().isdisjoint(re.findall(r"[\w-]+", key(text))) for text in texts)


@cache
def school_words() -> frozenset[str]:
    """Words that stand in the name of one school, not in the heading of a section."""
    return frozenset(key(row["word"]) for row in rows("school_words"))


def is_branch(text: str) -> bool:
    """Whether a text says of a part of a school that it is counted in it: «в т.ч. филиал в с. …»."""
    if mark_of(text) != "subtotal":
        return False
    text_words = re.findall(r"[\w-]+", key(text))
    return any(word.startswith(branch_starts()) for word in text_words) or not school_words().isdisjoint(text_words)


@cache
def branch_starts() -> tuple[str, ...]:
    """How words for a part of a school begin."""
    return tuple(key(row["start"]) for row in rows("branch_words"))
