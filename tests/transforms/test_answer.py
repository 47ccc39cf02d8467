"""Answers, choices and grades in the words of many offices."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from spelling import COLUMNS, FEW, LEVEL, of, one

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
        ("6А, 7Б", "?"), ("06.ноя", "?"), ("2023-11-06", "?"), ("6.11", "?"), ("по 11", "?"), ("все", "?"), ("6+", "?"),
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
