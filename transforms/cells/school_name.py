"""Names of schools: the same school however its legal form is spelt, and which schools an unknown name may mean."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

from rapidfuzz import fuzz, process

from contracts.vocabulary import rows
from transforms.cells.key import key

NUMBER_SIGN = re.compile(r"(?<![a-z])(?:nо|n|№) ?(?=\d)")
"""What `key` makes of «№ 5», «№5», «N 5»."""
AFTER_DOT = re.compile(r"\. ?")
FIGURES = re.compile(r"\b\d+")
"""Numbers that stand alone: in «С0Ш» the nought is a slip."""
WORDS = re.compile(r"[^\W_]+")
LEAST_SCORE = 65
"""Of 100: below it come schools of which only the kind of the name is the same."""
NOTHING_ALIKE = 40
"""Of 100: a name below it is no misspelling of the other one."""
CLEARLY_BETTER = 15
"""By how much another school's name must be more alike before the row is its."""
FIRST_PICKED = 20


@dataclass(frozen=True)
class Candidate:
    """A school that an unknown name may mean, by its place in the list of names, and how alike they are, of 100."""

    place: int
    score: int


@lru_cache(maxsize=200_000)
def school_key(text: str) -> str:
    """Key of a school's name: as `key`, and legal forms and kinds of schools abbreviated, «№ 5» and «N5» one."""
    body = AFTER_DOT.sub(". ", NUMBER_SIGN.sub(" №", key(text)))
    return " ".join(_full_forms().sub(lambda match: abbreviations()[match[0]], body).split())


@cache
def abbreviations() -> dict[str, str]:
    """Key of a legal form or a kind of school in full → its abbreviation, the first one of several."""
    short_of: dict[str, str] = {}
    for row in rows("school_forms"):
        short_of.setdefault(key(row["full"]), row["short"].lower())
    short_of |= {row["short"].lower(): short_of[key(row["full"])] for row in rows("school_forms")}
    return short_of


@cache
def _full_forms() -> re.Pattern[str]:
    longest_first = sorted(abbreviations(), key=len, reverse=True)
    return re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, longest_first))})(?!\w)")


@lru_cache(maxsize=200_000)
def own_words(text: str) -> str:
    """The words of a school's name that other schools do not share; all of them when there are no such ones."""
    words = WORDS.findall(school_key(text))
    return " ".join(word for word in words if word not in _shared_words()) or " ".join(words)


@cache
def _shared_words() -> frozenset[str]:
    texts = [row["word"] for name in ("school_words", "place_words") for row in rows(name)]
    texts += [row["short"] for row in rows("school_forms")]
    return frozenset(word for text in texts for word in WORDS.findall(key(text)))


def likeness(one: str, other: str) -> int:
    """How alike two names of schools are by their own words, of 100; a number that the other lacks makes it 0.

    A name that says nothing of its own («школа») is like any other.
    """
    mine, others = own_words(one), own_words(other)
    if not set(FIGURES.findall(mine)) <= set(FIGURES.findall(others)):
        return 0
    if set(WORDS.findall(mine)) <= _shared_words():
        return 100
    return int((fuzz.token_sort_ratio(mine, others) + fuzz.token_set_ratio(mine, others)) / 2)


def candidates(name: str, names: Sequence[str], most: int = 3) -> list[Candidate]:
    """The most alike of names of schools, best first; none for a name without words of its own."""
    mine = own_words(name)
    if set(WORDS.findall(mine)) <= _shared_words():
        return []
    picked = process.extract(
        mine,
        [own_words(candidate) for candidate in names],
        scorer=fuzz.token_set_ratio,
        limit=FIRST_PICKED,
        score_cutoff=LEAST_SCORE,
    )
    scored = [Candidate(place, likeness(name, names[place])) for _, _, place in picked]
    best = sorted(scored, key=lambda candidate: (-candidate.score, candidate.place))
    return [candidate for candidate in best if candidate.score >= LEAST_SCORE][:most]
