"""A class as schools write it: one key for all its spellings, and none where it may be two classes."""

from __future__ import annotations

import pytest
from example import Sent
from hypothesis import given
from hypothesis import strategies as st
from spelling import MANY, note, of

from transforms.cells.class_name import SchoolClass, class_name, school_class

LETTERS = st.sampled_from("АБВГДЕЖЗИК")
SPELLINGS = (
    "{grade}{letter}", "{grade} {letter}", "{grade}«{letter}»", '{grade} "{letter}"', "{grade}-{letter}",
    "{grade} {letter} класс", "класс {grade}{letter}", "{roman}{letter}", "{roman} {letter}", "{grade} ({letter})",
    " {grade}{letter}. ", "{grade}\u00a0{letter}", "{grade}–{letter}",
)  # fmt: skip
ROMAN = {6: "VI", 7: "VII", 8: "VIII", 9: "IX", 10: "X", 11: "XI"}


@MANY
@given(st.sampled_from(sorted(ROMAN)), LETTERS, st.sampled_from(SPELLINGS), st.booleans())
def test_every_spelling_is_one_class(grade: int, letter: str, spelling: str, small: bool) -> None:
    text = spelling.format(grade=grade, letter=letter.lower() if small else letter, roman=ROMAN[grade])
    assert school_class(text) == SchoolClass(grade, letter)


@pytest.mark.parametrize(
    ("text", "grade", "letter", "shown"),
    [
        ("7", 7, None, "7"), ("7 класс", 7, None, "7"), ("7-й", 7, None, "7"), ("XI", 11, None, "11"),
        ("7/1", 7, "1", "7-1"), ("7-2", 7, "2", "7-2"), ("10 кадетский", 10, "кадетский", "10 кадетский"),
        ("10 «Хим-био»", 10, "хим-био", "10 хим-био"), ("8ФМ", 8, "ФМ", "8ФМ"), ("7 IT", 7, "IT", "7IT"),
        ("7Ё", 7, "Е", "7Е"), ("7-е", 7, "Е", "7Е"), ("7-й А", 7, "А", "7А"),
    ],
)  # fmt: skip
def test_a_class_and_how_it_is_shown(text: str, grade: int, letter: str | None, shown: str) -> None:
    assert school_class(text) == SchoolClass(grade, letter)
    assert class_name(grade, letter) == shown


@pytest.mark.parametrize(("text", "letter"), [("7A", "А"), ("7B", "В"), ("7K", "К"), ("7а (инженерный)", "А")])
def test_what_is_changed_is_told(text: str, letter: str) -> None:
    assert school_class(text) == SchoolClass(7, letter, is_changed=True)


@pytest.mark.parametrize(
    "text",
    [
        "6-7",
        "7-8",
        "10-11",
        "7А и 7Б",
        "7А, Б",
        "7А-7В",
        "6,7",
        "12А",
        "0А",
        "71",
        "7 8",
        "7№1",
        "",
        "А",
        "7А8Б",
        "Химия",
        "Хор",
        "История",
    ],
)
def test_what_may_be_two_classes_is_none(text: str) -> None:
    assert school_class(text) is None


@pytest.mark.parametrize(
    ("text", "letter"),
    [
        ("А", "А"), ("«а»", "А"), (" б. ", "Б"), ("A", "А"), ("кадетский", "кадетский"), ("КАДЕТСКИЙ", "кадетский"),
        ("1", "1"), ("7Б", "Б"), ("—", None), ("", None), ("нет", None), ("без буквы", None),
        ("А, Б", "?"), ("А-В", "?"), ("А и Б", "?"), ("А/Б", "?"),
    ],
)  # fmt: skip
def test_a_letter_in_a_cell_of_its_own(text: str, letter: str | None) -> None:
    assert of("letter", text) == letter


def test_latin_letters_are_noted() -> None:
    assert note("letter", "A") == ("COM-114", "А")
    assert note("letter", "А") is None


def read(**cells: object) -> list[tuple[object, object]]:
    reading = Sent("level_choice", cells, most=1).read()  # type: ignore[arg-type]
    return list(reading.facts.select("grade", "letter").iter_rows())


def test_the_letter_may_stand_beside_the_grade_or_apart() -> None:
    assert read(grade="7А", letter=None) == read(grade=7, letter="а") == read(grade="VII", letter="«А»") == [(7, "А")]
    assert read(grade="7А", letter="А") == read(grade=7, letter="7А") == [(7, "А")]
    assert read(grade=7, letter=None) == [(7, None)]


def test_two_letters_of_one_class_contradict_each_other() -> None:
    reading = Sent("level_choice", {"grade": "7Б", "letter": "А"}).read()
    (found,) = reading.findings.to_dicts()
    assert (found["rule"], found["column"], found["value"], found["expected"]) == ("COM-113", "letter", "А", "Б")


def test_two_classes_without_a_letter_are_one() -> None:
    more = {"school_code": "700001", "grade": 9, "letter": None, "level": "базовый", "pupils": 4, "pupils_planned": 4}
    reading = Sent("level_choice", more=(more, more)).read()
    assert reading.findings["rule"].to_list().count("COM-050") == 2
    assert reading.rows.quarantined == 2


def test_grades_that_learn_together_are_asked_for_apart() -> None:
    (found,) = Sent("level_choice", {"grade": "6-7", "letter": None}).read().findings.to_dicts()
    assert (found["rule"], found["column"]) == ("COM-113", "grade")
    assert found["expected"].startswith("один класс")
