"""The contracts do not contradict themselves: a heading means one column, a word one code, a rule one thing."""

from __future__ import annotations

import datetime as dt
import itertools
from collections import Counter

import polars as pl
import pytest

from contracts.form import Edition, Form
from contracts.forms import FORMS, RULES, form_named
from contracts.rules import COMMON
from contracts.vocabulary import academic_year, campaign_at, norm_totals, norms, reporting_units, rows, words
from transforms.cells.key import headings, key, unit_aliases
from transforms.rows.contract import contract

EDITIONS = [(form, edition) for form in FORMS for edition in form.editions]
NAMES = [f"{form.name}-{edition.name}" for form, edition in EDITIONS]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_heading_means_one_column(form: Form) -> None:
    assert {heading: columns for heading, columns in headings(form).items() if len(columns) > 1} == {}
    assert all(heading for heading in headings(form))


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.name)
def test_a_form_is_whole(form: Form) -> None:
    assert form_named(form.name) is form
    starts = [edition.valid_from for edition in form.editions]
    assert starts == sorted(set(starts))
    assert form.edition_at(dt.date(1999, 1, 1)) is form.editions[0]
    assert form.edition_at(None) is form.edition_at(dt.date(2099, 1, 1)) is form.editions[-1]
    for edition in form.editions:
        names = [column.name for column in edition.columns]
        assert len(names) == len(set(names))
        assert set(form.recognised_by) <= {column.name for column in edition.required}
        assert {control.stated for control in (*form.controls, *form.row_controls)} <= set(names)


@pytest.mark.parametrize(("form", "edition"), EDITIONS, ids=NAMES)
def test_columns_are_described(form: Form, edition: Edition) -> None:
    for column in edition.columns:
        assert column.description.endswith("."), column.name
        assert column.title, column.name
        assert (column.vocabulary is not None) == (column.kind in ("choice", "yes_no")), column.name
        if column.vocabulary:
            assert words(column.vocabulary)
        assert not (column.personal and column.fact), column.name


@pytest.mark.parametrize(("form", "edition"), EDITIONS, ids=NAMES)
def test_measures_of_pupils_look_at_state_and_counters(form: Form, edition: Edition) -> None:
    if form.pupils is None:
        return
    looked_at = {name for measure in form.pupils.measures.values() for name in measure.per_pupil.meta.root_names()}
    assert looked_at == {"state", *form.pupils.counters}
    for name in form.pupils.counters:
        column = edition.column(name)
        assert (column.kind, column.personal, column.fact) == ("count", False, False)
        assert column.maximum is not None and column.maximum <= pl.select(pl.Int16.max()).item()


@pytest.mark.parametrize(("form", "edition"), EDITIONS, ids=NAMES)
def test_rules_point_at_columns(form: Form, edition: Edition) -> None:
    names = {column.name for column in edition.columns}
    ids = {rule.id for rule in edition.rules}
    assert {rule.column for rule in edition.rules if rule.column} <= names
    assert {control.rule for control in (*form.controls, *form.row_controls)} <= ids
    asked = contract(form, edition, with_register=True).judgements.values()
    assert {each.column for each in asked} <= names


def test_an_id_is_one_rule() -> None:
    ids = [rule.id for rule in COMMON] + [rule.id for form in FORMS for rule in form.rules]
    assert [each for each, count in Counter(ids).items() if count > 1] == []
    assert len(ids) == len(RULES)


def test_no_form_is_mistaken_for_another() -> None:
    for one, other in itertools.permutations(FORMS, 2):
        columns = {column.name for column in one.editions[-1].columns}
        if set(other.recognised_by) <= columns:
            assert len(one.recognised_by) > len(other.recognised_by), (one.name, other.name)


def test_levels_demand_the_hours_of_the_source() -> None:
    assert norm_totals() == {"basic": 40, "main": 60, "advanced": 80}
    assert norms("extracurricular_rmg") == {"basic": 34, "main": 34, "advanced": 34}
    assert norms("vocational_training") == {"basic": None, "main": None, "advanced": 10}


@pytest.mark.parametrize("vocabulary", ["answers", "levels", "positions", "verification", "weekdays"])
def test_a_word_means_one_code(vocabulary: str) -> None:
    meant = {(key(row["word"]) or row["word"], row["code"]) for row in rows(vocabulary)}
    assert [word for word, count in Counter(word for word, _ in meant).items() if count > 1] == []


def test_a_name_means_one_reporting_unit() -> None:
    units = {row["reporting_unit"] for row in rows("reporting_units")}
    meant = {(key(row["alias"]), row["reporting_unit"]) for row in rows("reporting_unit_aliases")}
    meant |= {(key(row["name"]), row["reporting_unit"]) for row in rows("reporting_units")}
    assert {unit for _, unit in meant} == units
    assert len(meant) == len(unit_aliases("69"))
    assert unit_aliases("69")[key("Бак" + "char" + "ский муниципальный район")] == "bakcharsky"
    assert all(row["why"] for row in rows("reporting_unit_aliases"))
    assert {row["sender"] for row in rows("senders")} == units | {"department", "regional_operator"}


def test_kedrovy_changed_its_code_and_stayed_itself() -> None:
    before, after = (reporting_units(day) for day in (dt.date(2024, 12, 31), dt.date(2025, 1, 1)))
    assert len(before) == len(after) == 21
    changed = before.join(after, on="reporting_unit", suffix="_after").filter(pl.col("oktmo") != pl.col("oktmo_after"))
    assert changed.select("reporting_unit", "oktmo", "oktmo_after").rows() == [("kedrovy", "69707000", "69507000")]


@pytest.mark.parametrize(
    ("day", "running"),
    [("2023-07-31", None), ("2023-08-01", "readiness-2023"), ("2023-09-08", "readiness-2023"),
     ("2024-05-31", "readiness-2023"), ("2024-08-31", None)],
)  # fmt: skip
def test_the_campaign_of_a_day(day: str, running: str | None) -> None:
    found = campaign_at("readiness_report", dt.date.fromisoformat(day), "69")
    assert (found["campaign"] if found else None) == running


def test_the_academic_year_begins_in_september() -> None:
    assert [academic_year(dt.date(2023, month, 1)) for month in (1, 8, 9, 12)] == [2022, 2022, 2023, 2023]
