"""Plain numbers, and rows of column numbers: «1 2 3», «1. 2. 3.», «(1) (2)», «А Б 1 2»."""

from __future__ import annotations

import re
from collections.abc import Iterable

NUMBER = re.compile(r"\(?\s*(\d{1,3})(?:\.0)?\s*[.)]?(?:\s*=.*)?\s*")
LETTER = re.compile(r"\(?\s*([А-Яа-яA-Za-z])\s*[.)]?\s*")
PLAIN_NUMBER = re.compile(r"[+-]?\d[\d\s]*(?:[.,]\d+)?\s*%?")
FEWEST_WITH_GAPS = 5
LONGEST = 40
"""Characters of a number; a longer text is none, and is not looked at."""
LETTERS = {letter: place for place, letter in enumerate("абвгдежзиклмн")} | {"a": 0, "b": 1, "c": 2, "d": 3}


def is_numbering(texts: Iterable[str], *, gaps: bool = False) -> bool:
    """Whether the filled cells of a row are only the numbers of its columns; «5=3+4» is a number too.

    Columns may first have letters, in order. Two cells are enough when they are just «1» and «2». With `gaps` some
    numbers may be absent, as where only some columns are looked at, and five cells are enough.
    """
    letters, seen, expected, is_even = 0, 0, None, True
    for text in texts:
        seen += 1
        if len(text) > LONGEST:
            return False
        match = NUMBER.fullmatch(text.strip())
        if match is not None:
            number = int(match[1])
            is_later = gaps and (expected is None or number > expected)
            if not is_later and (number != expected if expected is not None else number not in (0, 1, letters + 1)):
                return False
            is_even &= not is_later
            expected = number + 1
        elif (
            expected is None
            and (letter := LETTER.fullmatch(text.strip()))
            and (LETTERS.get(letter[1].lower()) == letters or (gaps and letter[1].lower() in LETTERS))
        ):
            letters += 1
        else:
            return False
    return seen > 1 and expected is not None and (is_even or seen >= FEWEST_WITH_GAPS)


def is_number(text: str) -> bool:
    """Whether a text is a plain number: «1 050», «33,77%»."""
    return len(text) <= LONGEST and PLAIN_NUMBER.fullmatch(text.strip()) is not None
