"""Cells to values: every human spelling means what it says, and no text makes a parser fail."""

from __future__ import annotations

import datetime as dt
import re
import unicodedata

import polars as pl
import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from contracts.form import Column, Kind
from contracts.forms import FORMS
from contracts.vocabulary import words
from transforms.heading import key, unit_aliases
from transforms.parse import MONTHS, parse

COLUMNS = {column.kind: column for form in FORMS for column in form.editions[-1].columns if column.kind != "unit"}
LEVEL = Column("level", "Уровень", "choice", "", vocabulary="levels")
ANSWER = Column("answer", "Ответ", "yes_no", "", vocabulary="answers")
ARCHIVED = Column("archived_on", "Дата архивации", "date", "", blank_words=("нет",))
CYRILLIC = sorted(name for name in unit_aliases() if not re.search("[a-z]", name))
SPACES = st.sampled_from(["", " ", "\u00a0", "\u202f", "\n", " \t"])
COUNTS = st.integers(-10_000, 1_000_000)
HOURS = st.integers(0, 4000).map(lambda tenths: tenths / 10)
DATES = st.dates(dt.date(1955, 1, 1), dt.date(2063, 12, 31))
FEW = settings(max_examples=25, deadline=None)
MANY = settings(max_examples=200, deadline=None)


def one(text: str | None, column: Column) -> object:
    """The value of a cell; the text «?» when it says something that is no value."""
    values, unread = parse(pl.Series([text], dtype=pl.String), column)
    return "?" if unread is not None and unread[0] else values[0]


def of(kind: Kind, text: str | None) -> object:
    return one(text, COLUMNS[kind])


@FEW
@given(COUNTS, SPACES, SPACES, st.sampled_from(["{}", "{} чел.", "{} шт", "{} человек", "{},0", "{}.00"]))
def test_counts(number: int, before: str, after: str, spelling: str) -> None:
    assert of("count", before + spelling.format(number) + after) == number
    assert of("count", f"{number:,}".replace(",", "\u00a0")) == number
    assert of("count", str(number).replace("-", "−")) == number


@FEW
@given(HOURS, SPACES, st.sampled_from(["{}", "{} ч", "{} ч.", "{} часов", "{} ак. ч."]))
def test_hours(hours: float, before: str, spelling: str) -> None:
    assert of("hours", before + spelling.format(hours)) == hours
    assert of("hours", before + spelling.format(str(hours).replace(".", ","))) == hours


@FEW
@given(DATES)
def test_dates(day: dt.date) -> None:
    month = next(name for name, number in MONTHS.items() if number == day.month)
    serial = (day - dt.date(1899, 12, 30)).days
    for text in (
        f"{day:%d.%m.%Y}", f" {day:%d.%m.%Y} г.", f"{day.day}.{day.month}.{day.year}", f"{day:%d.%m.%Y} года",
        f"{day:%d/%m/%Y}", f"{day:%d-%m-%Y}", f"{day:%Y-%m-%d}", f"{day:%Y-%m-%d} 10:30:00", f"{day:%d.%m.%Y} 10:30",
        f"{day.day} {month} {day.year}", f"{day.day} {month.upper()} {day.year} года", f"{serial}",
    ):  # fmt: skip
        assert of("date", text) == day, text
    if day.year >= 2000:
        assert of("date", f"{day:%d.%m.%y}") == day


@FEW
@given(st.integers(0, 20_000), st.sampled_from(["{}%", "{} %", " {}%", "{}"]))
def test_percents(hundredths: int, spelling: str) -> None:
    stated = f"{hundredths / 100:.2f}"
    for text in (stated, stated.replace(".", ",")):
        assert of("percent", spelling.format(text)) == pytest.approx(hundredths / 10_000)


@FEW
@given(st.integers(1, 11), st.integers(1, 11))
def test_grades(a: int, b: int) -> None:
    low, high = min(a, b), max(a, b)
    spellings = (
        "{}-{}", "{}–{}", "{} — {}", "с {} по {} классы", "{}-{} кл.", "от {} до {}", "{}, {}", "{} и {} классы"
    )  # fmt: skip
    for spelling in spellings:
        assert of("grades", spelling.format(low, high)) == f"{low}-{high}", spelling
    assert of("grades", f"{a} класс") == f"{a}-{a}"


@pytest.mark.parametrize("column", [LEVEL, ANSWER, COLUMNS["choice"]], ids=lambda column: column.vocabulary)
def test_words_of_a_vocabulary_in_any_dress(column: Column) -> None:
    for word, code in words(column.vocabulary or "").items():
        value = {"yes": True, "no": False}.get(code, code)
        for text in (word, word.upper(), f"  {word} ", word.replace(" ", "\u00a0"), f"«{word}»"):
            assert one(text, column) == value, text


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("count", "более 5"), ("count", "5-6"), ("count", "5,5"), ("count", "17 чел., из них 3"), ("count", "1e3"),
        ("hours", "nan"), ("hours", "inf"), ("hours", "4;5"), ("date", "31.02.2023"), ("date", "сентябрь 2023"),
        ("date", "08.09.223"), ("date", "12345678"), ("percent", "много"), ("percent", "33,77,1"),
        ("grades", "6А, 7Б"), ("grades", "06.ноя"), ("grades", "2023-11-06"), ("yes_no", "да и нет"),
        ("choice", "базовый/основной"), ("count", "#REF!"), ("text", "#N/A"), ("school_name", "#ССЫЛКА!"),
    ],
)  # fmt: skip
def test_what_is_no_value_is_told_from_a_blank_cell(kind: Kind, text: str) -> None:
    assert of(kind, text) == "?"


@pytest.mark.parametrize("kind", COLUMNS)
@pytest.mark.parametrize("text", [None, "", "  ", "\u00a0", "-", "–", "—"])
def test_blank_cells(kind: Kind, text: str | None) -> None:
    says_something = {"yes_no": False, **dict.fromkeys(("text", "school_code", "school_name"), text)}
    assert of(kind, text) == (says_something.get(kind) if text in ("-", "–", "—") else None)


def test_words_for_nothing() -> None:
    assert one("Нет", ARCHIVED) is None
    assert one("Да", ARCHIVED) == "?"


@pytest.mark.parametrize("kind", COLUMNS)
@FEW
@given(texts=st.lists(st.none() | st.text() | st.from_regex(r"[ \d.,%/–-]{1,12}")))
def test_no_text_is_too_odd(kind: Kind, texts: list[str | None]) -> None:
    values, unread = parse(pl.Series(texts, dtype=pl.String), COLUMNS[kind])
    assert (values.dtype, len(values)) == (COLUMNS[kind].dtype, len(texts))
    if unread is not None:
        assert len(unread) == len(texts)
        assert unread.null_count() == 0
        assert values.filter(unread).null_count() == unread.sum()
        assert None not in [text for text, wrong in zip(texts, unread, strict=True) if wrong]
    if values.dtype.is_float():
        assert values.drop_nulls().is_finite().all()


@FEW
@given(st.lists(st.sampled_from(["5", "5 чел.", "много", "", None, "-", "12"]), min_size=1), st.randoms())
def test_a_cell_means_the_same_in_any_company(texts: list[str | None], random: object) -> None:
    values, unread = parse(pl.Series(texts, dtype=pl.String), COLUMNS["count"])
    for place, text in enumerate(texts):
        wrong = unread is not None and unread[place]
        assert ("?" if wrong else values[place]) == of("count", text)


@MANY
@given(st.text() | st.text(st.sampled_from('аиёЁйCßİﬁ«"*-– .,:;\u0306\u0308\u00ad\u200b\t①´№'), max_size=8))
def test_key_of_a_key_is_itself(text: str) -> None:
    assert key(key(text)) == key(text)


@MANY
@given(st.sampled_from(CYRILLIC), SPACES, st.sampled_from(["«{}»", '"{}"', "{}.", "{}:", "{}"]))
def test_key_forgets_the_dress_of_a_name(name: str, space: str, dress: str) -> None:
    written = dress.format(name.upper().replace(" ", space or " "))
    assume(space != "" or " " not in name)
    assert key(written) == name
    assert key(unicodedata.normalize("NFD", written)) == name
