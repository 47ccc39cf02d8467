"""The dimension of classes: told by lists of levels, of an academic year each, linked from year to year."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hand_made import loaded, reading, report, school_ids, school_register

from contracts.reading import Reading
from warehouse.deliveries.judging import judge_across, said_across
from warehouse.marts.published import classes

UNIT = "asinovsky"
SEPTEMBER, FEBRUARY, NEXT = dt.date(2023, 9, 5), dt.date(2024, 2, 1), dt.date(2024, 9, 5)
Class = tuple[int, str | None, str, int]


@pytest.fixture
def school(engine: sa.Engine) -> int:
    loaded(engine, school_register({UNIT: 1}))
    return school_ids(engine)[f"{UNIT}-1"]


def levels(school: int, as_of: dt.date, *classes: Class) -> Reading:
    """A list of the unit: grade, letter, level and pupils of each class."""
    grades, letters, chosen, pupils = zip(*classes, strict=True)
    columns = {"school_id": [school] * len(classes), "grade": grades, "letter": letters, "level": chosen,
               "pupils": pupils, "pupils_planned": pupils}  # fmt: skip
    facts = pl.DataFrame(columns, schema_overrides={"letter": pl.String})
    year = as_of.year if as_of.month > 8 else as_of.year - 1
    return reading("level_choice", UNIT, facts, as_of=as_of, slice=f"level_choice/{UNIT}/{year}")


def rows(engine: sa.Engine, query: str, **given: Any) -> list[tuple[Any, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(query), given)]


AT = """
SELECT c.academic_year, c.grade, c.letter, c.level, c.pupils, c.in_force
FROM ref.class_at('69', :day, 'infinity') c ORDER BY c.grade, c.letter
"""
VERSIONS = """
SELECT c.academic_year, c.grade, c.letter, c.level, c.valid_from, c.valid_to FROM ref.class c
ORDER BY c.academic_year, c.grade, c.letter, c.valid_from
"""


def test_a_class_that_is_merged_is_no_more_in_force(engine: sa.Engine, school: int) -> None:
    loaded(engine, levels(school, SEPTEMBER, (7, "А", "basic", 14), (7, "Б", "basic", 13), (9, None, "basic", 20)))
    loaded(engine, levels(school, FEBRUARY, (7, "А", "main", 27), (9, None, "basic", 20)))
    assert rows(engine, AT, day=SEPTEMBER) == [
        (2023, 7, "А", "basic", 14, True), (2023, 7, "Б", "basic", 13, True), (2023, 9, None, "basic", 20, True),
    ]  # fmt: skip
    assert rows(engine, AT, day=FEBRUARY) == [
        (2023, 7, "А", "main", 27, True), (2023, 7, "Б", "basic", 13, False), (2023, 9, None, "basic", 20, True),
    ]  # fmt: skip
    end = dt.date(2024, 9, 1)
    assert rows(engine, VERSIONS) == [
        (2023, 7, "А", "basic", SEPTEMBER, FEBRUARY), (2023, 7, "А", "main", FEBRUARY, end),
        (2023, 7, "Б", "basic", SEPTEMBER, FEBRUARY), (2023, 9, None, "basic", SEPTEMBER, end),
    ]  # fmt: skip


def test_templates_are_given_the_classes_of_the_newest_lists(engine: sa.Engine, school: int) -> None:
    with engine.connect() as connection:
        assert classes(connection, "69").is_empty()
    loaded(engine, levels(school, SEPTEMBER, (7, "А", "basic", 14), (7, "Б", "basic", 13), (9, None, "basic", 20)))
    loaded(engine, levels(school, FEBRUARY, (7, "А", "main", 27), (9, None, "basic", 20)))
    with engine.connect() as connection:
        kept = classes(connection, "69")
    code = f"{UNIT}-1"
    assert kept.rows() == [
        (2023, UNIT, code, f"Школа {code}", 7, "А"), (2023, UNIT, code, f"Школа {code}", 9, None)
    ]  # fmt: skip
    assert kept.columns == ["academic_year", "sender", "school_code", "school_name", "grade", "letter"]


def test_a_class_is_another_one_in_the_next_year(engine: sa.Engine, school: int) -> None:
    loaded(engine, levels(school, SEPTEMBER, (6, "А", "basic", 25), (9, None, "basic", 20)))
    loaded(engine, levels(school, NEXT, (6, "А", "main", 24), (7, "А", "main", 25), (10, None, "main", 15)))
    assert [row[:4] for row in rows(engine, AT, day=NEXT)] == [
        (2024, 6, "А", "main"), (2024, 7, "А", "main"), (2024, 10, None, "main"),
    ]  # fmt: skip
    promoted = "SELECT letter, from_academic_year, from_grade, to_academic_year, to_grade FROM ref.class_promotion"
    assert set(rows(engine, promoted)) == {
        ("А", 2023, 6, 2024, 7), (None, 2023, 9, 2024, 10), ("А", None, None, 2024, 6), ("А", None, None, 2023, 6),
        (None, None, None, 2023, 9), ("А", 2024, 6, None, None), ("А", 2024, 7, None, None),
        (None, 2024, 10, None, None),
    }  # fmt: skip


def test_a_name_that_the_same_date_corrects_was_no_class(engine: sa.Engine, school: int) -> None:
    loaded(engine, levels(school, SEPTEMBER, (7, "А", "basic", 14), (7, "Ж", "basic", 13)))
    loaded(engine, levels(school, SEPTEMBER, (7, "А", "basic", 14), (7, "Б", "basic", 13)))
    assert [row[2] for row in rows(engine, VERSIONS)] == ["А", "Б"]
    assert [row[2] for row in rows(engine, AT, day=SEPTEMBER) if row[-1]] == ["А", "Б"]


def test_levels_directions_and_norms_are_lists(engine: sa.Engine) -> None:
    assert rows(engine, 'SELECT level, name FROM ref.level ORDER BY "position"') == [
        ("basic", "Базовый"), ("main", "Основной"), ("advanced", "Продвинутый"),
    ]  # fmt: skip
    assert [row[0] for row in rows(engine, 'SELECT direction FROM ref.direction ORDER BY "position"')] == [
        "curricular", "extracurricular_rmg", "practice_module", "parent_engagement", "supplementary_education",
        "vocational_training",
    ]  # fmt: skip
    norms = "SELECT level, sum(hours)::integer FROM ref.level_norm_at('69', :day) GROUP BY level ORDER BY 2"
    assert rows(engine, norms, day=SEPTEMBER) == [("basic", 40), ("main", 60), ("advanced", 80)]


@pytest.mark.parametrize(("stated", "found"), [("basic", ["LVL-004"]), ("main", [])])
def test_the_level_of_a_report_is_not_that_of_its_classes(
    engine: sa.Engine, school: int, stated: str, found: list[str]
) -> None:
    facts = pl.DataFrame({"school_id": [school], "level": [stated]})
    loaded(engine, replace(report({f"{UNIT}-1": school}, UNIT, [1]), facts=facts))
    listed = loaded(engine, levels(school, SEPTEMBER, (7, "А", "basic", 14), (10, None, "main", 13)))
    judge_across(engine, "69")
    with engine.connect() as connection:
        said = said_across(connection, [listed.reading_id]).get(listed.reading_id, [])
    assert [finding.rule for finding in said] == found, "LVL-004 is said of the list of classes"
    for finding in said:
        assert finding.value == "основной — в файле «файл.xlsx» от 05.09.2023"
        assert finding.expected == "базовый — по файлу «файл.xlsx» от 08.09.2023"
