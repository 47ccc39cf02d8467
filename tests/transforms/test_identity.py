"""Namesakes: who is one pupil where a birth date is missing."""

from __future__ import annotations

import polars as pl
import pytest
from example import PUPIL, Cells, Sent
from hypothesis import given
from hypothesis import strategies as st
from spelling import FEW

OTHER_SCHOOL: Cells = {"municipality": "Город Томск", "school_name": "МАОУ гимназия № 1"}
UNDATED: Cells = {**PUPIL, "birth_date": None}


def counted(*rows: Cells) -> tuple[int, list[str]]:
    """Pupils that count, and the rules that have something to say."""
    first, *more = rows
    reading = Sent("registration_export", first, more=more).read()
    return int(reading.facts["actual_pupils"].sum()), reading.findings["rule"].to_list()


@pytest.mark.parametrize(
    "other", [OTHER_SCHOOL, {"grade": 8}, {"grade_letter": "Б"}], ids=["school", "grade", "letter"]
)
def test_namesakes_without_birth_dates_are_several_pupils_and_a_doubt(other: Cells) -> None:
    assert counted(UNDATED, {**UNDATED, **other}) == (2, ["REX-007"])


def test_a_row_without_birth_date_twice_in_one_class_is_one_pupil() -> None:
    assert counted(UNDATED, {**UNDATED, "full_name": "тестов  иван образцович"}) == (1, ["REX-005"])


def test_namesakes_of_whom_one_has_a_birth_date_are_a_doubt() -> None:
    assert counted(PUPIL, UNDATED) == (2, ["REX-007"])


@pytest.mark.parametrize("day", ["01.01.1900", "01.01.1970"])
def test_a_date_that_stands_for_none_tells_nobody_apart(day: str) -> None:
    number, rules = counted({**PUPIL, "birth_date": day}, {**PUPIL, "birth_date": day, **OTHER_SCHOOL})
    assert (number, "REX-007" in rules) == (2, True)


def test_a_pupil_with_a_birth_date_is_the_same_in_another_school() -> None:
    assert counted(PUPIL, {**PUPIL, **OTHER_SCHOOL}) == (1, ["REX-005"])


def test_the_doubt_counts_names_and_pupils_and_names_nobody() -> None:
    third = {**UNDATED, "full_name": "Пробов Пётр Тестович"}
    reading = Sent(
        "registration_export",
        UNDATED,
        more=[{**UNDATED, "grade": 8}, {**UNDATED, "grade": 9}, third, {**third, **OTHER_SCHOOL}],
    ).read()
    (doubt,) = reading.findings.filter(pl.col("rule") == "REX-007").to_dicts()
    assert "Таких ФИО: 2, обучающихся с ними: 5." in doubt["message"]
    assert doubt["difference"] == 3
    assert not any("Тестов" in str(value) or "Пробов" in str(value) for value in doubt.values())


def test_without_a_register_the_school_is_told_by_its_name() -> None:
    reading = Sent("registration_export", UNDATED, more=[{**UNDATED, **OTHER_SCHOOL}], register=None).read()
    assert reading.findings["rule"].to_list() == ["COM-024", "REX-007"]


@FEW
@given(
    st.lists(st.tuples(st.sampled_from("АБВ"), st.sampled_from([None, "12.03.2010", "13.03.2010"]), st.integers(6, 8)))
)
def test_pupils_are_as_many_as_their_identities(told: list[tuple[str, str | None, int]]) -> None:
    """A birth date tells pupils apart in every grade; without one the grade has to."""
    rows = [{**PUPIL, "full_name": f"Тестов {name}", "birth_date": born, "grade": grade} for name, born, grade in told]
    expected = {(name, born) if born else (name, born, grade) for name, born, grade in told}
    if rows:
        assert counted(*rows)[0] == len(expected)
