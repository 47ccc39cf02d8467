"""Numbers in the habits of many offices: read as meant, or refused with every meaning."""

from __future__ import annotations

import polars as pl
import pytest
from example import Sent
from hypothesis import assume, given
from hypothesis import strategies as st
from spelling import FEW, MANY, SPACES, note, of

from contracts.form import Kind
from transforms.cells.number import percent_precision

COUNTS = st.integers(-10_000, 10_000_000)
HOURS = st.integers(0, 4000).map(lambda tenths: tenths / 10)
SEPARATORS = ("", " ", "\u00a0", "\u2007", "\u2009", "\u202f", "'", "’", ".", ",")
DRESS = ("{}", "({})", "{}*", "{} 2)", "{}2)", "{}²", "{} чел.", "{},0", "{}.00", "{},000")


def grouped(number: int, separator: str) -> str:
    return f"{number:,}".replace(",", separator)


@MANY
@given(COUNTS, st.sampled_from(SEPARATORS), st.sampled_from(DRESS), SPACES)
def test_a_number_in_any_habit_is_itself_or_among_the_meanings(
    number: int, separator: str, dress: str, space: str
) -> None:
    assume(not separator or separator not in dress)
    assume(number >= 0 or dress != "({})")
    assume(dress != "{}2)" or not separator or (separator in ".," and abs(number) < 1_000_000))
    said = of("count", space + dress.format(grouped(number, separator)) + space)
    assert str(number) in said if isinstance(said, list) else said == number


@FEW
@given(COUNTS, st.sampled_from(["", " ", "\u00a0", "\u2009", "\u202f", "’"]), SPACES)
def test_what_has_one_meaning_is_no_doubt(number: int, separator: str, space: str) -> None:
    for dress in ("{}", "{} чел.", "{} шт", "{} человек", "{},0", "{}.00"):
        assert of("count", space + dress.format(grouped(number, separator))) == number
    assert of("count", str(number).replace("-", "−")) == number


@FEW
@given(st.integers(1, 999), st.integers(0, 999), st.sampled_from(".,"))
def test_three_digits_after_one_separator_are_thousands_or_decimals(whole: int, part: int, separator: str) -> None:
    decimals = f"{whole},{part:03}".rstrip("0").rstrip(",")
    assert of("count", f"{whole}{separator}{part:03}") == [f"{whole}{part:03}", decimals]
    assert of("hours", f"{whole}{separator}{part:03}") == pytest.approx(whole + part / 1000)


@FEW
@given(HOURS, SPACES, st.sampled_from(["{}", "{} ч", "{} ч.", "{} часов", "{} ак. ч.", "{} академических часов"]))
def test_hours(hours: float, before: str, spelling: str) -> None:
    assert of("hours", before + spelling.format(hours)) == hours
    assert of("hours", before + spelling.format(str(hours).replace(".", ","))) == hours


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("1 031", 1031), ("1’031", 1031), ("1'031", 1031), ("1.031.000", 1_031_000), ("1,031,000", 1_031_000),
        ("1 031,00", 1031), ("1.031,00", 1031), ("1,031.0", 1031), ("12,0", 12), ("5.0", 5), ("1234,000", 1234),
        ("0,000", 0), ("１２", 12), ("٣", 3), ("－5", -5), ("- 5", -5), ("+5", 5), ("0012", 12), ("12чел", 12),
        ("12 обучающихся", 12), ("\u200b12", 12),
    ],
)  # fmt: skip
def test_clear_counts(text: str, number: int) -> None:
    assert of("count", text) == number


@pytest.mark.parametrize(
    ("kind", "text", "meanings"),
    [
        ("count", "1.031", ["1031", "1,031"]), ("count", "1,031", ["1031", "1,031"]), ("count", "3,000", ["3000", "3"]),
        ("count", "20223)", ["20223", "2022"]), ("count", "105,252)", ["105252", "105,252", "105,25"]),
        ("count", "(12)", ["-12", "12"]), ("count", "нет", ["0", "пустая ячейка"]),
        ("count", "Отсутствует", ["0", "пустая ячейка"]), ("hours", "НЕТ", ["0", "пустая ячейка"]),
        ("hours", "105,252)", ["105,252", "105,25"]), ("hours", "(34)", ["-34", "34"]),
        ("percent", "1", ["1%", "100%"]), ("percent", "1,5", ["1,5%", "150%"]), ("percent", "2", ["2%", "200%"]),
        ("percent", "105,252)", ["105,252%", "105,25%"]), ("percent", "нет", ["0%", "пустая ячейка"]),
    ],
)  # fmt: skip
def test_two_meanings_are_both_shown_and_none_is_read(kind: Kind, text: str, meanings: list[str]) -> None:
    assert of(kind, text) == meanings


@pytest.mark.parametrize(
    ("kind", "text", "number", "read"),
    [
        ("count", "1.0 8)", 1, "1"), ("count", "12*", 12, "12"), ("count", "12 **", 12, "12"),
        ("count", "12¹", 12, "12"), ("count", "2022 ³⁾", 2022, "2022"), ("count", "12 чел.*", 12, "12"),
        ("count", "5 [1]", 5, "5"),
        ("count", "1 031 2)", 1031, "1031"), ("hours", "34,5²", 34.5, "34,5"), ("percent", "33,77%*", 0.3377, "33,77%"),
    ],
)  # fmt: skip
def test_a_mark_that_is_no_part_of_the_number_is_noted(kind: Kind, text: str, number: float, read: str) -> None:
    assert of(kind, text) == number
    assert note(kind, text) == ("COM-045", read)


@pytest.mark.parametrize(
    "text",
    [
        "более 5", ">5", "около 5", "5?", "5-6", "5–6", "10/12", "5,5", "1 2", "12 34", "1 0311", "1.03.000", "1'03",
        "17 чел., из них 3", "12 (3)", "5)", "1e3", "12-ть", "двенадцать", "ноль", "12 тыс.", "½", "2½", "*", "12.",
        "5 [один]", "#REF!", "9" * 40,
    ],
)  # fmt: skip
def test_what_is_no_count(text: str) -> None:
    assert of("count", text) == "?"


@pytest.mark.parametrize("kind", ["count", "amount", "hours", "percent"])
@pytest.mark.parametrize("text", ["-", "–", "—", "--", "…", "...", "х", "X", "×", "н/д", "Н/Д", "нет данных", "n/a"])
def test_words_and_marks_of_a_blank_cell(kind: Kind, text: str) -> None:
    assert of(kind, text) is None


@FEW
@given(st.integers(0, 20_000), st.sampled_from(["{}%", "{} %", " {}%", "{}\u00a0%", "{} проц."]))
def test_percents(hundredths: int, spelling: str) -> None:
    stated = f"{hundredths / 100:.2f}"
    for text in (stated, stated.replace(".", ",")):
        assert of("percent", spelling.format(text)) == hundredths / 10_000


@MANY
@given(st.integers(-300_000, 300_000), st.sampled_from(".,"))
def test_a_bare_percent_is_a_fraction_or_percents_or_a_doubt(ten_thousandths: int, separator: str) -> None:
    number = ten_thousandths / 10_000
    said = of("percent", str(number).replace(".", separator))
    if 1 <= abs(number) <= 2:
        assert isinstance(said, list)
        assert len(said) == 2
    else:
        assert said == pytest.approx(number if abs(number) < 1 else number / 100)


@pytest.mark.parametrize(
    ("text", "printed", "half_unit"),
    [
        ("41%", 0, 0.005), ("33,77%", 2, 0.00005), ("33.77", 2, 0.00005), ("41", 0, 0.005), ("33,77 %*", 2, 0.00005),
        ("0,41", None, 0.005), ("0.3377", None, 0.00005), ("0,5", None, 0.005), (",5", None, 0.005),
        ("100,0", 1, 0.0005),
    ],
)  # fmt: skip
def test_precision_of_a_percent(text: str, printed: int | None, half_unit: float) -> None:
    decimals, halves = percent_precision(pl.Series([text]))
    assert decimals[0] == printed
    assert halves[0] == pytest.approx(half_unit)


@pytest.mark.parametrize(("written", "hours"), [("90 мин", 2), ("45 минут", 1), ("135мин.", 3), ("60 мин", None)])
def test_minutes_are_academic_hours_where_they_are_whole_ones(written: str, hours: int | None) -> None:
    reading = Sent("parent_meetings", {"hours": written}).read()
    (told,) = reading.findings.filter(column="hours").to_dicts()
    if hours is None:
        assert (told["rule"], told["severity"]) == ("COM-031", "error")
        assert told["expected"] == "число академических часов; час — 45 минут"
    else:
        assert reading.facts["hours"].to_list()[0] == hours
        assert (told["rule"], told["severity"], told["expected"]) == ("COM-116", "note", f"{hours} ак. ч")


def test_minutes_are_no_hours_where_the_unit_is_another() -> None:
    assert Sent("admissions", {"average_mark": "45 мин"}).read().findings.filter(rule="COM-116").is_empty()


def test_minutes_are_shown_in_a_form_that_shows_no_texts() -> None:
    (told,) = Sent("lesson_journal", {"hours": "45 мин"}).read().findings.filter(rule="COM-116").to_dicts()
    assert (told["value"], told["expected"]) == ("45 мин", "1 ак. ч")
