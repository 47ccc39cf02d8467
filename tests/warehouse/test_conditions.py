"""Every condition, with what it finds wrong and what it does not."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hand_made import (
    SEED,
    accepted,
    delivery,
    export,
    finding,
    loaded,
    reading,
    refused,
    report,
    school_ids,
    school_register,
)

from contracts.forms import RULES
from contracts.forms.folders import whole_table
from contracts.reading import CONTROL_TOTALS, Reading, findings_frame
from contracts.texts import incident_texts
from contracts.vocabulary import rows
from warehouse.deliveries.received import finish_run, start_run
from warehouse.incidents.condition import FOLDER, NOT_EVALUATED, conditions, find, rule_classes
from warehouse.marts.publication import publish
from warehouse.watch.ages import ages

NOON = dt.datetime(2023, 9, 8, 5, tzinfo=dt.UTC)
HOUR, DAY, MINUTE = dt.timedelta(hours=1), dt.timedelta(days=1), dt.timedelta(minutes=1)
Wrong = dict[tuple[str | None, str], dict[str, Any]]


def wrong(engine: sa.Engine, name: str, now: dt.datetime = NOON, nightly_hours: float = 25) -> Wrong:
    """What a condition finds: (sender, subject) → its figures, with deliveries."""
    with engine.begin() as connection:
        today = connection.execute(sa.text("SELECT ref.region_date('69', :now)"), {"now": now}).scalar_one()
        left_out = find(connection, "69", now, today, [conditions()[name]], nightly_hours)
        assert left_out == set()
        found = connection.execute(sa.text("SELECT * FROM pg_temp.incident_found")).mappings().all()
    made = {(row["sender"], row["subject"]): {**row["details"], "deliveries": row["deliveries"]} for row in found}
    assert len(made) == len(found)
    return made


def act(engine: sa.Engine, statement: str, **asked: object) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text(statement), asked)


def on(day: int, month: int = 9) -> dt.date:
    return dt.date(2023, month, day)


def noon(day: dt.date) -> dt.datetime:
    return NOON + (day - on(8))


# The tables agree with each other.


def test_every_condition_has_its_words_and_every_words_their_condition() -> None:
    assert {path.stem for path in FOLDER.glob("*.sql")} | {NOT_EVALUATED} == set(incident_texts()) == set(conditions())


@pytest.mark.parametrize("name", sorted(incident_texts()))
def test_a_condition_says_what_it_is_and_whom_it_concerns(name: str) -> None:
    each = conditions()[name]
    assert each.select == "" or each.select.startswith("-- ")
    assert set(each.tells) <= {"opened", "changed", "reminded", "escalated", "closed"}
    assert "opened" in each.tells
    assert ("engineer" in each.audiences) == (each.incident_class == "own")
    assert set(each.audiences) <= {"sender", "officer", "engineer"}
    for threshold in each.thresholds.get("69", {}):
        assert f":{threshold}" in each.select, f"{threshold} is not asked for"


@pytest.mark.parametrize("name", sorted(set(conditions()) - {NOT_EVALUATED}))
def test_what_is_asked_of_a_region_asks_nothing_of_another(name: str) -> None:
    each = conditions()[name]
    assert each.of_regions == (":region" in each.select)


def test_thresholds_belong_to_conditions_and_say_why() -> None:
    for row in rows("thresholds"):
        assert row["condition"] in conditions()
        assert row["why"].strip()


def test_every_rule_has_one_class() -> None:
    named = [rule for row in whole_table("rule_classes") for rule in row["rules"].split()]
    assert sorted(named) == sorted(RULES)
    assert set(rule_classes()) == set(RULES)


# What senders sent.


def test_rows_set_aside_are_one_incident_a_class(engine: sa.Engine, small: Mapping[str, int]) -> None:
    assert wrong(engine, "failed_validation") == {}
    made = loaded(engine, report(small, "chainsky", [1], [2, 3]), NOON + MINUTE)
    assert wrong(engine, "failed_validation", NOON + HOUR) == {
        ("chainsky", "norms"): {
            "verdict": "partial", "rules": {"RDY-010": 2}, "places": 2, "schools_count": 2,
            "schools": ["Школа chainsky-2", "Школа chainsky-3"], "whose": wrong_schools(engine), "deliveries": [4 + 1],
        }
    }  # fmt: skip
    assert made.reading_id is not None
    loaded(engine, report(small, "chainsky", [1, 2, 3, 4]), NOON + HOUR)
    assert wrong(engine, "failed_validation", NOON + 2 * HOUR) == {}


def wrong_schools(engine: sa.Engine) -> Any:
    with engine.connect() as connection:
        return connection.scalar(sa.text("SELECT md5('chainsky-2 chainsky-3')"))


def test_a_refused_delivery_stands_until_a_better_one_comes(engine: sa.Engine, small: Mapping[str, int]) -> None:
    loaded(engine, refused("readiness_report", "asinovsky"), NOON + HOUR)
    found = wrong(engine, "failed_validation", NOON + 2 * HOUR)
    assert [(key, each["verdict"], each["rules"]) for key, each in found.items()] == [
        (("asinovsky", "file"), "refused", {"COM-012": 1})
    ]
    loaded(engine, report(small, "asinovsky", range(1, 9)), NOON + 3 * HOUR)
    assert wrong(engine, "failed_validation", NOON + 4 * HOUR) == {}


def test_a_file_that_nobody_can_be_asked_about_is_forgotten(engine: sa.Engine, small: Mapping[str, int]) -> None:
    loaded(engine, refused(None, None), NOON + HOUR)
    found = wrong(engine, "failed_validation", NOON + 2 * HOUR)
    assert [(key, len(each["file"])) for key, each in found.items()] == [((None, "file"), 7)]
    assert wrong(engine, "failed_validation", NOON + 8 * DAY) == {}
    assert small


def test_errors_of_a_nightly_form_change_every_night_and_are_no_news(engine: sa.Engine, small: dict[str, int]) -> None:
    states = []
    for night, many in ((9, 1), (10, 3)):
        found = findings_frame([finding("REX-001", row + 2) for row in range(many)])
        loaded(
            engine,
            replace(
                export(small, {"asinovsky-1": 60, "chainsky-1": 51}, as_of=on(night)), verdict="partial", findings=found
            ),
        )
        wrong(engine, "failed_validation", noon(on(night)))
        with engine.begin() as connection:
            find(connection, "69", noon(on(night)), on(night), [conditions()["failed_validation"]], 25)
            states.append(connection.execute(sa.text("SELECT state, details FROM pg_temp.incident_found")).one())
    assert [each.details["places"] for each in states] == [1, 3]
    assert states[0].state == states[1].state == {"verdict": "partial", "rules": ["REX-001"], "whose": None}


def test_a_delivery_that_waits_for_a_decision(engine: sa.Engine, small: dict[str, int]) -> None:
    assert wrong(engine, "delivery_held") == {}
    loaded(engine, report(small, "asinovsky", range(1, 9)), NOON + HOUR)
    held = loaded(engine, report(small, "asinovsky", [1, 2], range(3, 9)), NOON + 2 * HOUR)
    found = wrong(engine, "delivery_held")["asinovsky", ""]
    assert "Загружается строк: 2 (ещё 6 отложено), в действующем файле на 08.09.2023: 8." in found["why"]
    assert (found["file"], found["as_of"], found["deliveries"]) == ("файл.xlsx", "2023-09-08", [found["delivery_id"]])
    accepted(engine, held)
    assert wrong(engine, "delivery_held") == {}


def test_stated_totals_that_differ(engine: sa.Engine, small: Mapping[str, int]) -> None:
    stated = pl.DataFrame(
        {
            "reporting_unit": [None, None], "metric": ["pupils_total", "navigators"], "stated": [800.0, 5.0],
            "computed": [793.0, 5.0], "difference": [7.0, 0.0], "tolerance": [0.0, 0.0],
            "verdict": ["disagrees", "agrees"],
        },
        schema=CONTROL_TOTALS,
    )  # fmt: skip
    assert wrong(engine, "control_total_disagrees") == {}
    loaded(engine, report(small, "chainsky", [1, 2], control_totals=stated), NOON)
    found = wrong(engine, "control_total_disagrees")
    assert list(found) == [("chainsky", "")]
    assert found["chainsky", ""]["differences"] == [{"unit": "", "metric": "pupils_total", "difference": 7}]
    loaded(engine, report(small, "chainsky", [1, 2]), NOON + HOUR)
    assert wrong(engine, "control_total_disagrees", NOON + 2 * HOUR) == {}


def test_a_total_whose_rule_is_put_aside_is_no_incident(engine: sa.Engine, small: dict[str, int]) -> None:
    totals = pl.DataFrame([(None, "pupils_total", 107.0, 100.0, 7.0, 0.0, "disagrees")], CONTROL_TOTALS, orient="row")
    note = finding("COM-120", None, "note")._replace(value="RDY-031")
    loaded(engine, report(small, "chainsky", [1, 2], control_totals=totals, findings=findings_frame([note])), NOON)
    assert wrong(engine, "control_total_disagrees") == {}
    another = findings_frame([note, finding("RDY-031", None, "warning")])
    loaded(engine, report(small, "chainsky", [1, 2], control_totals=totals, findings=another), NOON + HOUR)
    assert list(wrong(engine, "control_total_disagrees", NOON + 2 * HOUR)) == [("chainsky", "")], "a warning still"


# What the marts say.


def night(engine: sa.Engine, ids: Mapping[str, int], as_of: dt.date, asinovsky: int, chainsky: int = 51) -> None:
    loaded(engine, export(ids, {"asinovsky-1": asinovsky, "chainsky-1": chainsky}, as_of=as_of), noon(as_of))
    publish(engine, "69", [as_of])


def test_a_band_that_fell_to_red(engine: sa.Engine, small: dict[str, int]) -> None:
    publish(engine, "69", [on(8)])
    assert wrong(engine, "band_fell") == {}, "a unit that was always red did not fall"
    accepted(engine, loaded(engine, report(small, "asinovsky", [1, 2], range(3, 9), as_of=on(9)), noon(on(9))))
    publish(engine, "69", [on(9)])
    found = wrong(engine, "band_fell", noon(on(9)))
    assert list(found) == [("asinovsky", "")]
    assert found["asinovsky", ""]["rate_before"] == 0.8
    assert (found["asinovsky", ""]["rate"], found["asinovsky", ""]["before"]) == (0.2, "green")
    loaded(engine, report(small, "asinovsky", range(1, 9), as_of=on(10)), noon(on(10)))
    publish(engine, "69", [on(10)])
    assert wrong(engine, "band_fell", noon(on(10))) == {}


def test_each_band_of_a_form_is_an_incident(engine: sa.Engine, small: dict[str, int]) -> None:
    """Of a form with one band the incident has no subject, so that those of before stay what they are."""
    publish(engine, "69", [on(8)])
    accepted(engine, loaded(engine, report(small, "asinovsky", [1, 2], range(3, 9), as_of=on(9)), noon(on(9))))
    publish(engine, "69", [on(9)])
    with engine.begin() as connection:
        made = connection.scalar(sa.text("SELECT pg_get_viewdef('history.figure')"))
        another = "SELECT 'second', form, grain, code, name, reporting_unit, campaign, 'second_band', 'Вторая полоса'"
        another += ", kind, figure, rate, region, as_of, published_at, replaced_at FROM made"
        another += " WHERE metric = 'readiness_band'"
        both = f"WITH made AS ({str(made).rstrip(';')}) SELECT * FROM made UNION ALL {another}"
        connection.execute(sa.text(f"CREATE OR REPLACE VIEW history.figure AS {both}"))
    found = wrong(engine, "band_fell", noon(on(9)))
    assert {key: each["figure"] for key, each in found.items()} == {
        ("asinovsky", "readiness_by_municipality.readiness_band"): "Полоса: отчёты",
        ("asinovsky", "second.second_band"): "Вторая полоса",
    }


def test_a_total_of_an_earlier_date_that_moved(engine: sa.Engine, small: dict[str, int]) -> None:
    now = dt.datetime.now(dt.UTC)
    night(engine, small, on(8), 60)
    night(engine, small, on(9), 61)
    assert wrong(engine, "total_moved", now + HOUR) == {}
    loaded(engine, export(small, {"asinovsky-1": 55, "chainsky-1": 51}, as_of=on(8)), NOON + 2 * DAY)
    publish(engine, "69", [on(8)])
    found = wrong(engine, "total_moved", now + HOUR)
    assert list(found) == [(None, "")]
    assert found[None, ""]["totals"] == [{"metric": "actual_pupils", "was": 111, "became": 106}]
    assert (found[None, ""]["dates"], found[None, ""]["as_of"]) == (1, "2023-09-08")
    assert wrong(engine, "total_moved", now + 8 * DAY) == {}


def test_registrations_that_stand_still(engine: sa.Engine, small: dict[str, int]) -> None:
    for number in (8, 11, 14):
        night(engine, small, on(number), 60)
    assert wrong(engine, "no_movement", noon(on(14))) == {}
    night(engine, small, on(15), 60)
    found = wrong(engine, "no_movement", noon(on(15)))
    assert list(found) == [("asinovsky", "")], "chainsky has reached its plan"
    assert (found["asinovsky", ""]["days"], found["asinovsky", ""]["since"]) == (7, "2023-09-08")
    night(engine, small, on(16), 61)
    assert wrong(engine, "no_movement", noon(on(16))) == {}


def test_a_pace_that_misses_the_end(engine: sa.Engine, small: dict[str, int]) -> None:
    night(engine, small, on(8), 60)
    night(engine, small, on(15), 61)
    assert wrong(engine, "pace_misses_the_end", noon(on(15))) == {}, "a week makes no pace"
    night(engine, small, on(22), 61)
    found = wrong(engine, "pace_misses_the_end", noon(on(22)))
    assert list(found) == [("asinovsky", "")]
    assert (found["asinovsky", ""]["a_week"], found["asinovsky", ""]["reached_on"]) == (0.5, "2025-03-21")
    night(engine, small, on(23), 70)
    assert wrong(engine, "pace_misses_the_end", noon(on(23))) == {}


def test_registrations_that_dropped(engine: sa.Engine, small: dict[str, int]) -> None:
    night(engine, small, on(8), 60)
    night(engine, small, on(9), 57)
    assert wrong(engine, "registrations_dropped", noon(on(9))) == {}, "five percent are not more than five"
    night(engine, small, on(10), 56)
    found = wrong(engine, "registrations_dropped", noon(on(10)))
    assert list(found) == [("asinovsky", "")]
    assert (found["asinovsky", ""]["was"], found["asinovsky", ""]["became"]) == (60, 56)
    night(engine, small, on(11), 60)
    assert wrong(engine, "registrations_dropped", noon(on(11))) == {}


@pytest.mark.parametrize("condition", ["no_movement", "pace_misses_the_end", "registrations_dropped"])
def test_each_pace_of_a_form_is_an_incident(engine: sa.Engine, small: dict[str, int], condition: str) -> None:
    """Of a form with one pace the incident has no subject, so that those of before stay what they are."""
    for number in (1, 8, 15, 22):
        night(engine, small, on(number), 60 if condition != "registrations_dropped" or number < 22 else 50)
    assert [
        (key, found["figure"]) for key, found in wrong(engine, condition, noon(on(22))).items() if "figure" in found
    ] == []
    with engine.begin() as connection:
        made = connection.scalar(sa.text("SELECT pg_get_viewdef('history.pace')"))
        columns = connection.execute(sa.text("SELECT * FROM history.pace LIMIT 0")).keys()
        second = ", ".join({"mart": "'second'", "figure": "'Второе'"}.get(column, column) for column in columns)
        both = f"WITH made AS ({str(made).rstrip(';')}) SELECT * FROM made UNION ALL SELECT {second} FROM made"
        connection.execute(sa.text(f"CREATE OR REPLACE VIEW history.pace AS {both}"))
    found = wrong(engine, condition, noon(on(22)))
    assert {key: each["figure"] for key, each in found.items()} == {
        ("asinovsky", "registration_by_municipality"): "Факт", ("asinovsky", "second"): "Второе",
    }  # fmt: skip


def test_sources_that_contradict_each_other(seed_engine: sa.Engine) -> None:
    expected = {
        unit for unit, (schools, accepted, _, planned, actual) in SEED.items()
        if accepted == schools and actual < planned / 10
    }  # fmt: skip
    assert {sender for sender, _ in wrong(seed_engine, "sources_contradict")} == expected
    assert expected == {"verkhneketsky", "zyryansky"}


def levels(ids: Mapping[str, int], day: dt.date, chosen: Mapping[str, str], planned: int = 10) -> Reading:
    """A list of classes of asinovsky: code of a school → the level of its only class, of twenty pupils."""
    many = len(chosen)
    columns: dict[str, list[Any]] = {"school_id": [ids[code] for code in chosen], "grade": [7] * many,
               "letter": ["А"] * many, "level": list(chosen.values()), "pupils": [20] * many,
               "pupils_planned": [planned] * many}  # fmt: skip
    slice_ = f"level_choice/asinovsky/{day.year}"
    return reading("level_choice", "asinovsky", pl.DataFrame(columns), as_of=day, slice=slice_)


def test_events_are_planned_for_fewer_pupils_than_the_target(engine: sa.Engine) -> None:
    loaded(engine, school_register({"asinovsky": 2, "chainsky": 1}))
    ids = school_ids(engine)
    loaded(engine, levels(ids, on(12), dict.fromkeys(("asinovsky-1", "asinovsky-2"), "basic")))
    publish(engine, "69", [on(12)])
    with engine.connect() as connection:
        rate = connection.scalar(
            sa.text("SELECT events_rate FROM mart.level_coverage WHERE reporting_unit = 'asinovsky'")
        )
    assert rate is not None and rate < 0.7
    assert wrong(engine, "coverage_below_target", noon(on(30, 10))) == {}, "more than thirty days are left"
    found = wrong(engine, "coverage_below_target", noon(on(31, 10)))
    assert found.keys() == {("asinovsky", "")}, "of whom there is no list nothing is said"
    assert found["asinovsky", ""]["ends_on"] == "2023-11-30"
    assert wrong(engine, "coverage_below_target", noon(on(1, 12))) == {}


def test_a_school_that_lowers_its_level_is_named(engine: sa.Engine) -> None:
    loaded(engine, school_register({"asinovsky": 2}))
    ids = school_ids(engine)
    loaded(engine, levels(ids, on(12), {"asinovsky-1": "main", "asinovsky-2": "basic"}))
    assert wrong(engine, "level_lowered", noon(on(12))) == {}
    loaded(engine, levels(ids, on(20), {"asinovsky-1": "basic", "asinovsky-2": "advanced"}))
    found = wrong(engine, "level_lowered", noon(on(20)))
    assert {key: (each["level_before"], each["level"], each["before_as_of"]) for key, each in found.items()} == {
        ("asinovsky", "asinovsky-1"): ("основной", "базовый", "2023-09-12")
    }
    assert wrong(engine, "level_lowered", noon(on(19, 10))) != {}
    assert wrong(engine, "level_lowered", noon(on(20, 10))) == {}, "it was seen for a month"
    loaded(engine, levels(ids, on(21), {"asinovsky-2": "advanced"}))
    assert wrong(engine, "level_lowered", noon(on(21))) == {}, "a school that is listed no more has no level"


# Who is there.


def people(ids: Mapping[str, int], *rows: tuple[str, str, int, str | None, dt.date | None], as_of: dt.date) -> Reading:
    """A list of people of a unit with five schools: key, role, number of the school, position, last day in the role."""
    keys, roles, numbers, positions, last_days = zip(*rows, strict=True)
    facts = pl.DataFrame(
        {
            "person_key": keys, "role": roles, "school_id": [ids[f"asinovsky-{number}"] for number in numbers],
            "position": positions, "valid_to": last_days, "trained": [key == "trained" for key in keys],
        },
        schema_overrides={"valid_to": pl.Date, "position": pl.String},
    )  # fmt: skip
    return reading("staff", "asinovsky", facts, as_of=as_of, slice="staff/asinovsky/2023")


@pytest.fixture
def five(engine: sa.Engine) -> dict[str, int]:
    loaded(engine, school_register({"asinovsky": 5, "chainsky": 1}, as_of=on(1)))
    return school_ids(engine)


def test_nobody_answers_for_the_minimum_after_a_week(engine: sa.Engine, five: dict[str, int]) -> None:
    """Whoever left on Friday the 8th is missed from the 9th on: on the 15th five working days are over, on the 18th
    more."""
    left, serves = on(8), None
    listed = [("a", "responsible", 1, "head", left), ("b", "responsible", 2, "head", serves)]
    listed += [(f"c{n}", "responsible", n, "deputy", serves) for n in (3, 4, 5)]
    loaded(engine, people(five, *listed, as_of=on(7)))
    for day, is_wrong in ((on(8), False), (on(15), False), (on(18), True)):
        publish(engine, "69", [day])
        found = wrong(engine, "responsible_missing", noon(day))
        assert (set(found) == {("asinovsky", "")}) == is_wrong, day
    told = found["asinovsky", ""]
    assert (told["schools"], told["names"], told["since"]) == (1, "Школа asinovsky-1", "2023-09-09")
    successor = ("d", "responsible", 1, "deputy", serves)
    loaded(engine, people(five, *listed, successor, as_of=on(18)))
    publish(engine, "69", [on(18)])
    assert wrong(engine, "responsible_missing", noon(on(18))) == {}


def test_a_school_that_a_list_does_not_name_has_nobody_since_the_list(engine: sa.Engine, five: dict[str, int]) -> None:
    loaded(engine, people(five, ("a", "navigator", 1, "other", None), as_of=on(7)))
    publish(engine, "69", [on(8), on(18)])
    assert wrong(engine, "responsible_missing", noon(on(8))) == {}
    found = wrong(engine, "responsible_missing", noon(on(18)))
    assert {key: each["schools"] for key, each in found.items()} == {("asinovsky", ""): 5}, "chainsky sent no list"


def test_nobody_is_trained_where_the_level_asks_for_it(engine: sa.Engine, five: dict[str, int]) -> None:
    """Of the basic level a briefing is enough, and of a school without a level nothing is asked."""
    chosen = dict(
        zip(
            ("asinovsky-1", "asinovsky-2", "asinovsky-3", "asinovsky-4"),
            ("main", "advanced", "basic", "main"),
            strict=True,
        )
    )
    loaded(engine, levels(five, on(7), chosen))
    listed = [("a", "navigator", 1, "other", None), ("trained", "navigator", 2, "other", None)]
    loaded(engine, people(five, *listed, ("b", "navigator", 3, "other", None), as_of=on(7)))
    publish(engine, "69", [on(8)])
    (told,) = wrong(engine, "nobody_trained").values()
    assert (told["schools"], told["navigators"]) == (2, 1)
    assert told["names"] == "Школа asinovsky-1; Школа asinovsky-4"
    loaded(engine, people(five, *(("trained", "navigator", n, "other", None) for n in (1, 4)), as_of=on(8)))
    publish(engine, "69", [on(8)])
    assert [each["names"] for each in wrong(engine, "nobody_trained").values()] == ["Школа asinovsky-2"]


def given(ids: dict[str, int], hours: Mapping[str, float], as_of: dt.date) -> Reading:
    """Hours of the course that the class 7А of each school was given."""
    facts = pl.DataFrame({"school_id": [ids[school] for school in hours], "hours": list(hours.values())}).with_columns(
        grade=7, letter=pl.lit("А"), direction=pl.lit("extracurricular_rmg"), month=pl.lit("9")
    )
    return reading("hours_delivered", "asinovsky", facts, as_of=as_of, slice=f"hours_delivered/asinovsky/{as_of:%Y-%m}")


def test_the_course_cannot_be_given_before_the_year_ends(engine: sa.Engine, five: dict[str, int]) -> None:
    """On 29 September 35 weeks are left, at the end of October 30."""
    chosen = dict.fromkeys(("asinovsky-1", "asinovsky-2"), "basic")
    loaded(engine, levels(five, on(7), chosen))
    loaded(engine, given(five, {"asinovsky-1": 0, "asinovsky-2": 4}, on(29)))
    publish(engine, "69", [on(29), on(31, 10)])
    assert wrong(engine, "course_out_of_reach", noon(on(29))) == {}
    (told,) = wrong(engine, "course_out_of_reach", noon(on(31, 10))).values()
    assert (told["classes"], told["schools"]) == (1, 1)
    assert told["names"].startswith("Школа asinovsky-1, 7")


def held(ids: dict[str, int], days: list[dt.date], as_of: dt.date) -> Reading:
    facts = pl.DataFrame({"held_on": days}, schema={"held_on": pl.Date}).with_columns(
        school_id=ids["asinovsky-1"], title=pl.lit("Экскурсия"), grades=pl.lit("8-9"), pupils=20, hours=1.0,
        starts_at=pl.lit(None, pl.String), host_inn=pl.lit(None, pl.String),
    )  # fmt: skip
    return reading("practice_events", "asinovsky", facts, as_of=as_of, slice="practice_events/asinovsky/2023")


def test_no_event_for_a_month_of_the_season(engine: sa.Engine, five: dict[str, int]) -> None:
    loaded(engine, held(five, [on(11), on(20)], on(29)))
    assert wrong(engine, "no_practice_event", noon(on(20, 10))) == {}, "thirty days are a month"
    (told,) = wrong(engine, "no_practice_event", noon(on(21, 10))).values()
    assert (told["events"], told["days"]) == (2, 31)
    assert wrong(engine, "no_practice_event", noon(on(1, 12))) == {}, "the season is over"
    loaded(engine, held(five, [on(11), on(20), on(20, 10)], on(20, 10)))
    assert wrong(engine, "no_practice_event", noon(on(21, 10))) == {}


def test_agreements_that_end_within_a_month(engine: sa.Engine, five: dict[str, int]) -> None:
    """One that another with the same partner outlives is none of them; one for two schools is one."""
    facts = pl.DataFrame(
        {
            "partner_inn": ["7000000000", "7000000000", "7000000001", "7000000001", "7000000002"],
            "partner_name": ["Завод", "Завод", "Порт", "Порт", "Лес"],
            "agreement_number": ["1", "2", "3", "3", "4"],
            "school_id": [None, None, five["asinovsky-1"], five["asinovsky-2"], None],
            "valid_to": [on(30), None, on(30), on(30), on(31, 12)],
        },
        schema_overrides={"valid_to": pl.Date},
    ).with_columns(signed_on=pl.lit(on(1)))
    loaded(
        engine,
        reading("partner_agreements", "asinovsky", facts, as_of=on(7), slice="partner_agreements/asinovsky/2023"),
    )
    assert wrong(engine, "agreements_expire", noon(on(30, 8))) == {}
    (told,) = wrong(engine, "agreements_expire", noon(on(8))).values()
    assert (told["agreements"], told["names"], told["first_on"]) == (1, "Порт", "2023-09-30")


def test_figures_of_admissions_that_wait_for_a_decision(engine: sa.Engine, small: Mapping[str, int]) -> None:
    assert wrong(engine, "admissions_wait") == {}
    facts = pl.DataFrame({"year": [2021, 2022], "budget_places": [24_014, 26_107], "applications": [25_902, 26_107]})
    facts = facts.with_columns(pl.lit(None, pl.String).alias(name) for name in ("college", "specialty", "funding"))
    told = [
        finding(rule, row, "warning")._replace(row_key=f"{year} |  |  | ")
        for rule, row, year in (("ADM-003", 6, 2021), ("ADM-001", 7, 2022), ("ADM-004", 7, 2022))
    ]
    table = reading("admissions", "department", facts, slice="admissions/department/2023-09-08")
    loaded(engine, replace(table, findings=findings_frame(told)))
    found = wrong(engine, "admissions_wait")["department", ""]
    assert (found["warnings"], found["years"]) == (3, "2021, 2022")
    loaded(engine, reading("admissions", "department", facts, as_of=on(9), slice="admissions/department/2023-09-09"))
    assert wrong(engine, "admissions_wait", noon(on(9))) == {}


def lessons(ids: dict[str, int], as_of: dt.date, **subjects: str) -> Reading:
    """A timetable of Асиновский: class → its lesson on Thursday, all of the first school."""
    columns = {
        "school_id": [ids["asinovsky-1"]] * len(subjects), "grade": [int(name[1:-1]) for name in subjects],
        "letter": [name[-1] for name in subjects], "weekday": ["thursday"] * len(subjects),
        "lesson": [1] * len(subjects), "subject": list(subjects.values()),
    }  # fmt: skip
    year = as_of.year if as_of.month >= 9 else as_of.year - 1
    return reading("timetable", "asinovsky", pl.DataFrame(columns), as_of=as_of, slice=f"timetable/asinovsky/{year}")


def test_classes_without_the_lesson_in_their_timetable(engine: sa.Engine) -> None:
    loaded(engine, school_register({"asinovsky": 2}))
    ids = school_ids(engine)
    loaded(engine, lessons(ids, on(12), c6А="rmg", c6Б="other", c7А="rmg_perhaps", c5А="other"))
    publish(engine, "69", [on(12), on(15), on(16)])
    assert wrong(engine, "class_without_slot", noon(on(15))) == {}, "timetables are due by the fifteenth"
    found = wrong(engine, "class_without_slot", noon(on(16)))
    assert {
        key: (each["schools"], each["classes"], each["of_classes"], each["in_doubt"]) for key, each in found.items()
    } == {("asinovsky", ""): (1, 2, 3, 1)}
    loaded(engine, lessons(ids, on(20), c6А="rmg", c6Б="rmg", c7А="rmg_in_part", c5А="other"))
    publish(engine, "69", [on(20)])
    assert wrong(engine, "class_without_slot", noon(on(20))) == {}


def test_a_report_that_a_timetable_contradicts(engine: sa.Engine) -> None:
    loaded(engine, school_register({"asinovsky": 2}))
    ids = school_ids(engine)
    facts = pl.DataFrame({"school_id": [ids["asinovsky-1"], ids["asinovsky-2"]], "rmg_in_timetable": [True, True]})
    loaded(engine, replace(report(ids, "asinovsky", [1, 2]), facts=facts))
    loaded(engine, lessons(ids, on(12), c6А="rmg", c6Б="other"))
    publish(engine, "69", [on(12)])
    assert wrong(engine, "timetable_contradicts_report", noon(on(12))) == {}, "one class has it"
    loaded(engine, lessons(ids, on(13), c6А="other", c6Б="other"))
    publish(engine, "69", [on(13)])
    found = wrong(engine, "timetable_contradicts_report", noon(on(13)))
    assert {key: each["schools"] for key, each in found.items()} == {("asinovsky", ""): 1}


def profiles(ids: Mapping[str, int], day: dt.date, *classes: tuple[str, int, str]) -> Reading:
    """A list of profile classes of asinovsky: code of the school, grade, letter."""
    codes, grades, letters = zip(*classes, strict=True)
    columns: dict[str, Any] = {"school_id": [ids[code] for code in codes], "grade": grades, "letter": letters,
               "profile_kind": ["space"] * len(classes), "pupils": [15] * len(classes)}  # fmt: skip
    slice_ = f"profile_classes/asinovsky/{day.year}"
    return reading("profile_classes", "asinovsky", pl.DataFrame(columns), as_of=day, slice=slice_)


def test_the_advanced_level_has_no_profile_class(engine: sa.Engine, five: dict[str, int]) -> None:
    chosen = dict(zip(("asinovsky-1", "asinovsky-2", "asinovsky-3"), ("advanced", "advanced", "main"), strict=True))
    loaded(engine, levels(five, on(7), chosen))
    publish(engine, "69", [on(7)])
    assert wrong(engine, "advanced_without_profile") == {}, "without a list nobody knows"
    loaded(engine, profiles(five, on(8), ("asinovsky-1", 7, "А"), ("asinovsky-3", 7, "А")))
    publish(engine, "69", [on(8)])
    (told,) = wrong(engine, "advanced_without_profile").values()
    assert (told["schools"], told["advanced_schools"], told["classes"]) == (1, 2, 2)
    loaded(engine, profiles(five, on(11), ("asinovsky-1", 7, "А"), ("asinovsky-2", 7, "А")))
    publish(engine, "69", [on(11)])
    assert wrong(engine, "advanced_without_profile", noon(on(11))) == {}


def test_a_profile_class_is_not_among_the_classes(engine: sa.Engine, five: dict[str, int]) -> None:
    """Of a school that the list of levels does not name nothing is said here."""
    loaded(engine, levels(five, on(7), {"asinovsky-1": "main"}))
    listed = [("asinovsky-1", 7, "А"), ("asinovsky-1", 7, "Б"), ("asinovsky-2", 7, "А")]
    loaded(engine, profiles(five, on(8), *listed))
    publish(engine, "69", [on(8)])
    (told,) = wrong(engine, "profile_class_absent").values()
    assert (told["unlisted"], told["classes"]) == (1, 3)
    loaded(engine, profiles(five, on(11), listed[0], listed[2]))
    publish(engine, "69", [on(11)])
    assert wrong(engine, "profile_class_absent", noon(on(11))) == {}


def journal(ids: dict[str, int], as_of: dt.date, **days: list[dt.date]) -> Reading:
    """A journal of Асиновский: class → the days of its lessons, all of the first school."""
    lessons = [(int(name[1:-1]), name[-1], day) for name, held_on in days.items() for day in held_on]
    facts = pl.DataFrame(lessons, schema=["grade", "letter", "held_on"], orient="row").with_columns(
        school_id=ids["asinovsky-1"], hours=1.0, present=20
    )
    return reading("lesson_journal", "asinovsky", facts, as_of=as_of, slice="lesson_journal/asinovsky/2023")


def test_classes_whose_journal_shows_no_lesson_for_two_weeks(engine: sa.Engine, five: dict[str, int]) -> None:
    both = {"c7А": [on(7), on(14), on(21)], "c7Б": [on(7), on(13)]}
    loaded(engine, journal(five, on(22), **both))
    publish(engine, "69", [on(22)])
    assert wrong(engine, "class_without_lessons", noon(on(22))) == {}, "one week, and a lesson on a Wednesday is one"
    loaded(engine, journal(five, on(29), c7А=[*both["c7А"], on(28)], c7Б=both["c7Б"]))
    publish(engine, "69", [on(29)])
    (told,) = wrong(engine, "class_without_lessons", noon(on(29))).values()
    assert (told["classes"], told["schools"], told["weeks"]) == (1, 1, 2)
    assert told["names"] == "Школа asinovsky-1, 7Б"


def test_more_lessons_are_left_by_the_journal_than_weeks(engine: sa.Engine, five: dict[str, int]) -> None:
    """On 29 September 31 weeks are left: three lessons of four are enough, two are not."""
    loaded(engine, journal(five, on(29), c7А=[on(7), on(14), on(21)]))
    publish(engine, "69", [on(29)])
    assert wrong(engine, "lessons_out_of_reach", noon(on(29))) == {}
    loaded(engine, journal(five, on(30), c7А=[on(7), on(14), on(21)], c7Б=[on(7), on(14)]))
    publish(engine, "69", [on(30)])
    (told,) = wrong(engine, "lessons_out_of_reach", noon(on(30))).values()
    assert (told["classes"], told["lessons"], told["weeks"]) == (1, 32, 31)


def test_a_journal_that_is_old(engine: sa.Engine, five: dict[str, int]) -> None:
    """From 2 October to 20 November are 30 days of lessons: a week of holidays and a public holiday are none."""
    loaded(engine, journal(five, on(29), c7А=[on(7), on(14), on(21), on(28)]))
    publish(engine, "69", [on(29)])
    assert wrong(engine, "journal_stale", noon(on(20, 11))) == {}
    (told,) = wrong(engine, "journal_stale", noon(on(21, 11))).values()
    assert (told["days"], told["as_of"]) == (31, "2023-09-29")


# What did not come.


def test_an_export_older_than_two_working_nights(engine: sa.Engine, small: dict[str, int]) -> None:
    assert small
    assert wrong(engine, "export_stale", noon(on(12))) == {}, "Friday's export on Tuesday"
    found = wrong(engine, "export_stale", noon(on(13)))
    assert {key: (each["days"], each["last"]) for key, each in found.items()} == {
        ("regional_operator", ""): (3, "2023-09-08")
    }
    act(
        engine,
        "INSERT INTO ops.statement (region, form, sender, as_of, reason, stated_by, stated_at)"
        " VALUES ('69', 'registration_export', 'regional_operator', '2023-09-12', 'платформа на ремонте', 'Петров',"
        " :at)",
        at=noon(on(13)),
    )
    assert wrong(engine, "export_stale", noon(on(13))) == {}
    act(engine, "UPDATE ops.statement SET withdrawn_at = :at, withdrawn_by = 'Петров'", at=noon(on(14)))
    assert len(wrong(engine, "export_stale", noon(on(14)))) == 1


def test_an_export_that_never_came(engine: sa.Engine) -> None:
    assert wrong(engine, "export_stale", noon(on(2))) == {}
    assert [each["last"] for each in wrong(engine, "export_stale", noon(on(8))).values()] == [None]


def test_the_age_of_an_export_is_the_same_wherever_it_is_told(engine: sa.Engine, small: dict[str, int]) -> None:
    assert small
    for today in (
        on(13),
        dt.date(2024, 9, 16),
    ):  # a new year counts its own days
        (found,) = wrong(engine, "export_stale", noon(today)).values()
        with engine.connect() as connection:
            (told,) = ages(connection, "69", today).exports
        assert told.as_of is not None
        assert (told.nights, told.as_of.isoformat()) == (found["days"], found["last"]) and found["last"] == "2023-09-08"
    assert found["days"] == 11


def test_a_deadline_that_passed(engine: sa.Engine, small: dict[str, int]) -> None:
    assert wrong(engine, "overdue", noon(on(12))) == {}, "the first day after it is for the reminder"
    late = {sender for sender, _ in wrong(engine, "overdue", noon(on(13)))}
    assert late == {unit for unit in SEED if unit != "asinovsky"}
    loaded(engine, report(small, "chainsky", [1]), noon(on(13)))
    act(
        engine,
        "INSERT INTO ops.statement (region, form, sender, campaign, reason, stated_by, stated_at)"
        " VALUES ('69', 'readiness_report', 'kedrovy', 'readiness-2023', 'школы закрыты', 'Петров', :at)",
        at=noon(on(13)),
    )
    assert late - {sender for sender, _ in wrong(engine, "overdue", noon(on(13)))} == {"chainsky", "kedrovy"}


# What we did not do.


def ran(engine: sa.Engine, state: str | None, message: str | None = None, kind: str = "nightly") -> int:
    """A run that ended so; None for one that did not end."""
    with engine.begin() as connection:
        run_id = start_run(connection, kind, region="69")
        if state:
            finish_run(connection, run_id, state, message)
    return run_id


def test_a_run_that_failed(engine: sa.Engine) -> None:
    now = dt.datetime.now(dt.UTC) + MINUTE
    ran(engine, "completed with findings")
    assert wrong(engine, "run_failed", now) == {}
    run_id = ran(engine, "failed", "loading: Timeout")
    ran(engine, "completed", kind="inbox")
    found = wrong(engine, "run_failed", now)
    assert {key: (each["run_id"], each["message"]) for key, each in found.items()} == {
        (None, "nightly"): (run_id, "loading: Timeout")
    }
    ran(engine, "completed with findings")
    assert wrong(engine, "run_failed", now) == {}
    ran(engine, "crashed")
    assert len(wrong(engine, "run_failed", now)) == 1
    assert wrong(engine, "run_failed", now + 8 * DAY) == {}


def test_a_run_that_died(engine: sa.Engine) -> None:
    now = dt.datetime.now(dt.UTC) + MINUTE
    run_id = ran(engine, None)
    assert wrong(engine, "run_died", now) == {}
    assert [each["run_id"] for each in wrong(engine, "run_died", now + 7 * HOUR).values()] == [run_id]
    ran(engine, "failed")
    assert wrong(engine, "run_died", now) == {}, "two runs may go on at once for a while"
    act(engine, "UPDATE ops.run SET started_at = started_at - interval '1 hour' WHERE run_id = :id", id=run_id)
    assert [each["run_id"] for each in wrong(engine, "run_died", now).values()] == [run_id]
    ran(engine, "completed")
    assert wrong(engine, "run_died", now + 7 * HOUR) == {}


def test_deliveries_that_a_run_left_unread(engine: sa.Engine) -> None:
    now = dt.datetime.now(dt.UTC)
    delivery(engine)
    ran(engine, "failed")
    assert wrong(engine, "delivery_not_read", now) == {}, "the run that failed is told of itself"
    ran(engine, "completed")
    assert [each["deliveries_count"] for each in wrong(engine, "delivery_not_read", now).values()] == [1]


def test_a_run_of_one_region_leaves_no_delivery_of_another_unread(engine: sa.Engine) -> None:
    act(
        engine,
        "INSERT INTO ops.run (kind, state, region) VALUES ('inbox', 'failed', NULL), ('nightly', 'failed', '69')",
    )
    delivery(engine)
    act(engine, "UPDATE ops.arrival SET run_id = (SELECT max(run_id) FROM ops.run)")
    act(engine, "INSERT INTO ops.run (kind, state, finished_at) VALUES ('inbox', 'completed', now())")
    assert wrong(engine, "delivery_not_read", dt.datetime.now(dt.UTC)) == {}
    ran(engine, "completed")
    assert len(wrong(engine, "delivery_not_read", dt.datetime.now(dt.UTC))) == 1


def test_deliveries_that_were_read(engine: sa.Engine, small: dict[str, int]) -> None:
    assert small
    ran(engine, "completed")
    assert wrong(engine, "delivery_not_read", dt.datetime.now(dt.UTC)) == {}


def test_a_publication_that_a_check_stopped(engine: sa.Engine, small: dict[str, int]) -> None:
    now = dt.datetime.now(dt.UTC) + MINUTE
    assert small
    message = "publishing the marts: check unit_once found wrong rows, the published marts stay as they were: [{}]"
    run_id = ran(engine, "failed", message)
    found = wrong(engine, "audit_failed", now)
    assert {key: each["run_id"] for key, each in found.items()} == {(None, "unit_once"): run_id}
    assert "message" not in found[None, "unit_once"], "it quotes rows"
    assert wrong(engine, "run_failed", now) == {}, "one failure is told once"
    publish(engine, "69", [on(8)])
    assert wrong(engine, "audit_failed", now) == {}


def message(engine: sa.Engine, outcome: str, at: dt.datetime, attempts: int = 1, channel: str = "email") -> None:
    act(
        engine,
        "INSERT INTO ops.message (dedup_key, recipient, channel, message_class, kind, subject, body, text_hash,"
        " created_at, not_before, outcome, attempts, tried_at, sent_at)"
        " VALUES (gen_random_uuid()::text, 'Иванова', :channel, 'data', 'incident', 'т', 'т', 'т', :at, :at, :outcome,"
        " :attempts, :at, CASE :outcome WHEN 'sent' THEN cast(:at AS timestamptz) END)",
        outcome=outcome, at=at, attempts=attempts, channel=channel,
    )  # fmt: skip


def test_a_channel_that_takes_nothing(engine: sa.Engine) -> None:
    message(engine, "waiting", NOON, attempts=4)
    message(engine, "sent", NOON, channel="telegram")
    assert wrong(engine, "channel_failing", NOON + HOUR) == {}
    message(engine, "waiting", NOON, attempts=5)
    message(engine, "failed", NOON)
    found = wrong(engine, "channel_failing", NOON + HOUR)
    assert {key: each["messages"] for key, each in found.items()} == {(None, "email"): 2}
    message(engine, "sent", NOON + HOUR)
    assert wrong(engine, "channel_failing", NOON + 2 * HOUR) == {}


def test_a_night_that_is_not_there(engine: sa.Engine) -> None:
    now = dt.datetime.now(dt.UTC)
    assert wrong(engine, "nightly_missing", now + 9 * DAY) == {}, "nobody has scheduled one yet"
    ran(engine, "completed")
    ran(engine, "failed")
    assert wrong(engine, "nightly_missing", now + 24 * HOUR) == {}
    assert [each["hours"] for each in wrong(engine, "nightly_missing", now + 26 * HOUR).values()] == [25]
    assert wrong(engine, "nightly_missing", now + 26 * HOUR, nightly_hours=30) == {}
