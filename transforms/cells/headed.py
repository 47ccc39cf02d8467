"""A word of a list with something written after it: «Верифицирован педагогом», «Да, приказ № 5»."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from contracts.vocabulary import rows, words
from transforms.cells.key import key

WORDS = re.compile(r"[^\W_]+")
END_OF_WORD = re.compile(r"(?<=[\w)])(?!\w)")
SET_OFF = re.compile(r" ?[,;:.(/|]| -|-")
"""What sets a remark off from an answer: «нет замечаний» is no «нет»."""
SIGNS_OF_DOUBT = re.compile(r"[?✗✘❌×]|[^\w.](?:х|x|0)\W*$")
"""A question, a cross or a nought behind a word takes it back."""
LEAST_LETTERS = 2
STEM_OF = 6
"""Letters of a word from which on its stem is looked for: «основного» is «основной»."""


@dataclass(frozen=True)
class Headed:
    """The code of the word at the beginning of a text, and the first word of the list with that code."""

    code: str
    word: str


@dataclass(frozen=True)
class Others:
    """What takes a word of a code back: doubts, and words that only other codes have, the longer ones in any case."""

    words: frozenset[str]
    stems: tuple[str, ...]

    def has(self, word: str) -> bool:
        """Whether a word of the tail takes the code back."""
        return not word.isdecimal() and (word in self.words or word.startswith(self.stems))


@dataclass(frozen=True)
class Vocabulary:
    """Key of a word → the word and its code; `others` is code → what other codes say."""

    heads: dict[str, Headed]
    others: dict[str, Others]


def headed(text: str, vocabulary: str, *, set_off: bool = False) -> Headed | None:
    """The word of a list that a text begins with, when what follows leaves no doubt about it.

    What follows must not have a word of another code, a negation or a reservation (`tail_doubts`). With `set_off` a
    sign has to stand between them.
    """
    heads_of, body = _vocabulary_of(vocabulary), key(text)
    ends = [head.end() for head in END_OF_WORD.finditer(body)]
    end = next((end for end in reversed(ends) if body[:end] in heads_of.heads), None)
    if end is None or SIGNS_OF_DOUBT.search(body, end):
        return None
    head, tail = heads_of.heads[body[:end]], body[end:]
    tail_words = WORDS.findall(tail)
    if (set_off and not SET_OFF.match(tail)) or any(heads_of.others[head.code].has(word) for word in tail_words):
        return None
    return head


@lru_cache
def _vocabulary_of(name: str) -> Vocabulary:
    first = {code: word for word, code in reversed(words(name).items())}
    heads = {
        key(word): Headed(code, first[code])
        for word, code in words(name).items()
        if _letters(key(word)) >= LEAST_LETTERS
    }
    words_of: dict[str, set[str]] = {}
    for text, head in heads.items():
        words_of.setdefault(head.code, set()).update(WORDS.findall(text))
    exact, starts = tail_doubts()
    others = {}
    for code, own in words_of.items():
        their = {word for other in words_of.values() for word in other} - own
        stems = (word[:-2] for word in their if len(word) >= STEM_OF)
        others[code] = Others(exact | their, (*starts, *stems))
    return Vocabulary(heads, others)


def _letters(word: str) -> int:
    return sum(map(str.isalpha, word))


@lru_cache
def tail_doubts() -> tuple[frozenset[str], tuple[str, ...]]:
    """Words that take a word back as they are, and how others begin."""
    texts = [row["word"] for row in rows("tail_doubts")]
    exact = frozenset(key(text) for text in texts if not text.endswith("*"))
    return exact, tuple(key(text.removesuffix("*")) for text in texts if text.endswith("*"))
