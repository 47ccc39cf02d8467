"""The card of a school: what every mart of schools says of it, and «нет данных» where none says anything."""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import replace

import polars as pl
import sqlalchemy as sa
from hand_made import loaded, read, reading, report, school_ids, school_register

from contracts.vocabulary import rows
from warehouse.marts.definitions import views
from warehouse.marts.publication import publish

UNIT = "asinovsky"
DAY, SEEN = dt.date(2023, 9, 8), dt.date(2023, 11, 15)
STANDINGS = {"in_order", "attention", "undone", "not_due", "no_data"}
COUNTED = ("systems", "systems_known", "systems_in_order", "systems_wanting")
CARD = next(view for view in views() if view.name == "school_profile")
SYSTEMS = [column.removesuffix("_standing") for column in CARD.columns if column.endswith("_standing")]


def sent(engine: sa.Engine, form: str, facts: dict[str, list[object]], as_of: dt.date) -> None:
    schema = {"letter": pl.String, "valid_to": pl.Date, "hours": pl.Float64, "training_hours": pl.Float64}
    frame = pl.DataFrame(facts, schema_overrides={name: kind for name, kind in schema.items() if name in facts})
    loaded(engine, reading(form, UNIT, frame, as_of=as_of, slice=f"{form}/{UNIT}/2023"))


def test_what_is_not_there_is_no_data_and_every_figure_has_its_document(engine: sa.Engine) -> None:
    """Slow: publishes twice."""
    loaded(engine, school_register({UNIT: 2}))
    publish(engine, "69", [SEEN])
    blank, _ = read(engine, "school_profile", SEEN).to_dicts()
    assert {blank[f"{system}_standing"] for system in SYSTEMS} == {"no_data"}
    assert {blank[f"{system}_words"] for system in SYSTEMS} == {"нет данных"}
    assert blank["systems_wanting"] == 0, "what is not known is not bad"
    assert blank["by_older_rules"] is False, "documents that are not there were judged by no rules"

    ids = school_ids(engine)
    first, second = ids[f"{UNIT}-1"], ids[f"{UNIT}-2"]
    told = report(ids, UNIT, [1])
    facts = pl.DataFrame({"school_id": [first], "level": ["main"], "rmg_in_timetable": [True]})
    loaded(engine, replace(told, facts=facts))
    classes = {"school_id": [first] * 2, "grade": [8, 9], "letter": ["А", "А"], "level": ["main", "basic"],
               "pupils": [20, 10], "pupils_planned": [15, 10]}  # fmt: skip
    sent(engine, "level_choice", classes, dt.date(2023, 9, 10))
    lessons = {"school_id": [first], "grade": [8], "letter": ["А"], "weekday": ["thursday"], "lesson": [1],
               "subject": ["rmg"]}  # fmt: skip
    sent(engine, "timetable", lessons, dt.date(2023, 9, 11))
    hours = {"school_id": [first] * 2, "grade": [8, 9], "letter": ["А", "А"], "month": ["10", "10"],
             "hours": [8.0, 8.0], "direction": ["extracurricular_rmg"] * 2}  # fmt: skip
    sent(engine, "hours_delivered", hours, dt.date(2023, 10, 31))
    given = {"school_id": [first], "grade": [8], "letter": ["А"], "held_on": [dt.date(2023, 9, 7)], "hours": [1.0],
             "theme": ["Тема"], "present": [18], "absent": [2]}  # fmt: skip
    sent(engine, "lesson_journal", given, dt.date(2023, 11, 10))
    people = {"school_id": [first], "person_key": ["a"], "role": ["responsible"], "position": ["deputy"],
              "trained": [True], "training_hours": [36.0], "valid_to": [None]}  # fmt: skip
    sent(engine, "staff", people, dt.date(2023, 9, 12))
    met = {"school_id": [first], "held_on": [dt.date(2023, 9, 20)], "meeting": ["first"], "hours": [2.0],
           "parents_invited": [30], "parents_attended": [24]}  # fmt: skip
    sent(engine, "parent_meetings", met, dt.date(2023, 9, 30))
    event = {"school_id": [first], "held_on": [dt.date(2023, 10, 5)], "title": ["Проба"], "starts_at": ["10:00"],
             "host_inn": ["7000000000"], "grades": ["8-8"], "pupils": [20], "hours": [4.0]}  # fmt: skip
    sent(engine, "practice_events", event, dt.date(2023, 10, 30))
    publish(engine, "69", [SEEN])
    card, other = read(engine, "school_profile", SEEN).to_dicts()
    assert {system: card[f"{system}_standing"] for system in SYSTEMS} == {
        "levels": "in_order", "hours": "attention", "timetable": "attention", "lessons": "undone",
        "staffing": "attention", "meetings": "in_order", "practice": "attention", "agreements": "no_data",
        "profile": "no_data", "readiness": "in_order", "registration": "no_data",
    }  # fmt: skip
    assert {name: card[name] for name in COUNTED} == {
        "systems": 11, "systems_known": 8, "systems_in_order": 3, "systems_wanting": 5,
    }  # fmt: skip
    assert (card["lessons_held"], card["lessons_as_of"]) == (1, dt.date(2023, 11, 10))
    assert card["lessons_due"] > 1
    assert card["timetable_words"] == "занятие стоит не у всех классов"
    assert (card["classes_with_slot"], card["classes_6_11"], card["timetable_as_of"]) == (1, 2, dt.date(2023, 9, 11))
    assert (card["practice_hours"], card["practice_hours_norm"]) == (4, 12)
    assert card["practice_as_of"] == dt.date(2023, 10, 30)
    assert (card["parents_attended"], card["parents_invited"]) == (24, 30)
    assert (card["hours_given"], card["hours_as_of"]) == (16, dt.date(2023, 10, 31))
    assert card["readiness_as_of"] == DAY and card["agreements_as_of"] is None
    unnamed = {other[f"{system}_standing"] for system in ("levels", "hours", "timetable", "lessons", "staffing")}
    assert unnamed == {"no_data"}, "a list of classes or people that does not name the school says nothing of it"
    assert (other["meetings_standing"], other["practice_standing"]) == ("undone", "no_data")
    assert second and other["systems_known"] == 1


def test_every_standing_has_its_words() -> None:
    """Those that the card may yield of each system, from its SELECT, are those that the list has."""
    listed = {(row["system"], row["standing"]) for row in rows("system_standings")}
    assert {system for system, _ in listed} == set(SYSTEMS)
    assert {standing for _, standing in listed} == STANDINGS
    for system in SYSTEMS:
        assert (system, "no_data") in listed and (system, "in_order") in listed
    assert {row["word"] for row in rows("system_standings") if row["standing"] == "no_data"} == {"нет данных"}
    for name, case in re.findall(r"^(\w+) AS \(\n(.*?)^\)", CARD.select, re.DOTALL | re.MULTILINE):
        for part, ending in re.findall(r"CASE(.*?)END\s+AS (standing|agreed)", case, re.DOTALL):
            system = "agreements" if ending == "agreed" else {"school": "readiness"}.get(name, name)
            yielded = set(re.findall(r"(?:THEN|ELSE) '(\w+)'", part))
            assert yielded == {standing for of, standing in listed if of == system}, system
