"""Answers, choices and grades in the words of many offices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spelling import COLUMNS, FEW, LEVEL, note, of, one

from contracts.form import Column
from contracts.vocabulary import words

ANSWER = COLUMNS["yes_no"]


@pytest.mark.parametrize("column", [LEVEL, ANSWER, COLUMNS["choice"]], ids=lambda column: column.vocabulary)
def test_words_of_a_vocabulary_in_any_dress(column: Column) -> None:
    for word, code in words(column.vocabulary or "").items():
        if column is ANSWER and word == "-":
            continue
        value = {"yes": True, "no": False}.get(code, code)
        for text in (word, word.upper(), f"  {word} ", word.replace(" ", "\u00a0"), f"«{word}»"):
            assert one(text, column) == value, text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Да.", True), ("да, внесено", True), ("Да (внесено)", True), ("имеется; да", True), ("нет, не внесено", False),
        ("ИСТИНА", True), ("✓", True), ("1.0", True), ("0", False), ("нету", False), ("Нет", False),
        ("да/нет", ["да", "нет"]), ("ДА / НЕТ", ["да", "нет"]), ("да или нет", ["да", "нет"]),
        ("+/-", ["да", "нет"]), ("да (нет)", ["да", "нет"]), ("-", ["нет", "пустая ячейка"]),
        ("—", ["нет", "пустая ячейка"]), ("нет данных", None), ("н/д", None),
        ("да и нет", "?"), ("частично", "?"), ("да, но позже", "?"), ("х", "?"), ("…", "?"), ("#ЗНАЧ!", "?"),
    ],
)  # fmt: skip
def test_answers(text: str, value: object) -> None:
    assert of("yes_no", text) == value


@FEW
@given(st.integers(1, 11), st.integers(1, 11))
def test_a_range_of_grades(a: int, b: int) -> None:
    low, high = min(a, b), max(a, b)
    for spelling in (
        "{}-{}", "{}–{}", "{} — {}", "{}÷{}", "{}…{}", "с {} по {} классы", "{}-{} кл.", "{}-{}кл", "от {} до {}",
        "{}-х – {}-х классов", "классы {}–{}",
    ):  # fmt: skip
        assert of("grades", spelling.format(low, high)) == f"{low}-{high}", spelling
    assert of("grades", f"{a} класс") == f"{a}-{a}"


@FEW
@given(st.sets(st.integers(1, 11), min_size=1), st.sampled_from([", ", ",", "; ", " "]))
def test_a_list_of_grades_has_one_meaning_without_a_gap(several: set[int], between: str) -> None:
    said = of("grades", between.join(map(str, sorted(several))))
    low, high = min(several), max(several)
    if len(several) == high - low + 1:
        assert said == f"{low}-{high}"
    else:
        assert said == [f"{low}–{high}", ", ".join(map(str, sorted(several)))]


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("6, 7, 8 и 9", "6-9"), ("6-9 и 10-11", "6-11"), ("VI–XI", "6-11"), ("VI–ХI кл.", "6-11"),
        ("с VI по XI", "6-11"),
        ("6–9, 11", ["6–11", "6–9, 11"]), ("6 и 11 классы", ["6–11", "6, 11"]), ("–", None),
        ("6А, 7Б", "?"), ("06.ноя", "6-11"), ("2023-11-06", "6-11"),
        ("6.11", "?"), ("по 11", "?"), ("все", "?"), ("6+", "?"),
    ],
)  # fmt: skip
def test_grades(text: str, value: object) -> None:
    assert of("grades", text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("7", 7), ("7 класс", 7), ("7 кл.", 7), ("7А", 7), ("7 «А»", 7), ("11 а класс", 11), ("7-й", 7), ("7-А", 7),
        ("VII", 7), ("ХI", 11), ("7.0", 7), ("11)", ["11", "1"]), ("7А, 8Б", "?"), ("6-11", "?"), ("7-", "?"),
        ("выпускной", "?"), ("-", None),
    ],
)  # fmt: skip
def test_the_grade_of_a_pupil(text: str, value: object) -> None:
    assert of("grade", text) == value


STATUS = Column("verification", "Статус", "choice", "", vocabulary="verification")


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Верифицирован педагогом", "verified"), ("Верифицирована (школой)", "verified"),
        ("Подтвержден(а) 05.09", "verified"), ("ВЕРИФИЦИРОВАН: 05.09.2023 12:30", "verified"),
        ("Верифицирован - да", "verified"), ("Да, педагогом", "verified"),
        ("Не верифицирован педагогом", "unverified"), ("не  верифицирован(а) школой", "unverified"),
        ("На проверке у педагога", "unverified"), ("Нет, отказ", "?"),
        ("Верифицирован не полностью", "?"), ("Верифицирован: нет", "?"), ("Верифицирован?", "?"),
        ("Верифицирован, ожидает подтверждения", "?"), ("Верифицирован до 01.09", "?"), ("Был верифицирован", "?"),
        ("Верифицирован/не верифицирован", "?"), ("Верификация отменена", "?"), ("Подтверждён частично", "?"),
        ("верифицированный", "?"), ("педагог верифицирован", "?"), ("Верифицирован ✗", "?"), ("Верифицирован Х", "?"),
        ("верифицирован 0", "?"), ("Верифицирован: неверно", "?"), ("верифицирован, в процессе", "?"),
        ("верифицирован, выбыл", "?"), ("верифицирован 10", "verified"), ("Верифицирован Ч.", "verified"),
    ],
)  # fmt: skip
def test_a_status_with_a_tail(text: str, code: str) -> None:
    assert one(text, STATUS) == code


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("Базовый уровень (40 часов)", "basic"), ("базовый, 40 ч", "basic"), ("Основной уровень Профминимума", "main"),
        ("базовый и основной", "?"), ("базовый с элементами основного", "?"), ("базовый или выше", "?"),
        ("базовый со второго полугодия", "?"), ("базовыйосновной", "?"), ("уровень базовый", "?"),
    ],
)  # fmt: skip
def test_a_level_with_a_tail(text: str, code: str) -> None:
    assert one(text, LEVEL) == code


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("Да, приказ № 5", True), ("да (четверг, 7 урок)", True), ("Нет; готовим", False), ("да. 1 раз в неделю", True),
        ("нет замечаний", "?"), ("да нет", "?"), ("да, не внесено", ["да", "нет"]), ("нет, внесено позже", "?"),
        ("1 раз", "?"), ("да при наличии педагога", "?"), ("да, если утвердят", "?"),
    ],
)  # fmt: skip
def test_an_answer_with_a_tail(text: str, value: object) -> None:
    assert of("yes_no", text) == value


def test_what_was_left_out_is_said() -> None:
    assert note("yes_no", "Да, приказ № 5") == ("COM-107", "да")
    assert note("yes_no", "да, внесено") is None


@FEW
@given(st.sampled_from(sorted(words("verification"))), st.sampled_from(["педагогом", "школой", "05.09", "(ОО)", "№ 7"]))
def test_a_tail_never_turns_a_word_round(word: str, tail: str) -> None:
    assert one(f"{word} {tail}", STATUS) in (words("verification")[word], "?")
    assert one(f"не {word} {tail}", STATUS) in ("unverified", "?")
    assert one(f"{word} {tail}, но не подтверждено", STATUS) == "?"
