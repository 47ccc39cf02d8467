"""What a heading says besides its name: a unit, how to fill it in, a year."""

from __future__ import annotations

import re
from functools import cache, lru_cache

from contracts.vocabulary import rows
from transforms.cells.key import heading_key, key

BRACKETS = re.compile(r"\s*[(\[]([^()\[\]]*)[)\]]\s*$")
SEPARATOR = re.compile(r"[,;:\n]|\s[-–—]\s")
TAIL = re.compile(r"^(.{2,}?)(?:\s*[,;:]\s*|\s+[-–—]\s+|\n)([^,;:\n]+)$", re.DOTALL)
LAST_WORDS = re.compile(r"^(.{2,}?)\s+(\S+|\d{1,2} \S+)$", re.DOTALL)
DAY = re.compile(r"\s*(?:на|с|от) \d{1,2}\.\d{1,2}\.20\d\d(?:\s*г\.?(?!\w))?")
YEARS = re.compile(
    r"(?<!\d)(?<!\d[./])(20\d\d)(?:\s*[-–—/]\s*(20\d\d|\d\d))?(?![\d./]\d|\d)(?:\s*(?:г\.?|гг\.?)(?!\w))?"
)
SIGNS = re.compile(r"^(?:не (?:более|менее) )?(?:\d{1,2}|из \d{1,2})[- ]?(?:значн\w+|цифр\w*|знак\w*|символ\w*)")
LONGEST = 250
"""Characters of a heading that is looked at."""
MOST_HINTS = 4


@lru_cache(maxsize=100_000)
def bare_keys(text: str) -> tuple[str, ...]:
    """Keys of a heading without its years, and without one hint after another at its end; the fullest first.

    A hint is in brackets or after a comma, a dash or a line break, and is a unit or begins as the vocabulary says.
    What else stands in brackets may tell two columns apart and stays.
    """
    if len(text) > LONGEST:
        return ()
    keys, plain = [heading_key(text)], text
    if "20" in text and (without := YEARS.sub(" ", DAY.sub("", text))) != text:
        plain = re.sub(r"[(\[]\s*[)\]]", " ", without).strip()
        keys.append(heading_key(plain))
    is_dated = plain != text
    for _ in range(MOST_HINTS):
        shorter = _without_hint(plain, is_dated=is_dated)
        if shorter is None:
            break
        plain = shorter
        keys.append(heading_key(plain))
    return tuple(dict.fromkeys(shorter_key for shorter_key in keys[1:] if shorter_key and shorter_key != keys[0]))


def _without_hint(text: str, *, is_dated: bool) -> str | None:
    """The text without the hint at its end; None when there is none. Words of a span of time are one after a year."""
    has_brackets, has_tail = text.rstrip().endswith((")", "]")), SEPARATOR.search(text)
    for pattern in (BRACKETS, TAIL):
        match = pattern.search(text) if (has_brackets if pattern is BRACKETS else has_tail) else None
        if match is not None:
            rest, hint = (text[: match.start()], match[1]) if pattern is BRACKETS else (match[1], match[2])
            if rest.strip() and is_hint(hint, spans_too=is_dated or pattern is BRACKETS):
                return rest.strip()
    last = LAST_WORDS.search(text)
    if last is not None and (key(last[2]) in formats() or SIGNS.fullmatch(key(last[2]))):
        return last[1].strip()
    if is_dated:
        plain = text.rstrip(" .,:;")
        for span in sorted(hints("span"), key=len, reverse=True):
            if key(plain).endswith(f" {span}"):
                return " ".join(plain.split()[: -len(span.split())])
    return None


def is_hint(text: str, *, spans_too: bool = True) -> bool:
    """Whether a text is only a unit or says how to fill a cell in."""
    plain = key(text)
    if (
        _squeezed(plain) in units()
        or plain in hints("whole")
        or SIGNS.match(plain)
        or (spans_too and plain in hints("span"))
    ):
        return True
    if "," in plain:  # «ак. ч, не менее 40», «цифрой, на год»
        first, *others = plain.split(",")
        if _squeezed(first) in units() or all(is_hint(part, spans_too=spans_too) for part in (first, *others)):
            return True
    starts = _hint_starts()
    return plain.startswith(starts) and any(
        plain.startswith(start) and not plain[len(start) : len(start) + 1].isalnum() for start in starts
    )


@cache
def units() -> frozenset[str]:
    """Words for units, `_squeezed`, as they stand after a number or in a heading."""
    return frozenset(_squeezed(row["word"]) for name in ("unit_words", "heading_units") for row in rows(name))


def _squeezed(text: str) -> str:
    """Key of a unit: points and spaces do not matter in «ак.ч.» and «ак. ч»."""
    return key(text).replace(".", "").replace(" ", "")


@cache
def hints(how: str) -> frozenset[str]:
    """Keys of the hints of the vocabulary: those that are whole, those that begin so, and spans of time.

    A span says nothing where the report's own date tells the year.
    """
    return frozenset(key(row["words"]) for row in rows("heading_hints") if row["how"] == how)


@cache
def _hint_starts() -> tuple[str, ...]:
    return tuple(hints("start"))


@cache
def formats() -> frozenset[str]:
    """Hints that are no words: «дд.мм.гггг», «да/нет»."""
    return frozenset(hint for hint in hints("whole") if any(sign in hint for sign in "./+"))


def years_in(text: str) -> list[int]:
    """First years of the calendar or academic years that a heading names."""
    return [int(match[1]) for match in YEARS.finditer(text)]
