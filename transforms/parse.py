"""Cells to values, a whole column at a time. A cell that does not parse is told apart from a blank one."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from functools import lru_cache

import polars as pl

from contracts.form import Column
from contracts.vocabulary import words
from transforms.heading import key

BLANKS = ("", "-", "–", "—", "−", "…", "...", "х", "x", "Х", "X")
ERROR_CELL = r"^#(REF|N/A|VALUE|DIV/0|NAME|NULL|NUM|Н/Д|ЗНАЧ|ССЫЛКА|ДЕЛ/0|ИМЯ|ПУСТО|ЧИСЛО)[!?]?$"
UNIT_WORDS = r"(?i)\s*(чел(овек|овека)?|шт|ч|час(а|ов)?|ак\.\s*ч)\.?$"
SPACE = "[\u00a0\u2007\u2009\u202f\t\r\n]+"
MONTHS = {
    "января": 1, "февраля": 2, "марта": 3, "апреля": 4, "мая": 5, "июня": 6, "июля": 7, "августа": 8,
    "сентября": 9, "октября": 10, "ноября": 11, "декабря": 12,
}  # fmt: skip
DATE_FORMATS = ("%Y-%m-%d", "%Y-%m-%d %H:%M:%S", "%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d/%m/%Y", "%d-%m-%Y")
TEXT_KINDS = ("text", "school_code", "school_name")
EARLIEST_SERIAL, LATEST_SERIAL = 20_000, 60_000


def parse(raw: pl.Series, column: Column) -> tuple[pl.Series, pl.Series | None]:
    """Values of a column (a Series of `column.dtype`) and, if any, a mask of the cells that state something else.

    The usual spelling is parsed over the whole column; what is left is understood once for each distinct text.
    """
    if raw.null_count() == len(raw):
        return raw.cast(column.dtype), None
    if column.kind in TEXT_KINDS:
        values = trimmed(raw)
        wrong = values.str.starts_with("#").fill_null(False)
        if not wrong.any():
            return values, None
        wrong &= values.str.contains(ERROR_CELL).fill_null(False)
        return values.set(wrong, None), wrong if wrong.any() else None
    return by_distinct(raw, usual(raw, column), lambda texts: (understood(texts, column), is_blank(texts, column)))


def by_distinct(
    raw: pl.Series, fast: pl.Series, understand: Callable[[pl.Series], tuple[pl.Series, pl.Series]]
) -> tuple[pl.Series, pl.Series | None]:
    """Complete `fast` where it is null by values and blanks of the distinct texts left."""
    left = fast.is_null() & raw.is_not_null()
    if not left.any():
        return fast, None
    rest = raw if left.all() else raw.filter(left)
    texts = rest.unique()
    values, blank = understand(texts)
    values = values.cast(fast.dtype)
    known = values.is_not_null()
    if known.any():
        found = rest.replace_strict(texts.filter(known), values.filter(known), default=None, return_dtype=fast.dtype)
        fast = found if len(rest) == len(fast) else fast.scatter(left.arg_true(), found)
    unread = texts.filter(~known & ~blank)
    return fast, (raw.is_in(unread.implode()) & left).fill_null(False) if len(unread) else None


def usual(raw: pl.Series, column: Column) -> pl.Series:
    """Values of cells in the usual spelling of the kind; null for every other cell."""
    if column.kind in ("count", "amount", "hours"):
        values = raw.cast(column.dtype, strict=False)
        return values if values.dtype.is_integer() else values.set(~values.is_finite().fill_null(True), None)
    if column.kind == "date":
        return this_age(raw.str.to_date("%d.%m.%Y", strict=False))
    return pl.Series(raw.name, [None], dtype=column.dtype).new_from_index(0, len(raw))


def understood(texts: pl.Series, column: Column) -> pl.Series:
    """Values of texts in any spelling; null where blank or not understood."""
    clean = trimmed(texts)
    if column.kind not in ("yes_no", "choice"):
        clean = clean.set(clean.is_in(BLANKS), None)
    if column.blank_words:
        clean = clean.set(clean.str.to_lowercase().is_in(column.blank_words), None)
    if clean.null_count() == len(clean):
        return clean.cast(column.dtype)
    return PARSERS[column.kind](clean, column)


def is_blank(texts: pl.Series, column: Column) -> pl.Series:
    """True where nothing is stated: no text, a dash, or one of the column's own words for nothing."""
    clean = trimmed(texts)
    blank = clean.is_null()
    if column.kind != "yes_no":
        blank |= clean.is_in(BLANKS).fill_null(True)
    if column.blank_words:
        blank |= clean.str.to_lowercase().is_in(column.blank_words).fill_null(True)
    return blank


def trimmed(raw: pl.Series) -> pl.Series:
    """Texts without spaces around, no-break and thin spaces made plain; empty becomes null."""
    if raw.dtype == pl.Null:
        return raw.cast(pl.String)
    clean = raw.str.strip_chars()
    odd = clean.str.contains(SPACE)
    if odd.any():
        clean = clean.set(odd.fill_null(False), None).fill_null(clean.str.replace_all(SPACE, " ").str.strip_chars())
    return clean.set((clean == "").fill_null(False), None)


def whole_number(clean: pl.Series, _: Column) -> pl.Series:
    plain = clean.str.replace(UNIT_WORDS, "").str.replace_all(" ", "").str.replace("−", "-")
    return plain.str.extract(r"^([+-]?\d+)(?:[.,]0+)?$").cast(pl.Int64, strict=False)


def decimal_number(clean: pl.Series, _: Column) -> pl.Series:
    plain = clean.str.replace(UNIT_WORDS, "").str.replace_all(" ", "").str.replace(",", ".").str.replace("−", "-")
    return plain.str.extract(r"^([+-]?\d+(?:\.\d+)?)$").cast(pl.Float64, strict=False)


def percent(clean: pl.Series, _: Column) -> pl.Series:
    """A fraction: «33,77%» is 0.3377."""
    plain = clean.str.replace_all(" ", "").str.replace(",", ".").str.strip_suffix("%")
    return plain.str.extract(r"^([+-]?\d+(?:\.\d+)?)$").cast(pl.Float64, strict=False) / 100


def percent_decimals(raw: pl.Series) -> pl.Series:
    """How many decimals a percent is stated with: «41%» 0, «33,77%» 2."""
    return trimmed(raw).str.extract(r"[.,](\d+)\s*%?$").str.len_chars().fill_null(0).cast(pl.Int64)


def this_age(dates: pl.Series) -> pl.Series:
    """Dates without those whose year was read from two digits."""
    year = dates.dt.year()
    return dates.set(((year < 1900) | (year > 2200)).fill_null(False), None)


def date(clean: pl.Series, _: Column) -> pl.Series:
    """Dates in other habits: ISO, with time, slashes, month in words, two-digit year, the serial number of Excel."""
    plain = clean.str.strip_suffix("г.").str.strip_suffix("года").str.strip_chars().str.to_lowercase()
    for month, number in MONTHS.items():
        plain = plain.str.replace(rf"^(\d{{1,2}})\s+{month}\s+(\d{{4}})$", f"${{1}}.{number}.${{2}}")
    result = this_age(plain.str.to_date("%d.%m.%Y", strict=False))
    for form in DATE_FORMATS:
        if result.null_count() == 0:
            break
        timed = "%H" in form
        other = plain.str.to_datetime(form, strict=False).dt.date() if timed else plain.str.to_date(form, strict=False)
        result = result.fill_null(this_age(other))
    short = plain.str.replace(r"^(\d{1,2}\.\d{1,2})\.(\d{2})$", "${1}.20${2}")
    result = result.fill_null(this_age(short.str.to_date("%d.%m.%Y", strict=False)))
    serial = plain.str.extract(r"^(\d{5})(?:\.0+)?$").cast(pl.Int32, strict=False)
    serial = serial.set(~serial.is_between(EARLIEST_SERIAL, LATEST_SERIAL), None)
    days = (serial - 25_569).cast(pl.Date)
    return result.fill_null(days)


def by_word(clean: pl.Series, known: Mapping[str, str]) -> pl.Series:
    """Codes of words by a vocabulary; each distinct word is looked up once."""
    spellings = clean.unique().drop_nulls()
    mapping = {text: known[key(text)] for text in spellings if key(text) in known}
    return clean.replace_strict(mapping, default=None, return_dtype=pl.String)


@lru_cache
def keyed(vocabulary: str) -> dict[str, str]:
    """Words of a vocabulary by their keys; a mark without letters («+», «-») stays itself."""
    return {key(word) or word: code for word, code in words(vocabulary).items()}


def choice(clean: pl.Series, column: Column) -> pl.Series:
    return by_word(clean.set(clean.is_in(BLANKS), None), keyed(column.vocabulary or ""))


def yes_no(clean: pl.Series, column: Column) -> pl.Series:
    codes = by_word(clean, keyed(column.vocabulary or ""))
    return codes.replace_strict({"yes": True, "no": False}, default=None, return_dtype=pl.Boolean)


@lru_cache(maxsize=10_000)
def grade_range(text: str) -> str | None:
    """«6–11», «с 6 по 11 классы», «6, 7, 8» → lowest-highest; None when anything else is said."""
    plain = re.sub(r"\b(с|по|до|от|и|класс(ы|ов|а)?|кл)\b\.?|[-–—,;.\s]", " ", text.lower())
    numbers = plain.split()
    if not numbers or not all(re.fullmatch(r"\d{1,2}", number) for number in numbers):
        return None
    values = [int(number) for number in numbers]
    return f"{min(values)}-{max(values)}"


def grades(clean: pl.Series, _: Column) -> pl.Series:
    mapping = {text: grade_range(text) for text in clean.unique().drop_nulls()}
    return clean.replace_strict(mapping, default=None, return_dtype=pl.String)


PARSERS: dict[str, Callable[[pl.Series, Column], pl.Series]] = {
    "count": whole_number,
    "amount": whole_number,
    "hours": decimal_number,
    "date": date,
    "yes_no": yes_no,
    "choice": choice,
    "percent": percent,
    "grades": grades,
}
