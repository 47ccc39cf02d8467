"""A word of a vocabulary that stands somewhere in a longer text, of which nothing else is kept: it may name people."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache, lru_cache

from contracts.vocabulary import rows
from transforms.cells.cell_value import is_nothing, plain
from transforms.cells.free_text import ERROR_CELL
from transforms.cells.key import key

WORDS = re.compile(r"[^\W_]+")
PARTS = re.compile(r"[/\\|]")
"""What parts the halves of a class, or a week and the next one, in one cell."""
LONG = 9
"""Letters from which on a phrase is known although its words are torn."""


@dataclass(frozen=True)
class Sought:
    """What is looked for in texts: `phrases` and `stems` (how words begin) with their codes; `said` is code → the word
    by which it is told, the weightiest first; `several` is code → that of a text of which only a part says it."""

    phrases: tuple[tuple[str, str], ...]
    stems: tuple[tuple[str, str], ...]
    said: dict[str, str]
    several: dict[str, str]

    @property
    def rest(self) -> str:
        """The code of all else: the last one."""
        return next(reversed(self.said))

    def weight(self, code: str) -> int:
        """The place of a code among the others: the less, the more it says."""
        return list(self.said).index(code)


@lru_cache(maxsize=50_000)
def word_within(text: str, vocabulary: str) -> str | None:
    """The word of a vocabulary that tells what a text says; None for a text that says nothing.

    Such a word stays itself, and so do errors of a spreadsheet.
    """
    if is_nothing(plain(text)):
        return None
    if re.match(ERROR_CELL, text.strip()) or text.startswith("#"):
        return text.strip()
    said = sought(vocabulary).said
    return text if text in said.values() else said[code_within(text, vocabulary)]


def word_of(texts: Iterable[str], vocabulary: str) -> str | None:
    """The word that tells what several texts of one place say: the weightiest, by the order of the vocabulary."""
    words = {word for text in texts if (word := word_within(text, vocabulary))}
    told = list(sought(vocabulary).said.values())
    return min(words, key=lambda word: told.index(word) if word in told else -1, default=None)


def code_within(text: str, vocabulary: str) -> str:
    """The code of what a text says; of its parts between strokes the weightiest, or what a part of it makes."""
    asked = sought(vocabulary)
    codes = [_code_of(part, asked) for part in PARTS.split(text)]
    best = min((code for code in codes if code), key=asked.weight, default=asked.rest)
    if best in asked.several and any(code in (None, asked.rest) for code in codes):
        return asked.several[best]
    return best


def _code_of(part: str, asked: Sought) -> str | None:
    """The weightiest code of one part; None for a blank one, an empty text for one that says nothing known: a room."""
    if is_nothing(plain(part)):
        return None
    words = f" {' '.join(WORDS.findall(key(part)))} "
    torn = words.replace(" ", "")
    phrases = (code for phrase, code in asked.phrases if f" {phrase} " in words or _is_torn(phrase, torn))
    stems = (code for stem, code in asked.stems if f" {stem}" in words)
    return min(itertools.chain(phrases, stems), key=asked.weight, default="")


def _is_torn(phrase: str, torn: str) -> bool:
    """Whether a long phrase stands in a text whose words are torn by a narrow cell («гори-зонты»)."""
    together = phrase.replace(" ", "")
    return len(together) >= LONG and together in torn


@cache
def sought(vocabulary: str) -> Sought:
    """What a vocabulary says to look for; its column `sought` says how: `phrase`, `stem`, `part of` a code; words
    that are only `told`, and that of all else, are not looked for."""
    listed = rows(vocabulary)
    keyed = [(" ".join(WORDS.findall(key(row["word"]))), row["code"], row["sought"]) for row in listed]
    said: dict[str, str] = {}
    for row in listed:
        said.setdefault(row["code"], row["word"])
    several = {how.removeprefix("part of "): code for _, code, how in keyed if how.startswith("part of ")}
    return Sought(
        tuple((words, code) for words, code, how in keyed if how == "phrase"),
        tuple((words, code) for words, code, how in keyed if how == "stem"),
        said,
        several,
    )
