"""Numbers as people write them: groups of thousands, a decimal comma or point, units, footnote marks, percents."""

from __future__ import annotations

import re
from collections.abc import Sequence
from decimal import Decimal
from functools import cache

import polars as pl

from contracts.form import Column
from contracts.rules import CELL, FOOTNOTE_MARK, MINUTES_AS_HOURS
from contracts.vocabulary import rows
from transforms.cells.cell_value import NOTHING, UNREAD, Meaning, blank_words, doubtful, is_nothing, plain, unmarked

SIGNED = re.compile(r"([+-]?) ?(\d[\d .,']*)")
THOUSANDS_OR_DECIMALS = re.compile(r"[1-9]\d{0,2}[.,]\d{3}")
CLEAR = (
    re.compile(r"(?P<whole>\d+)(?:[.,](?P<part>\d+))?"),
    re.compile(r"(?P<whole>\d{1,3}([ '])\d{3}(?:\2\d{3})*)(?:[.,](?P<part>\d+))?"),
    re.compile(r"(?P<whole>\d{1,3}([.,])\d{3}(?:\2\d{3})*)(?!\2)[.,](?P<part>\d+)"),
    re.compile(r"(?P<whole>\d{1,3}([.,])\d{3}(?:\2\d{3})+)(?P<part>)"),
)
"""«1031,5», «1 031,5», «1.031,5» and «1.031.000»."""
SCIENTIFIC = re.compile(r"-?\d(?:\.\d+)?e-\d{1,2}")
"""How a very small number cell comes; no person writes so."""
IN_BRACKETS = re.compile(r"\((\d[^()]*)\)")
ATTACHED_MARK = re.compile(r"([^()]*\d)\d\)")
PERCENT = re.compile(r" ?(?:%|проц(?:ент(?:а|ов)?)?\.?)$")
MINUTES = re.compile(r"(\d{1,3}) ?мин(?:\.|ут[аы]?)?")
ACADEMIC_HOUR = 45
"""Minutes."""
LONGEST_WHOLE = 15
TAIL_DECIMALS = 9
"""Decimals that anybody writes at most: «63.00000000000001» is what floating point makes of 63."""
LARGEST_PERCENT = 1000
EMPTY = "пустая ячейка"
"""What «нет» and a dash may mean besides their word."""


@cache
def units() -> re.Pattern[str]:
    """A unit at the end of a number («чел.», «ак. ч»), with the space before it."""
    words = sorted((plain(row["word"]) for row in rows("unit_words")), key=len, reverse=True)
    any_word = "|".join(re.escape(word).replace("\\ ", " ?") for word in words)
    return re.compile(rf"(?<=\d) ?(?:{any_word})\.?$")


def numbers(text: str, most: float | None = None) -> list[Decimal]:
    """The numbers that a plain text may stand for.

    One separator before three digits makes thousands or decimals; thousands above `most` are no meaning. A number in
    brackets may be negative, and a digit before a closing bracket the number of a note.
    """
    if SCIENTIFIC.fullmatch(text):
        return [without_tail(Decimal(text))]
    if match := IN_BRACKETS.fullmatch(text):
        return [sign * number for number in numbers(match[1].strip(), most) for sign in (-1, 1)]
    if match := ATTACHED_MARK.fullmatch(text):
        with_digit, without = numbers(text[:-1], most), numbers(match[1], most)
        return list(dict.fromkeys(with_digit + without)) if with_digit and without else []
    signed = SIGNED.fullmatch(text)
    if signed is None:
        return []
    written = signed[2]
    clear = next((match for pattern in CLEAR if (match := pattern.fullmatch(written))), None)
    if clear is None or len(clear["whole"]) > LONGEST_WHOLE:
        return []
    read = [without_tail(Decimal(f"{re.sub('[^0-9]', '', clear['whole'])}.{clear['part'] or 0}"))]
    if THOUSANDS_OR_DECIMALS.fullmatch(written):
        thousands = Decimal(re.sub("[.,]", "", written))
        if most is None or thousands <= most:
            read.insert(0, thousands)
    return [-number for number in read] if signed[1] == "-" else read


def without_tail(number: Decimal) -> Decimal:
    """A number without the last digits of floating point: no more than `TAIL_DECIMALS` decimals."""
    return number if number == number.to_integral_value() else round(number, TAIL_DECIMALS)


def number(text: str, column: Column) -> Meaning:
    """An int in a column of whole numbers, else a float; a text of which no meaning is whole is no whole number.

    In a column of decimals a separator makes thousands only within the bounds of the column.
    """
    body = plain(text)
    if is_nothing(body):
        return NOTHING
    if blank_words().get(body) == "none":
        return doubtful("0", EMPTY)
    if column.unit == "ак. ч" and (minutes := MINUTES.fullmatch(body)):
        return _of_minutes(int(minutes[1]))
    body, is_marked = unmarked(body)
    is_whole = column.dtype.is_integer()
    amounts = numbers(units().sub("", body), None if is_whole else column.maximum)
    if is_whole and not any(amount == amount.to_integral_value() for amount in amounts):
        return UNREAD
    return _chosen(
        [(int(amount) if is_whole else float(amount), _shown(amount)) for amount in amounts], is_marked=is_marked
    )


def _of_minutes(minutes: int) -> Meaning:
    """Whole academic hours, with a note; of 40 or 60 minutes only the sender knows how many hours they were."""
    hours, rest = divmod(minutes, ACADEMIC_HOUR)
    if rest or not hours:
        return Meaning(rule=CELL["hours"].id, shown=f"число академических часов; час — {ACADEMIC_HOUR} минут")
    return Meaning(float(hours), rule=MINUTES_AS_HOURS.id, shown=f"{hours} ак. ч")


def percent(text: str, _: Column) -> Meaning:
    """A fraction: «33,77%» is 0.3377. Without a sign, less than 1 is a fraction and more than 2 are percents."""
    body = plain(text)
    if is_nothing(body):
        return NOTHING
    if blank_words().get(body) == "none":
        return doubtful("0%", EMPTY)
    body, is_marked = unmarked(body)
    bare = PERCENT.sub("", body)
    amounts = numbers(bare, LARGEST_PERCENT)
    return _chosen(
        [fraction for stated in amounts for fraction in _shares(stated, is_bare=bare == body)], is_marked=is_marked
    )


def _shares(stated: Decimal, *, is_bare: bool) -> list[tuple[float, str]]:
    """The fractions that a stated percent may be, each with its words: a bare 1 is 1 % or 100 %."""
    of_hundred = (float(stated / 100), f"{_shown(stated)}%")
    if not is_bare or abs(stated) > 2 or not stated:
        return [of_hundred]
    of_one = (float(stated), f"{_shown(stated * 100)}%")
    return [of_one] if abs(stated) < 1 else [of_hundred, of_one]


def _chosen(readings: Sequence[tuple[int | float, str]], *, is_marked: bool) -> Meaning:
    """The one reading of a number, with a note about its footnote mark; several readings are a doubt."""
    if len(readings) > 1:
        return doubtful(*(words for _, words in readings))
    if not readings:
        return UNREAD
    value, words = readings[0]
    return Meaning(value, rule=FOOTNOTE_MARK.id, shown=words) if is_marked else Meaning(value)


def _shown(number: Decimal) -> str:
    return f"{number.normalize() + 0:f}".replace(".", ",")


def percent_precision(raw: pl.Series) -> tuple[pl.Series, pl.Series]:
    """How precisely percents are stated: decimals printed (Int64) and half a unit of the last one as a fraction.

    A bare fraction («0,41») is not printed as a percent: its decimals are null, and it is precise to a percent at
    least, since a number cell drops noughts at its end.
    """
    texts = raw.str.replace_all(r"\s", "")
    decimals = texts.str.extract(r"[.,](\d+)").str.len_chars().fill_null(0).cast(pl.Int64)
    is_bare = texts.str.contains(r"^\D?0*[.,]\d+$").fill_null(False)
    precise = (decimals - 2).clip(lower_bound=0).set(~is_bare, None).fill_null(decimals)
    return decimals.set(is_bare, None), 0.5 * 0.1 ** precise.cast(pl.Float64) / 100
