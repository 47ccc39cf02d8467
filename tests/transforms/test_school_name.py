"""Schools by their names: short and full, spelt otherwise, misspelt, and those that an unknown name may mean."""

from __future__ import annotations

import polars as pl
import pytest
from example import PUPIL, SCHOOLS, Sent
from hypothesis import given
from hypothesis import strategies as st
from spelling import FEW

from contracts.reading import Reading
from contracts.vocabulary import rows
from transforms.cells.school_name import likeness, school_key
from transforms.tables.resolve import Register

FULL = "Муниципальное бюджетное общеобразовательное учреждение «Тестовая средняя общеобразовательная школа»"
KNOWN = SCHOOLS.with_columns(
    full_name=pl.Series([FULL, None, "Муниципальное казённое учреждение «Школа-сад»", None], dtype=pl.String)
)


def read(code: str | None, name: str | None, register: pl.DataFrame = KNOWN) -> Reading:
    return Sent("readiness_report", {"school_code": code, "school_name": name}, register=register).read()


@pytest.mark.parametrize("name", [
    FULL, FULL.upper(), FULL.replace("«", '"').replace("»", '"'), "МБОУ «Тестовая СОШ»", "МБОУ Тестовая  сош",
    f"{FULL} (МБОУ «Тестовая СОШ»)", f"МБОУ «Тестовая СОШ»\n({FULL})",
])  # fmt: skip
def test_a_school_is_found_by_its_full_name_and_its_short_one(name: str) -> None:
    reading = read(None, name)
    assert reading.facts["school_id"].to_list() == [1]
    assert set(reading.findings["rule"]) <= {"COM-022"}


def test_the_full_name_is_found_through_the_abbreviated_form_without_the_registers_column() -> None:
    name = "Муниципальное бюджетное общеобразовательное учреждение «Тестовая СОШ»"
    assert read(None, name, SCHOOLS).facts["school_id"].to_list() == [1]


def test_the_registers_own_full_name_needs_no_note() -> None:
    assert read(None, FULL).findings.is_empty()


def test_a_full_name_of_several_schools_is_ambiguous() -> None:
    same = KNOWN.with_columns(
        full_name=pl.lit(FULL), subordination=pl.lit("tomsk_city"), territory=pl.lit("tomsk_city")
    )
    assert read(None, "Тестовая", same).findings["rule"].to_list() != []
    assert "COM-052" in read(None, FULL, same.with_columns(short_name=pl.lit("Школа"))).findings["rule"].to_list()


@pytest.mark.parametrize("beside", ["филиал в с. Речное", "МАОУ гимназия № 1", "Чаинский район"])
def test_what_is_no_name_of_the_same_school_in_brackets_tells_two_apart(beside: str) -> None:
    assert "COM-038" in read(None, f"МБОУ «Тестовая СОШ» ({beside})").findings["rule"].to_list()


def test_pupils_are_found_by_full_names_too() -> None:
    reading = Sent("registration_export", {**PUPIL, "school_name": FULL}, register=KNOWN).read()
    assert (reading.verdict, reading.facts["school_id"].to_list()) == ("accepted", [1])


def test_number_signs_are_one() -> None:
    assert (
        len(
            {school_key(f"МАОУ гимназия {sign}1") for sign in ("№ ", "№", "N ", "N", "No ")}
            | {school_key("МАОУ гимназия№1")}
        )
        == 1
    )
    assert school_key("гимназия № 1") != school_key("гимназия № 11")


def test_an_unknown_school_has_candidates_with_a_score_and_is_not_loaded() -> None:
    reading = read(None, "МБОУ «Тестовоя СОШ»")
    (found,) = reading.findings.filter(pl.col("rule") == "COM-038").to_dicts()
    assert "МБОУ «Тестовая СОШ», код 700001 (сходство" in found["expected"]
    assert reading.rows.loaded == 0


def test_a_name_like_no_other_has_no_candidate() -> None:
    found = read(None, "МБОУ «Лицей Созвездие»").findings.filter(pl.col("rule") == "COM-038")
    assert found["expected"].to_list() == ["школа из реестра"]


@pytest.mark.parametrize(
    ("name", "rule"),
    [
        ("МБОУ «Тестовоя СОШ»", "COM-105"),
        ("школа", "COM-105"),
        ("МБОУ «Тестовая С0Ш»", "COM-105"),
        ("МБОУ «Тестовая СОШ» Чаинского района", "COM-105"),
        ("МБОУ «Тестовая СОШ№2»", "COM-053"),
        ("МАОУ гимназия № 1", "COM-053"),
        ("МАОУ гимназия № 2", "COM-053"),
        ("Лицей Созвездие", "COM-053"),
    ],
)
def test_a_right_code_forgives_a_misspelling_but_no_other_school(name: str, rule: str) -> None:
    reading = read("700001", name)
    assert rule in reading.findings["rule"].to_list()
    assert reading.rows.loaded == (rule == "COM-105")


def test_a_code_that_nobody_has_is_said_as_such() -> None:
    found = read("799999", "МБОУ «Тестовая СОШ»").findings.select("rule", "column", "expected").rows()
    assert found == [("COM-106", "school_code", "код 700001")]


@FEW
@given(st.sampled_from(SCHOOLS["short_name"].to_list()), st.sampled_from(rows("school_forms")))
def test_a_name_is_like_itself_however_its_form_is_written(name: str, form: dict[str, str]) -> None:
    assert school_key(name.replace(form["short"], form["full"])) == school_key(name) or form["short"] in "ОШСШ"
    assert likeness(name, name) == 100


@FEW
@given(st.text(max_size=60))
def test_any_text_has_an_answer(text: str) -> None:
    """Nothing that stands in the cell of a name raises, and nothing unknown is loaded."""
    match = Register(KNOWN).school(None, text, (None,))
    assert match.school is None or school_key(text) in {school_key(name) for name in KNOWN["short_name"]}
