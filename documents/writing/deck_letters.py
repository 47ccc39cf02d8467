"""How wide texts of a deck are, and in how many lines they stand.

Slides are set in Arial. A machine without it shows another font, of which DejaVu Sans is the widest in use: words have
room in both, and a table that fits its place in the wider one fits it in Arial.
"""

from __future__ import annotations

import re

WIDTHS = {
    0.38: " \u00a0/ijlI|'.,:;()`", 0.5: "fгrt_–-\"", 0.6: "зстэcszJ", 0.65: "авухьяГ«»akvxyL", 0.8: "дмКЧGUИЛНОПDHNOQ",
    0.9: "ыw", 0.97: "юЦД", 1.03: "жфМФ—%Mшm", 1.15: "щWЮ", 1.25: "Ж№Ш", 1.35: "Щ",
}  # fmt: skip
"""Width of bold letters of DejaVu Sans, of their size; those that are not named are of the usual width."""
USUAL, DIGIT = 0.72, 0.7
OF_LETTER = {letter: width for width, letters in WIDTHS.items() for letter in letters}
OF_LETTER |= dict.fromkeys("0123456789", DIGIT)
RESERVE = 1.05
"""What a program that shows slides takes besides."""
PLAIN = 0.92
"""Width of plain letters by that of bold ones."""
ARIAL = 0.88
"""Width of Arial by that of DejaVu Sans."""
BLANK = re.compile(r"[ \t\r\n\v\f\u2028\u2029]+")
NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


def width_of(text: str, *, is_bold: bool = False) -> float:
    """How wide a text is on one line, of the size of its letters, in the widest font in use."""
    return sum(OF_LETTER.get(letter, USUAL) for letter in text) * RESERVE * (1 if is_bold else PLAIN)


def widest_word(text: str, *, is_bold: bool = False) -> float:
    """How wide its longest word is."""
    return max(width_of(word, is_bold=is_bold) for word in BLANK.split(text))


def lines_of(text: str, room: float, *, is_bold: bool = False) -> int:
    """In how many lines of a width a text stands, broken between words, and within one that is longer than a line."""
    lines, used = 1, 0.0
    space = width_of(" ", is_bold=is_bold)
    for word in filter(None, BLANK.split(text)):
        width = width_of(word, is_bold=is_bold)
        if used and used + space + width > room:
            lines, used = lines + 1, 0.0
        used += width + (space if used else 0)
        lines, used = lines + int(used // room) if used > room else lines, used % room if used > room else used
    return lines


def plain(text: str) -> str:
    """A text on one line, without what no document can hold; spaces that keep figures together stay."""
    return NO_TEXT.sub("", BLANK.sub(" ", text)).strip(" ")
