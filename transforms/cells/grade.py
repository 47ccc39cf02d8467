"""Grades as schools write them: one with its letter, several with words, in figures or in Roman ones."""

from __future__ import annotations

import re

from contracts.form import Column
from contracts.rules import GRADES_FROM_DAY
from transforms.cells.cell_value import NOTHING, UNREAD, Meaning, doubtful, is_nothing, plain
from transforms.cells.number import number
from transforms.cells.spoilt import grades_typed, spoilt

ROMAN = {
    word: place for place, word in enumerate(("i", "ii", "iii", "iv", "v", "vi", "vii", "viii", "ix", "x", "xi"), 1)
}
CYRILLIC_ROMAN = str.maketrans("хі", "xi")
CLASS_WORD = re.compile(r"(?<![а-я])(?:класс(?:ы|ов|ах|ам|а|е)?|кл|параллел(?:и|ь|ей))\b\.?")
ENDING = re.compile(r"(?<=\d)(?: ?-? ?(?:ый|ой|ий|ого|его|ых|ые|ие|го)| ?- ?[йхе])\b")
FROM_TO = re.compile(r"\b(?:с|от) (\w+) (?:по|до) (\w+)")
RANGE = re.compile(r" ?(?:-|÷|…|\.\.\.) ?")
BETWEEN = re.compile(r" ?[,;] ?| и | ")
ROMAN_NUMERAL = re.compile(r"\b[ivx]+\b")
ONE = re.compile(r"(\d{1,2})(?:[ -]{0,3}[«\"']?[а-яa-z][»\"']?)?")
ONE_OR_RANGE = re.compile(r"(\d{1,2})(?:-(\d{1,2}))?")


def grade(text: str, column: Column) -> Meaning:
    """One grade: «7», «7 класс», «7-й», «7А», «VII»; the letter of the class stands in a column of its own."""
    read = number(text, column)
    if read is not UNREAD:
        return read
    match = ONE.fullmatch(_figures(ENDING.sub("", CLASS_WORD.sub("", plain(text)).strip())))
    return Meaning(int(match[1])) if match else UNREAD


def grades(text: str, column: Column) -> Meaning:
    """Lowest-highest: «6–11», «с 6 по 11 классы», «6, 7, 8 и 9», «VI–XI». A gap between them is a doubt."""
    body = plain(text)
    if is_nothing(body):
        return NOTHING
    if typed := grades_typed(body):
        return Meaning(f"{typed[0]}-{typed[1]}", rule=GRADES_FROM_DAY.id, shown=f"{typed[0]}–{typed[1]}")
    if remark := spoilt(text, column):
        return remark
    body = _figures(FROM_TO.sub(r"\1-\2", ENDING.sub("", CLASS_WORD.sub(" ", body))))
    body = RANGE.sub("-", " ".join(body.split())).strip(" .")
    parts = BETWEEN.split(body)
    figures_there: set[int] = set()
    for part in parts:
        ends = ONE_OR_RANGE.fullmatch(part)
        if ends is None:
            return UNREAD
        low, high = sorted((int(ends[1]), int(ends[2] or ends[1])))
        figures_there.update(range(low, high + 1))
    lowest, highest = min(figures_there), max(figures_there)
    if len(figures_there) < highest - lowest + 1:
        return doubtful(f"{lowest}–{highest}", ", ".join(parts).replace("-", "–"))
    return Meaning(f"{lowest}-{highest}")


def _figures(body: str) -> str:
    """Roman numerals as figures; «Х» may be Cyrillic."""
    roman = body.translate(CYRILLIC_ROMAN)
    return ROMAN_NUMERAL.sub(lambda match: str(ROMAN.get(match[0], match[0])), roman)
