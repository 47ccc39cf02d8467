"""What the text of a cell means: a value, nothing, no value at all, or one of two things; the last is never guessed."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass
from functools import cache

from contracts.rules import TWO_MEANINGS
from contracts.vocabulary import rows

WITHOUT_WIDTH = dict.fromkeys((0x00AD, 0x200B, 0x200C, 0x200D, 0x200E, 0x200F, 0x2060, 0xFEFF))
FULL_WIDTH = {0xFF01 + place: 0x21 + place for place in range(94)}
DASHES = dict.fromkeys(map(ord, "‐‑‒–—―−﹣"), "-")
APOSTROPHES = dict.fromkeys(map(ord, "’‘ʼ`´′"), "'")
ONE_SIGN = WITHOUT_WIDTH | FULL_WIDTH | DASHES | APOSTROPHES
"""Signs that look alike become one. Not NFKC: it would make 121 of «12¹»."""
SPACES = re.compile(r"\s+")
MARK = re.compile(r"(?<=[\w%.)])(?:\s*[*†‡]|\s*[¹²³⁰⁴-⁹⁽⁾₀-₉①-⑳]+\)?|\s+\d{1,2}\)|\s*\[\d{1,2}\])+$")


@dataclass(frozen=True, slots=True)
class Meaning:
    """`value` is None for a blank cell and for one that is not understood.

    `rule` is the id of what has to be said about the cell, and `shown` the words for it: the meanings to choose from,
    or what was read.
    """

    value: int | float | str | bool | dt.date | None = None
    blank: bool = False
    rule: str | None = None
    shown: str | None = None


NOTHING = Meaning(blank=True)
UNREAD = Meaning()


def doubtful(*meanings: str) -> Meaning:
    """A text that may mean each of these things."""
    return Meaning(rule=TWO_MEANINGS.id, shown=" или ".join(dict.fromkeys(meanings)))


def plain(text: str) -> str:
    """A text in small letters with plain digits, dashes, apostrophes and single spaces."""
    if not text.isascii():
        text = text.translate(ONE_SIGN)
        text = "".join(str(int(sign)) if sign.isdecimal() else sign for sign in text)
    return SPACES.sub(" ", text).strip().lower()


def unmarked(text: str) -> tuple[str, bool]:
    """A plain text without the footnote marks that cannot be part of its number, and whether it had any."""
    body = MARK.sub("", text)
    return body, body != text


@cache
def blank_words() -> dict[str, str]:
    """Plain word → what it is where nothing was filled in.

    `mark` is a dash or dots, `blank` says that there is no data, `program` is how a program writes a blank cell, which
    no number is, and `text` is so in a free text only; `none`, «нет», is nought or not filled in.
    """
    return {plain(row["word"]): row["code"] for row in rows("blank_words")}


def is_nothing(text: str) -> bool:
    """Whether a plain text stands for a cell that is not filled in."""
    return not text or blank_words().get(text) in ("mark", "blank")
