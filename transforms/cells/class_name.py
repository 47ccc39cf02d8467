"""Classes as schools write them: «7А», «7 «А»», «VII-б», «7/1», «10 кадетский»; and the letter in a cell of its own."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import NamedTuple

from contracts.form import Column
from contracts.rules import CLASS_READ_AS
from transforms.cells.cell_value import NOTHING, UNREAD, Meaning, is_nothing, plain
from transforms.cells.grade import CLASS_WORD, CYRILLIC_ROMAN, ROMAN
from transforms.cells.key import LATIN, LOOK_ALIKES

HIGHEST = 11
IN_ROMAN = re.compile("[ivxхі]+")
"""Some of its figures may be Cyrillic letters."""
IN_WORD = re.compile("[^\\W\\d_]{2}")
"""What follows a numeral that is none: «Химия» is no tenth class."""
ENDING = re.compile(r" ?-? ?(?:ый|ой|ий|ого|его)(?![а-я])| ?- ?[йх](?![а-я])")
QUOTES = re.compile("[«»\"“”„‟']")
APART = re.compile(r"^[ .\-/_]+|[ .\-/_]+$")
ASIDE = re.compile(r"(?<=[а-яёa-z0-9]) ?\([^()]*\)$")
"""What a school says of the class beside its letter: «А (инженерный)»."""
LETTER = re.compile(r"[А-ЯA-Z]{1,20}(?:-[А-ЯA-Z]{2,20}| [1-9]\d?)?|[А-ЯA-Z]{0,3}-?[1-9]\d?")
NUMBER_APART = re.compile(r"^ ?[-/.]")
LONGEST_LETTER = 3
"""Letters beyond which it is a word: «кадетский»."""


class SchoolClass(NamedTuple):
    """A class by its grade; `letter` is None for one without a letter, `is_changed` says that signs were replaced."""

    grade: int
    letter: str | None
    is_changed: bool = False


def class_name(grade: int, letter: str | None) -> str:
    """A class as it is shown: «7А», «7», «7-1», «7 кадетский»."""
    if not letter:
        return str(grade)
    between = "-" if letter[0].isdecimal() else " " if len(letter) > LONGEST_LETTER else ""
    return f"{grade}{between}{letter}"


@lru_cache(maxsize=20_000)
def school_class(text: str) -> SchoolClass | None:
    """The class that a text names; None for anything else, and where it may be several: «6-7», «7А и 7Б».

    «7-1» is the first of the seventh classes; «7-8» may be two grades that learn together, and is none.
    """
    body = CLASS_WORD.sub(" ", plain(text)).strip()
    if (roman := IN_ROMAN.match(body)) and not IN_WORD.match(body, roman.end()):
        body = f"{ROMAN.get(roman[0].translate(CYRILLIC_ROMAN), '')}{body[roman.end() :]}"
    match = re.match(r"\d{1,2}", body)
    if match is None or not 1 <= int(match[0]) <= HIGHEST:
        return None
    grade, rest = int(match[0]), body[match.end() :]
    if rest[:1].isdecimal():
        return None
    rest = ENDING.sub("", rest, count=1) if ENDING.match(rest) else rest
    if not rest.strip(" .-"):
        return SchoolClass(grade, None)
    said = letter_said(rest)
    if said is None:
        return None
    name, is_changed = said
    if name.isdecimal() and (not NUMBER_APART.match(rest) or int(name) > grade):
        return None  # «7 8», or the grades 7 and 8 together
    return SchoolClass(grade, name, is_changed)


def letter_said(text: str) -> tuple[str, bool] | None:
    """The letter of a class as the warehouse has it, and whether more than its case and marks was changed; None for
    what is no letter, and for several of them."""
    written = QUOTES.sub("", CLASS_WORD.sub(" ", plain(text))).strip()
    body = ASIDE.sub("", written)
    is_changed = body != written
    body = " ".join(APART.sub("", body.removeprefix("(").removesuffix(")")).split()).replace("ё", "е").upper()
    if not LETTER.fullmatch(body):
        return None
    latin = {sign for sign in body if "A" <= sign <= "Z"}
    if latin and latin <= set(LATIN):
        body, is_changed = body.translate(LOOK_ALIKES), True
    elif latin and any("А" <= sign <= "Я" for sign in body):
        return None
    return (body.lower() if len(body) > LONGEST_LETTER and not latin else body), is_changed


def letter(text: str, column: Column) -> Meaning:
    """The letter of a class in a cell of its own: «А», «"б"», «кадетский»; «7А» says its letter too."""
    body = plain(text)
    if is_nothing(body) or body in column.blank_words:
        return NOTHING
    said = letter_said(text)
    if said is None:
        whole = school_class(text)
        said = (whole.letter, whole.is_changed) if whole and whole.letter else None
    if said is None:
        return UNREAD
    name, is_changed = said
    return Meaning(name, rule=CLASS_READ_AS.id, shown=name) if is_changed else Meaning(name)
