"""Numbers of lessons as timetables write them: «1», «1 урок», «урок 2», «3-й», «4 (11:20–12:00)», «V», «нулевой»."""

from __future__ import annotations

import re
from functools import lru_cache

from contracts.form import Column
from transforms.cells.cell_value import NOTHING, UNREAD, Meaning, is_nothing, plain
from transforms.cells.grade import CYRILLIC_ROMAN, ROMAN
from transforms.cells.key import key
from transforms.cells.spoilt import spoilt

LESSON_WORD = re.compile(r"(?<![а-я])(?:урок|занятие|ур)\b\.?|№")
TIMES = re.compile(r"(?<![\d:.])\(?\d{1,2}[:.]\d{2}(?: ?- ?\d{1,2}[:.]\d{2})?\)?(?!\d)")
ENDING = re.compile(r"(?<=\d) ?-? ?(?:ый|ой|ий|й)\b|[.)]$")
NOUGHTS = ("нулевой", "ноль", "нулевой урок")
MOST = 20


def lesson(text: str, column: Column) -> Meaning:
    """The number of a lesson; a time alone is none."""
    body = plain(text)
    if is_nothing(body):
        return NOTHING
    number = lesson_number(text)
    return Meaning(number) if number is not None else spoilt(text, column) or UNREAD


@lru_cache(maxsize=20_000)
def lesson_number(text: str) -> int | None:
    """The number of a lesson that a text names; None for anything else."""
    if key(text) in NOUGHTS:
        return 0
    body = LESSON_WORD.sub(" ", TIMES.sub(" ", plain(text))).strip()
    body = ENDING.sub("", str(ROMAN.get(body.translate(CYRILLIC_ROMAN), body))).strip()
    if body.endswith(".0"):
        body = body.removesuffix(".0")
    return int(body) if body.isdecimal() and len(body) < 3 and int(body) <= MOST else None
