"""How a text is divided into columns: the separator, the quotation mark and its escape, judged by a sample.

The best separator is the one by which the heading and most records are complete. A separator that only divides the
records below an undivided heading stands inside their cells («1А, 1Б, 1В»); a text of one column is not cut by it.
"""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass, replace
from itertools import pairwise

from contracts.grid import Doubt
from documents.reading.formats.text_records import Dialect, all_records

SAMPLE = 1 << 15  # characters
SEPARATORS = (";", "\t", "|", ",")  # the comma last: it is also the decimal mark
RARE = ("~", "^", ":", " ")
"""Separators only of texts that the usual ones do not divide."""
USUAL_WIDTHS = 3
GOOD = 0.5  # share of the records that agree, from which a separator is believed
NOWHERE = 1 << 30
MOST = 0.75  # share of the divided records that must be complete
NEARLY = 0.8  # share of the best agreement with which the heading decides
AS_GOOD = 0.95  # share of the best agreement that makes a rival
DECIMAL_COMMA = re.compile(r"(?<=\d),(?=\d)")
NAMED_SEPARATOR = re.compile(r"sep=(.)(\r\n|\r|\n|$)")
"""Excel's own hint, which it does not show as a row."""
WORDS = {";": "точка с запятой", "\t": "табуляция", "|": "вертикальная черта", ",": "запятая", " ": "пробел",
         ":": "двоеточие"}  # fmt: skip
NO_COLUMNS = "столбцов нет"
APOSTROPHES = "апострофы вокруг значений: кавычки", "апострофы: часть значений"
BACKSLASHES = "обратная косая черта перед кавычкой: часть значения", "обратная косая черта перед кавычкой: её знак"


@dataclass(frozen=True)
class Fit:
    """How well a dialect divides the sample.

    `agreement` is the share of the filled records that have the most usual number of columns or stand in a run of three
    alike; `usual` and `beside` are shares of the divided records: those with the most usual number of columns, those
    with a neighbour alike. `odd` is the number of records with odd quotation marks.

    `first` is the place of the first two complete records one after another, among the filled ones; NOWHERE when there
    are none. `whole` is the share of the divided records from there on that are complete, `divided` that of all from
    there on that are divided. `is_list` says that those records are alike and stand right under an undivided line.
    """

    dialect: Dialect
    agreement: float = 0.0
    usual: float = 0.0
    beside: float = 0.0
    odd: int = 0
    first: int = NOWHERE
    whole: float = 0.0
    divided: float = 0.0
    is_list: bool = False

    @property
    def is_complete(self) -> bool:
        """Whether the heading and most records have all columns."""
        if self.first == NOWHERE or self.is_list or (self.first and self.is_spaced):
            return False
        return self.whole >= MOST and self.divided >= GOOD

    @property
    def is_spaced(self) -> bool:
        """Whether a space follows each separator, as in sentences and lists."""
        return len(self.dialect.separator) > 1

    @property
    def columns(self) -> int:
        """The most usual number of columns."""
        return max(self.dialect.widths[:1], default=1)

    @property
    def score(self) -> float:
        """The agreement; of several alike the one with more columns is better."""
        return self.agreement * self.columns / (self.columns + 1)

    @property
    def is_trusted(self) -> bool:
        """Whether there is a table, under however many titles, and not a text with a separator here and there."""
        return self.agreement >= GOOD or self.beside >= 0.9 or (self.columns >= 5 and self.usual >= 0.5)


def dialect_of(text: str) -> tuple[Dialect | None, int, tuple[Doubt, ...]]:
    """The dialect of a text (None if nothing divides it), where its records begin, and the doubts there are."""
    named = NAMED_SEPARATOR.match(text)
    begin = named.end() if named else 0
    sample = text[begin : begin + SAMPLE]
    if len(text) > begin + SAMPLE:
        sample = sample[: max(sample.rfind("\n"), sample.rfind("\r")) + 1] or sample
    if named:
        return _with_marks(fit(sample, Dialect(named[1])), sample)[0].dialect, begin, ()
    best, doubts = _separated(sample)
    if best is None:
        return None, begin, doubts
    best, more = _with_marks(best, sample)
    return best.dialect, begin, doubts + more


def _separated(sample: str) -> tuple[Fit | None, tuple[Doubt, ...]]:
    usual = (_with_space(dialect, sample) for dialect in candidates(sample, SEPARATORS))
    fits = [fit(sample, dialect) for dialect in usual]
    good = [each.first for each in fits if each.is_complete and each.dialect.separator != ","]
    if good:
        # Beside another good separator the commas between digits are decimal marks, unless commas divide the heading.
        without, top = DECIMAL_COMMA.sub(".", sample), min(good)
        fits = [
            fit(without, each.dialect)
            if each.dialect.separator == "," and not (each.is_complete and each.first < top)
            else each
            for each in fits
        ]
    if not any(each.is_trusted for each in fits):
        fits += [
            each for each in (fit(sample, dialect) for dialect in candidates(sample, RARE)) if _is_proven(each, sample)
        ]
    fits = [each for each in fits if each.agreement]
    complete = [each for each in fits if each.is_complete]
    if not complete:
        return _uncertain(fits)
    most = max(each.agreement for each in complete)
    rivals = [each for each in complete if each.agreement >= NEARLY * most]
    best = min(rivals, key=lambda each: (each.first, each.is_spaced, rank(each), -each.score))
    for rival in fits:
        if rank(rival) == rank(best) or rival.first > best.first:
            continue
        if rival.first < best.first or rival.agreement >= AS_GOOD * best.agreement:
            return best, (Doubt("separator", in_words(best.dialect), in_words(rival.dialect)),)
    if _character_of(best.dialect) in RARE[2:] or not best.is_trusted:
        return best, (Doubt("separator", in_words(best.dialect), NO_COLUMNS),)
    return best, ()


def _uncertain(fits: list[Fit]) -> tuple[Fit | None, tuple[Doubt, ...]]:
    """The best of fits none of which is complete; None when it would cut a text of one column."""
    best = max(fits, key=lambda each: (each.score, -each.odd), default=None)
    if best is None:
        return None, ()
    if not best.is_trusted or best.is_list or best.is_spaced:
        return None, (Doubt("separator", NO_COLUMNS, in_words(best.dialect)),)
    for rival in fits:
        if rival.agreement >= AS_GOOD * best.agreement and rank(rival) != rank(best):
            return best, (Doubt("separator", in_words(best.dialect), in_words(rival.dialect)),)
    return best, ()


def rank(each: Fit) -> int:
    """Place of the separator among those we know, the space after it left out."""
    return (*SEPARATORS, *RARE).index(_character_of(each.dialect))


def _character_of(dialect: Dialect) -> str:
    """The separator without the space that may follow it."""
    return dialect.separator[0]


def candidates(sample: str, separators: tuple[str, ...]) -> list[Dialect]:
    """A dialect for each separator that the sample has, with apostrophes where they alone stand around fields."""
    marks = ['"']
    if _may_be_quoted(sample):
        marks.append("'")
    dialects = []
    for separator in separators:
        if separator not in sample:
            continue
        counts = {mark: len(quoted_field(separator, mark).findall(sample)) for mark in marks if mark in sample}
        apostrophes = counts.get("'", 0) > 0 and not counts.get('"')
        dialects.append(Dialect(separator, "'" if apostrophes else '"'))
    return dialects


def _with_space(dialect: Dialect, sample: str) -> Dialect:
    """The dialect with a space after each separator, if all separators have one that are not inside quoted fields."""
    character = dialect.separator
    if character + " " not in sample:
        return dialect
    spaced = replace(dialect, separator=character + " ")
    rest = quoted_field(spaced.separator, spaced.quote).sub("", sample)
    return dialect if re.search(re.escape(character) + "(?! )", rest) else spaced


def quoted_field(separator: str, mark: str) -> re.Pattern[str]:
    """A field in quotation marks, between two separators or at an end of a line."""
    s = re.escape(separator)
    return re.compile(rf"(?:^|(?<=[\r\n])|(?<={s})) ?{mark}[^{mark}]*(?:{mark}{mark}[^{mark}]*)*{mark}(?=[\r\n]|{s}|$)")


def fit(sample: str, dialect: Dialect) -> Fit:
    """How well a dialect divides the sample."""
    records, odd = all_records(sample, dialect)
    filled = [place for place, record in enumerate(records) if any(record)] or list(range(len(records)))
    sizes = [len(records[place]) for place in filled]
    counts = Counter(size for size in sizes if size > 1)
    sound = counts - Counter(len(records[place]) for place in odd)
    if not counts:
        return Fit(dialect, odd=len(odd))
    (first, _), *others = (sound or counts).most_common(USUAL_WIDTHS)
    usual = (first, *(size for size, count in others if count > 1))
    run, runs, beside = 1, 0, 0
    divided = [size for size in sizes if size > 1]
    for before, after in pairwise([*divided, 0]):
        if before == after:
            run += 1
            continue
        runs += run if run > 2 else 0
        beside += run if run > 1 else 0
        run = 1
    most = counts.most_common(1)[0][1]
    shares = max(most, runs) / len(sizes), most / len(divided), beside / len(divided)
    found = Fit(replace(dialect, widths=usual), *shares, len(odd))
    marked = set(odd)  # records with odd marks are mended when the widths are known
    sizes = [usual[0] if place in marked else size for place, size in zip(filled, sizes, strict=True)]
    top = _heading_place(sizes, usual)
    if top is None:
        return found
    below = [size for size in sizes[top:] if size > 1]
    follows = top > 0 and filled[top - 1] == filled[top] - 1 and sizes[top - 1] == 1
    is_list = follows and top + 1 < len(filled) and alike(records[filled[top]], records[filled[top + 1]])
    whole, share = sum(size in usual for size in below) / len(below), len(below) / len(sizes[top:])
    return replace(found, first=top, whole=whole, divided=share, is_list=is_list)


def _heading_place(sizes: list[int], usual: tuple[int, ...]) -> int | None:
    """The place of the first complete record that another follows, or that is the last."""
    for place, (size, following) in enumerate(pairwise([*sizes, usual[0]])):
        if size in usual and following in usual:
            return place
    return None


def alike(one: list[str], other: list[str]) -> bool:
    """Have two records the same kinds of values, so that the first is no heading of the second?"""
    return [shape(field) for field in one] == [shape(field) for field in other]


def shape(field: str) -> str:
    """Letters and figures of a value as `a` and `9`, however many."""
    return re.sub(r"\d+", "9", re.sub(r"[^\W\d_]+", "a", field.strip()))


def _is_proven(each: Fit, sample: str) -> bool:
    """Whether a rare separator divides the sample into columns, and not a text into words."""
    separator, mark = each.dialect.separator, each.dialect.quote
    if separator in "~^":
        return each.agreement >= 0.8
    quoted = len(quoted_field(separator, mark).findall(sample)) if mark in sample else 0
    return each.columns > 2 and (quoted > 2 or (each.columns > 3 and each.agreement > 0.9))


def _with_marks(best: Fit, sample: str) -> tuple[Fit, tuple[Doubt, ...]]:
    """The fit with its escape of quotation marks, and the doubt whether apostrophes are such marks."""
    dialect = best.dialect
    if "\\" + dialect.quote in sample:
        escaped = fit(sample, replace(dialect, escaped=True))
        if _unevenness(escaped) == _unevenness(best):
            return best, (Doubt("separator", *BACKSLASHES),)
        best = min(best, escaped, key=_unevenness)
    return best, apostrophes(dialect, sample)


def apostrophes(dialect: Dialect, sample: str) -> tuple[Doubt, ...]:
    """The doubt whether apostrophes around values are quotation marks: a separator between them tells."""
    if not _may_be_quoted(sample):
        return ()
    fields = quoted_field(dialect.separator, "'").findall(sample)
    in_line = [field[1:-1] for field in fields if len(field.splitlines()) < 2]
    is_quoted = any(dialect.separator in field or "''" in field for field in in_line)
    if dialect.quote == "'":  # cells of which one begins and another ends by an apostrophe are no value between two
        plain = fit(sample, replace(dialect, quote='"'))
        is_sure = is_quoted and _unevenness(fit(sample, dialect)) <= _unevenness(plain)
        return () if is_sure else (Doubt("separator", *APOSTROPHES),)
    others = quoted_field(dialect.separator, '"').findall(sample)
    return (Doubt("separator", *APOSTROPHES[::-1]),) if is_quoted or len(fields) > len(others) else ()


def _may_be_quoted(sample: str) -> bool:
    """Whether apostrophes open and close values."""
    opens = re.search(r"(?:^|[;,\t| \r\n])'", sample)
    return opens is not None and re.search(r"'(?:[;,\t| \r\n]|$)", sample) is not None


def _unevenness(each: Fit) -> float:
    return each.odd + 1 - each.agreement


def in_words(dialect: Dialect) -> str:
    """The separator in Russian."""
    separator = dialect.separator
    return WORDS.get(separator) or WORDS.get(separator.strip(" "), f"«{separator}»") + (
        " с пробелом" if separator != separator.strip(" ") else ""
    )
