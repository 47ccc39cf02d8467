"""Words of a vocabulary: answers of yes and no, and choices from a list."""

from __future__ import annotations

import re
from functools import lru_cache

from contracts.form import Column
from contracts.rules import KEY_NORMALISED, WORD_WITH_TAIL
from contracts.vocabulary import allowed_words, first_words, rows, words
from transforms.cells.cell_value import NOTHING, UNREAD, Meaning, blank_words, doubtful, is_nothing, plain
from transforms.cells.headed import headed
from transforms.cells.key import key
from transforms.cells.number import EMPTY

BETWEEN_ANSWERS = re.compile(r"[/|\\,;()]|\bили\b|\. | - ")
DASH = "-"


@lru_cache
def keyed(vocabulary: str) -> dict[str, str]:
    """Words of a vocabulary by their keys; a mark without letters («+», «✓») stays itself."""
    return {key(word) or word: code for word, code in words(vocabulary).items()}


@lru_cache
def misspelt(vocabulary: str) -> frozenset[str]:
    """Keys of the words that are known misspellings: they are understood, and it is said as what."""
    return frozenset(key(row["word"]) for row in rows(vocabulary) if row.get("misspelt"))


def choice(text: str, column: Column) -> Meaning:
    """The code of a word of the column's vocabulary."""
    if is_nothing(plain(text)):
        return NOTHING
    code = keyed(column.vocabulary or "").get(key(text))
    if code and key(text) in misspelt(column.vocabulary or ""):
        return Meaning(code, rule=KEY_NORMALISED.id, shown=first_words(column.vocabulary or "")[code])
    if code:
        return Meaning(code)
    head = None if column.open_vocabulary else headed(text, column.vocabulary or "")
    return Meaning(head.code, rule=WORD_WITH_TAIL.id, shown=head.word) if head else UNREAD


def yes_no(text: str, column: Column) -> Meaning:
    """True or False, also of an answer said twice («да, внесено»).

    «да/нет» that nobody chose from is a doubt, and so is a dash: «нет» to some, a blank to others.
    """
    codes_by_key = keyed(column.vocabulary or "")
    body = plain(text)
    if body == DASH:
        return doubtful("нет", EMPTY)
    if whole := codes_by_key.get(key(text)):
        return Meaning(whole == "yes")
    if not body or blank_words().get(body) == "blank":
        return NOTHING
    codes = {codes_by_key.get(key(part)) for part in BETWEEN_ANSWERS.split(body) if key(part)}
    if codes == {"yes", "no"}:
        return doubtful(*allowed_words(column.vocabulary or "").split(", "))
    if len(codes) == 1 and None not in codes:
        return Meaning(codes == {"yes"})
    head = headed(text, column.vocabulary or "", set_off=True)
    return Meaning(head.code == "yes", rule=WORD_WITH_TAIL.id, shown=head.word) if head else UNREAD
