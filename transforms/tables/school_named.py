"""The name of a school within a longer text: a title, the name of a sheet or of a file."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from functools import cache

from contracts.vocabulary import rows
from transforms.cells.key import key
from transforms.headings.row_kind import school_words
from transforms.tables.resolve import Register

WORD = re.compile(r"[\w-]+")
LONGEST = 300
INITIALS = re.compile(r"\b[А-ЯЁA-Z]\. ?(?:[А-ЯЁA-Z]\.)?")
ENDS = (
    re.compile(r"\.(?:xlsx?|xlsm|ods|csv)$"),
    re.compile(r",? (?:действует|вводится|введено|вступает|применяется|утвержден\w*) .*$", re.IGNORECASE),
    re.compile(
        r" (?:на|за|с|от) (?:\d|перв|втор|(?:i|ii|1|2)\b|январ|феврал|сентябр|учебн|четверть|полугод|недел).*$",
        re.IGNORECASE,
    ),
    re.compile(r"[ (,]*(?:20\d\d|\d{1,2}\.\d{2}\b).*$"),
    re.compile(r"[,;].*$"),
    re.compile(r" *\(.*$"),
)
"""What follows a name in a title, the surest ends first."""


def school_named(texts: Iterable[str], register: Register | None, unit: str | None) -> tuple[str, int] | None:
    """The school that texts name, and which of them does: one of the register, else what follows the words of a school.

    A text with somebody's initials, or one that begins as a signature does, names a school only if the register has it.
    """
    listed = [(_ways(text), place) for place, text in enumerate(texts)]
    if register is not None:
        for ways, place in listed:
            for way in ways:
                if len(register.named(way, (unit,))) == 1:
                    return way, place
    return next(((name, place) for ways, place in listed if (name := _name_of(ways))), None)


def _ways(text: str) -> list[str]:
    """What may be the name in a text: all of it, and from each word of a school on, without more and more ends."""
    body = " ".join(text.replace("_", " ").split())
    if len(body) > LONGEST:
        return []
    starts = [match.start() for match in WORD.finditer(body) if key(match[0]) in school_words() | _first_words()]
    ways = [body]
    for start in starts:
        rest = body[start:]
        ways.append(rest)
        for end in ENDS:
            rest = end.sub("", rest).strip(" ,;:.")
            ways.append(rest)
    return ways


def _name_of(ways: Sequence[str]) -> str | None:
    """The name in a text that no register knows: from its first word of a school to the first sure end, if there is
    such a word and nobody's initials."""
    named = ways[1 : 1 + len(ENDS) + 1]
    return named[-1] if named and INITIALS.search(named[-1]) is None else None


@cache
def _first_words() -> frozenset[str]:
    """Words with which a legal form in full begins."""
    return frozenset(key(row["full"]).split()[0] for row in rows("school_forms") if len(row["short"]) > 2)
