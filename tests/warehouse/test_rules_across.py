"""Rules across forms: judged against what is current, judged again when either side changes, kept with two clocks."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import replace

import polars as pl
import pytest
import sqlalchemy as sa
from changing import Inputs
from hand_made import DAY, NOON, VERSION, delivery, loaded, read, reading, report, school_ids, school_register
from sqlalchemy.exc import DBAPIError

from contracts.reading import Finding, Reading
from warehouse.backfill.apply import apply, revert
from warehouse.backfill.comparison import affected_dates, compare
from warehouse.backfill.proposals import propose_readings
from warehouse.backfill.requests import Request, open_backfill
from warehouse.deliveries.judging import judge_across, said_across
from warehouse.deliveries.load import LoadResult, load
from warehouse.deliveries.receipt_contents import note_answered, receipts, unanswered
from warehouse.marts.publication import publish
from warehouse.schema.upgrade import upgrade

UNIT = "asinovsky"
SEPTEMBER, OCTOBER = dt.date(2023, 9, 30), dt.date(2023, 10, 31)
MARCH, MAY = dt.date(2024, 3, 5), dt.date(2024, 5, 20)
HOUR, DAYS = dt.timedelta(hours=1), dt.timedelta(days=1)
KILL = """
CREATE FUNCTION ops.killed() RETURNS trigger LANGUAGE plpgsql AS $$BEGIN RAISE 'killed'; END$$;
CREATE TRIGGER killed BEFORE INSERT ON ops.judged_across EXECUTE FUNCTION ops.killed()
"""
"""Ends the transaction after what is said was written, before it is noted that it was asked."""


@pytest.fixture
def schools(engine: sa.Engine) -> dict[str, int]:
    loaded(engine, school_register({UNIT: 2, "chainsky": 1}))
    return school_ids(engine)


def states(ids: dict[str, int], agreements: tuple[int, int], level: str = "basic") -> Reading:
    """A readiness report in which the two schools of the unit state how many agreements they have."""
    facts = pl.DataFrame(
        {"school_id": [ids[f"{UNIT}-1"], ids[f"{UNIT}-2"]], "level": [level] * 2, "partner_agreements": agreements}
    )
    return replace(report(ids, UNIT, [1, 2]), facts=facts)


def agreements(schools: list[int | None], valid_to: dt.date | None = None) -> Reading:
    """A list of agreements of the unit, one a school; None for the whole territory."""
    facts = pl.DataFrame(
        {
            "partner_inn": ["7000000000"] * len(schools),
            "agreement_number": [f"{number}/23" for number in range(len(schools))],
            "school_id": schools,
            "valid_to": [valid_to] * len(schools),
        },
        schema_overrides={"school_id": pl.Int64, "valid_to": pl.Date},
    )
    slice_ = f"partner_agreements/{UNIT}/2023"
    return reading("partner_agreements", UNIT, facts, as_of=SEPTEMBER, slice=slice_)


def meetings(hours: dict[int, float], held_on: dt.date, as_of: dt.date) -> Reading:
    """A list of meetings of the unit: school → hours of its one meeting."""
    facts = pl.DataFrame({"school_id": list(hours), "held_on": [held_on] * len(hours), "hours": list(hours.values())})
    slice_ = f"parent_meetings/{UNIT}/2023"
    return reading("parent_meetings", UNIT, facts, as_of=as_of, slice=slice_)


def plan_of_events(status: str, as_of: dt.date) -> Reading:
    facts = pl.DataFrame({"month": ["10"], "title": ["Общее собрание"], "kind": ["parent_meeting"], "status": [status]})
    return reading("event_plan", UNIT, facts, as_of=as_of, slice=f"event_plan/{UNIT}/{as_of:%Y-%m}")


def navigators_stated(ids: dict[str, int], navigators: int, trained: int, level: str = "basic") -> Reading:
    """A readiness report of the first school of the unit, with its navigators."""
    facts = pl.DataFrame(
        {
            "school_id": [ids[f"{UNIT}-1"]], "level": [level], "navigators": [navigators],
            "navigators_trained": [trained],
        }
    )  # fmt: skip
    return replace(report(ids, UNIT, [1]), facts=facts)


def staff(school: int, *people: tuple[str, str, float | None, dt.date | None]) -> Reading:
    """A list of people of a school: key, role, hours of the training (of None there was none), last day in the role."""
    keys, roles, hours, last_days = zip(*people, strict=True)
    facts = pl.DataFrame(
        {
            "person_key": keys, "role": roles, "school_id": [school] * len(people),
            "trained": [each is not None for each in hours], "training_hours": hours, "valid_to": last_days,
        },
        schema_overrides={"training_hours": pl.Float64, "valid_to": pl.Date},
    )  # fmt: skip
    return reading("staff", UNIT, facts, as_of=SEPTEMBER, slice=f"staff/{UNIT}/2023")


def said(engine: sa.Engine, result: LoadResult, known: dt.datetime | None = None) -> list[Finding]:
    with engine.connect() as connection:
        return said_across(connection, [result.reading_id], known).get(result.reading_id, [])


def clock(engine: sa.Engine) -> dt.datetime:
    with engine.connect() as connection:
        moment = connection.scalar(sa.text("SELECT ops.clock()"))
        assert isinstance(moment, dt.datetime)
        return moment


def test_fewer_agreements_are_listed_than_a_school_states(engine: sa.Engine, schools: dict[str, int]) -> None:
    first, second = schools[f"{UNIT}-1"], schools[f"{UNIT}-2"]
    stated = loaded(engine, states(schools, (3, 1)))
    listed = loaded(engine, agreements([first, None]))
    assert said(engine, listed) == []
    assert judge_across(engine, "69") == [listed.reading_id]
    (found,) = said(engine, listed)
    assert (found.rule, found.severity, found.scope, found.difference) == ("AG-007", "warning", "forms", -1)
    assert found.value == "2 — в файле «файл.xlsx» от 30.09.2023"
    assert found.expected == "не меньше 3 — по файлу «файл.xlsx» от 08.09.2023"
    assert found.message.startswith(f"Школа {UNIT}-1 ({UNIT}-1): Соглашений в списке меньше")
    assert said(engine, stated) == []
    assert second != first and judge_across(engine, "69") == []


def test_an_agreement_of_the_territory_and_of_a_school_is_one(engine: sa.Engine, schools: dict[str, int]) -> None:
    first = schools[f"{UNIT}-1"]
    loaded(engine, states(schools, (2, 1)))
    both = agreements([None, first])
    listed = loaded(engine, replace(both, facts=both.facts.with_columns(agreement_number=pl.lit("1/23"))))
    assert judge_across(engine, "69") == [listed.reading_id]
    (found,) = said(engine, listed)
    assert (found.rule, found.difference) == ("AG-007", -1)


def test_fewer_navigators_are_listed_than_a_school_states(engine: sa.Engine, schools: dict[str, int]) -> None:
    """Those who have left, other roles and vacant posts are no navigators."""
    loaded(engine, navigators_stated(schools, 3, 2))
    people = (("a", "navigator", 36, None), ("b", "navigator", 36, SEPTEMBER - DAYS), ("a", "responsible", 36, None))
    listed = loaded(engine, staff(schools[f"{UNIT}-1"], *people, ("vacant", "navigator", None, None)))
    assert judge_across(engine, "69") == [listed.reading_id]
    (found,) = said(engine, listed)
    assert (found.rule, found.severity, found.difference) == ("STF-017", "warning", -2)
    assert found.value == "навигаторов 1, обучено 1 — в файле «Ответственные и педагоги-навигаторы» от 30.09.2023"
    assert found.expected == "не меньше: навигаторов 3, обучено 2 — по файлу «файл.xlsx» от 08.09.2023"
    newer = loaded(engine, navigators_stated(schools, 1, 1), NOON + HOUR)
    assert newer.status == "current" and judge_across(engine, "69") == [listed.reading_id]
    assert said(engine, listed) == []


@pytest.mark.parametrize(("level", "short"), [("basic", 0), ("main", 1), ("advanced", 1)])
def test_training_is_shorter_than_the_level_asks_for(
    level: str, short: int, engine: sa.Engine, schools: dict[str, int]
) -> None:
    loaded(engine, navigators_stated(schools, 2, 2, level))
    people = (("a", "navigator", 16, None), ("b", "navigator", 36, None), ("c", "navigator", 8, SEPTEMBER - DAYS))
    listed = loaded(engine, staff(schools[f"{UNIT}-1"], *people))
    judge_across(engine, "69")
    found = said(engine, listed)
    assert [each.rule for each in found] == ["STF-018"] * short
    for each in found:
        assert each.difference == -20
        assert (each.value or "").startswith("меньше 36 ч у 1 из 2 обученных")


def test_the_level_is_that_of_the_classes_where_they_have_one(engine: sa.Engine, schools: dict[str, int]) -> None:
    school = schools[f"{UNIT}-1"]
    loaded(engine, navigators_stated(schools, 1, 1, "basic"))
    listed = loaded(engine, staff(school, ("a", "navigator", 16, None)))
    judge_across(engine, "69")
    assert said(engine, listed) == []
    facts = pl.DataFrame({"school_id": [school] * 2, "grade": [6, 7], "letter": ["А", "А"], "level": ["basic", "main"]})
    levels = reading("level_choice", UNIT, facts, as_of=SEPTEMBER, slice=f"level_choice/{UNIT}/2023")
    chosen = loaded(engine, levels)
    assert chosen.status == "current" and listed.reading_id in judge_across(engine, "69")
    (found,) = said(engine, listed)
    assert (found.rule, found.difference) == ("STF-018", -20)


LINE = {
    "rule": "AG-007", "form": "", "campaign": "", "valid_from": "2023-09-01", "valid_to": "2023-12-31",
    "state": "aside", "reason": "Соглашения продлевают", "decided_by": "",
}  # fmt: skip


def test_a_rule_across_forms_is_put_aside_and_changed(
    engine: sa.Engine, schools: dict[str, int], inputs: Inputs
) -> None:
    """Slow: publishes again and again."""
    loaded(engine, states(schools, (3, 1)))
    listed = loaded(engine, agreements([schools[f"{UNIT}-1"], None]))
    judge_across(engine, "69")
    publish(engine, "69", [SEPTEMBER])
    with engine.begin() as connection:
        note_answered(connection, unanswered(connection))
    known = clock(engine)

    inputs.write("rule_states", [LINE])
    inputs.list("2023-10", SEPTEMBER, "Соглашения продлевают.")
    upgrade(engine)
    assert judge_across(engine, "69") == [listed.reading_id] and judge_across(engine, "69") == []
    (note,) = said(engine, listed)
    assert (note.rule, note.value, note.severity, note.scope) == ("COM-120", "AG-007", "note", "forms")
    assert note.message.startswith("Правило AG-007 отложено с 01.09.2023 по 31.12.2023: Соглашения продлевают. ")
    assert [each.rule for each in said(engine, listed, known)] == ["AG-007"], "so it was said then"
    with engine.connect() as connection:
        assert unanswered(connection) == [listed.reading_id]

    next_day = SEPTEMBER + DAYS
    publish(engine, "69", [SEPTEMBER, next_day])
    assert failures(engine, SEPTEMBER) == {"AG-007": "warning"}, "a published date keeps by what it was judged"
    assert failures(engine, next_day) == {"COM-120": "note"}
    assert read(engine, "rule_states", SEPTEMBER).is_empty()
    (row,) = read(engine, "rule_states", next_day).to_dicts()
    shown = {name: row[name] for name in ("rule", "rule_state", "severity", "reason", "documents_judged", "valid_to")}
    assert shown == {
        "rule": "AG-007", "rule_state": "aside", "severity": "warning", "reason": "Соглашения продлевают",
        "documents_judged": 1, "valid_to": dt.date(2023, 12, 31),
    }  # fmt: skip
    assert row["inputs_judged_by"] == "rule_states 2023-10"

    asked = Request("69", "инженер", "Правило отложено", (), (), SEPTEMBER, SEPTEMBER, "2")
    backfill_id = open_backfill(engine, replace(asked, inputs=("rule_states",), reads=False))
    compare(engine, backfill_id, wait=HOUR, on_wait=print)

    def dates(connection: sa.Connection) -> Collection[dt.date]:
        return affected_dates(connection, backfill_id)

    apply(engine, backfill_id, "2", dates, oldest=30 * DAYS, wait=HOUR, on_wait=print, approved_by="начальник")
    assert failures(engine, SEPTEMBER) == {"COM-120": "note"} and read(engine, "rule_states", SEPTEMBER).height == 1

    inputs.write("rule_states", [{**LINE, "state": "note", "form": "partner_agreements"}])
    upgrade(engine)
    assert judge_across(engine, "69") == [listed.reading_id]
    assert [(each.rule, each.severity) for each in said(engine, listed)] == [("AG-007", "note"), ("COM-120", "note")]
    inputs.write("rule_states", [{**LINE, "valid_to": "2023-09-29"}])
    assert judge_across(engine, "69") == [listed.reading_id]
    assert [(each.rule, each.severity) for each in said(engine, listed)] == [("AG-007", "warning")]


def failures(engine: sa.Engine, day: dt.date) -> dict[str, str]:
    """Rule → severity, of the list of agreements on a day."""
    found = read(engine, "rule_failures", day).filter(form="partner_agreements", sender=UNIT)
    return dict(found.select("rule", "severity").iter_rows())


def profile_classes(*classes: tuple[int, int, str | None, int]) -> Reading:
    """A list of profile classes of the unit: school, grade, letter, pupils."""
    schools, grades, letters, pupils = zip(*classes, strict=True)
    columns = {"school_id": schools, "grade": grades, "letter": letters, "pupils": pupils}
    facts = pl.DataFrame(columns, schema_overrides={"letter": pl.String})
    return reading("profile_classes", UNIT, facts, as_of=SEPTEMBER, slice=f"profile_classes/{UNIT}/2023")


def test_a_profile_class_is_in_no_list_of_levels(engine: sa.Engine, schools: dict[str, int]) -> None:
    """A class without a letter is the one without a letter; of a school that is not listed nothing is said."""
    first, second = schools[f"{UNIT}-1"], schools[f"{UNIT}-2"]
    columns = {"school_id": [first] * 3, "grade": [10, 10, 11], "letter": ["А", "Б", None], "pupils": [20, 25, 12],
               "level": ["main"] * 3}  # fmt: skip
    levels = reading("level_choice", UNIT, pl.DataFrame(columns), as_of=SEPTEMBER, slice=f"level_choice/{UNIT}/2023")
    loaded(engine, levels)
    of_first = [(first, 10, "А", 20), (first, 10, "Б", 26), (first, 10, "В", 15), (first, 11, None, 12)]
    listed = loaded(engine, profile_classes(*of_first, (second, 10, "А", 18)))
    judge_across(engine, "69")
    found = said(engine, listed)
    assert [(each.rule, (each.value or "").partition(" —")[0], each.difference) for each in found] == [
        ("PC-012", "10Б, обучающихся 26", 1), ("PC-012", "10В, обучающихся 15", None)
    ]  # fmt: skip
    assert (found[1].expected or "").startswith("такого класса нет")


def test_fewer_profile_classes_are_listed_than_a_school_states(engine: sa.Engine, schools: dict[str, int]) -> None:
    ids = [schools[f"{UNIT}-{number}"] for number in (1, 2)]
    facts = pl.DataFrame({"school_id": ids, "level": ["main"] * 2, "profile_classes": [2, 1]})
    loaded(engine, replace(report(schools, UNIT, [1, 2]), facts=facts))
    listed = loaded(engine, profile_classes((ids[0], 10, "А", 20), (ids[0], 11, "А", 20)))
    judge_across(engine, "69")
    (found,) = said(engine, listed)
    assert (found.rule, found.difference) == ("PC-013", -1)
    assert (found.value or "").startswith("0 —") and (found.expected or "").startswith("не меньше 1")


def test_agreements_that_have_ended_do_not_count(engine: sa.Engine, schools: dict[str, int]) -> None:
    loaded(engine, states(schools, (1, 0)))
    listed = loaded(engine, agreements([schools[f"{UNIT}-1"]], valid_to=SEPTEMBER - dt.timedelta(days=1)))
    judge_across(engine, "69")
    assert [finding.difference for finding in said(engine, listed)] == [-1]


def test_an_earlier_document_that_is_replaced_takes_the_finding_with_it(
    engine: sa.Engine, schools: dict[str, int]
) -> None:
    loaded(engine, states(schools, (3, 1)))
    listed = loaded(engine, agreements([schools[f"{UNIT}-1"], None]))
    judge_across(engine, "69")
    publish(engine, "69", [SEPTEMBER])
    failures = read(engine, "rule_failures", SEPTEMBER).filter(pl.col("rule") == "AG-007")
    assert failures.select("form", "sender", "failures").rows() == [("partner_agreements", UNIT, 1)]
    with engine.begin() as connection:
        note_answered(connection, [listed.reading_id])
        assert listed.reading_id not in unanswered(connection)
    known = clock(engine)

    loaded(engine, states(schools, (2, 1)), NOON + HOUR)
    assert judge_across(engine, "69") == [listed.reading_id]
    assert said(engine, listed) == []
    assert [finding.rule for finding in said(engine, listed, known)] == ["AG-007"]
    with engine.connect() as connection:
        assert listed.reading_id in unanswered(connection)
        receipt = receipts(connection, [listed.reading_id])[listed.reading_id]
    assert receipt.findings == ()
    publish(engine, "69", [SEPTEMBER])
    assert "AG-007" not in read(engine, "rule_failures", SEPTEMBER)["rule"]
    assert "AG-007" in read(engine, "rule_failures", SEPTEMBER, known)["rule"]


def test_a_newer_list_is_told_and_the_old_receipt_stays(engine: sa.Engine, schools: dict[str, int]) -> None:
    loaded(engine, states(schools, (1, 1)))
    old = loaded(engine, agreements([schools[f"{UNIT}-1"]]))
    judge_across(engine, "69")
    with engine.begin() as connection:
        note_answered(connection, [old.reading_id])
    new = loaded(engine, agreements([schools[f"{UNIT}-1"]] * 2), NOON + HOUR)
    assert judge_across(engine, "69") == [new.reading_id]
    assert said(engine, old) == []
    with engine.connect() as connection:
        assert old.reading_id not in unanswered(connection)


def test_a_backfill_takes_what_it_mends_and_a_revert_brings_it_back(engine: sa.Engine, schools: dict[str, int]) -> None:
    """Slow: publishes for a plan, its application and its revert."""
    made = delivery(engine)
    load(engine, states(schools, (3, 1)), made, VERSION)
    listed = loaded(engine, agreements([schools[f"{UNIT}-1"], None]))
    judge_across(engine, "69")
    publish(engine, "69", [SEPTEMBER])
    asked = Request("69", "инженер", "Число читалось неверно", ("readiness_report",), (UNIT,), DAY, DAY, "2")
    backfill_id = open_backfill(engine, asked)
    propose_readings(engine, backfill_id, [(states(schools, (2, 1)), made)], "2", None)
    compare(engine, backfill_id, wait=HOUR, on_wait=print)
    assert judge_across(engine, "69") == [] and len(said(engine, listed)) == 1

    def dates(connection: sa.Connection) -> Collection[dt.date]:
        return affected_dates(connection, backfill_id)

    apply(engine, backfill_id, "2", dates, oldest=30 * DAYS, wait=HOUR, on_wait=print, approved_by="начальник")
    assert said(engine, listed) == []
    assert "AG-007" not in read(engine, "rule_failures", SEPTEMBER)["rule"]
    revert(engine, backfill_id, dates, wait=HOUR, on_wait=print)
    assert [finding.rule for finding in said(engine, listed)] == ["AG-007"]
    assert "AG-007" in read(engine, "rule_failures", SEPTEMBER)["rule"]
    assert judge_across(engine, "69") == []


def test_the_receipt_of_what_was_read_again_follows_the_findings(engine: sa.Engine, schools: dict[str, int]) -> None:
    """Slow: publishes for a plan, its application and its revert."""
    loaded(engine, states(schools, (3, 1)))
    made = delivery(engine)
    first = load(engine, agreements([schools[f"{UNIT}-1"], None]), made, VERSION)
    judge_across(engine, "69")
    publish(engine, "69", [SEPTEMBER])
    with engine.begin() as connection:
        note_answered(connection, unanswered(connection))
    asked = Request(
        "69", "инженер", "Срок читался неверно", ("partner_agreements",), (UNIT,), SEPTEMBER, SEPTEMBER, "2"
    )
    backfill_id = open_backfill(engine, asked)
    again = agreements([schools[f"{UNIT}-1"], None], valid_to=OCTOBER)
    assert propose_readings(engine, backfill_id, [(again, made)], "2", None) == 1
    with engine.connect() as connection:
        proposed = replace(first, reading_id=connection.scalar(sa.text("SELECT max(reading_id) FROM ops.reading")))
    compare(engine, backfill_id, wait=HOUR, on_wait=print)

    def dates(connection: sa.Connection) -> Collection[dt.date]:
        return affected_dates(connection, backfill_id)

    def owed() -> list[int]:
        with engine.connect() as connection:
            return unanswered(connection)

    apply(engine, backfill_id, "2", dates, oldest=30 * DAYS, wait=HOUR, on_wait=print, approved_by="начальник")
    assert said(engine, first) == [] and len(said(engine, proposed)) == 1
    assert owed() == [], "it says what it said before: the receipt stays"

    newer = loaded(engine, states(schools, (2, 1)), NOON + HOUR)
    assert judge_across(engine, "69") == [proposed.reading_id]
    assert sorted(owed()) == [proposed.reading_id, newer.reading_id]
    with engine.begin() as connection:
        assert receipts(connection, [proposed.reading_id])[proposed.reading_id].findings == ()
        note_answered(connection, owed())
    revert(engine, backfill_id, dates, wait=HOUR, on_wait=print)
    assert owed() == [first.reading_id], "its receipt was written of the other reading in the meantime"


def test_hours_of_meetings_are_below_the_norm_from_march_on(engine: sa.Engine, schools: dict[str, int]) -> None:
    first, second = schools[f"{UNIT}-1"], schools[f"{UNIT}-2"]
    loaded(engine, states(schools, (0, 0), level="advanced"))
    autumn = loaded(engine, meetings({first: 2}, DAY, OCTOBER))
    judge_across(engine, "69")
    assert said(engine, autumn) == []
    spring = loaded(engine, meetings({first: 2, second: 4}, DAY, MARCH), NOON + HOUR)
    assert judge_across(engine, "69") == [spring.reading_id]
    (found,) = said(engine, spring)
    assert (found.rule, found.column, found.difference) == ("PM-003", "hours", -2)
    assert found.value and found.value.startswith("2 — ")
    assert found.expected and found.expected.startswith("не меньше 4 ч — ")


def test_a_meeting_that_was_held_is_in_no_list(engine: sa.Engine, schools: dict[str, int]) -> None:
    listed = meetings({schools[f"{UNIT}-1"]: 2}, DAY, OCTOBER)
    loaded(engine, listed)
    planned = loaded(engine, plan_of_events("planned", OCTOBER))
    assert judge_across(engine, "69") == []
    held = loaded(engine, plan_of_events("held", OCTOBER), NOON + HOUR)
    assert judge_across(engine, "69") == [held.reading_id]
    (found,) = said(engine, held)
    assert found.rule == "EPL-007" and found.message.startswith("Общее собрание (10.2023): Родительское собрание")
    assert said(engine, planned) == []
    loaded(engine, meetings({schools[f"{UNIT}-1"]: 2}, dt.date(2023, 10, 20), OCTOBER), NOON + 2 * HOUR)
    assert judge_across(engine, "69") == [held.reading_id]
    assert said(engine, held) == []


def events(held: list[tuple[int, str, dt.date]], as_of: dt.date) -> Reading:
    """A list of events of the unit: school, tax number of the host, day."""
    facts = pl.DataFrame(held, schema={"school_id": pl.Int64, "host_inn": pl.String, "held_on": pl.Date}, orient="row")
    facts = facts.with_columns(
        title=pl.lit("Экскурсия"),
        starts_at=pl.lit(None, pl.String),
        grades=pl.lit("8-9"),
        host_name=pl.lit("ООО «Завод»"),
    )
    return reading("practice_events", UNIT, facts, as_of=as_of, slice=f"practice_events/{UNIT}/2023")


def test_a_host_has_no_agreement_on_the_day_of_the_event(engine: sa.Engine, schools: dict[str, int]) -> None:
    first, second = schools[f"{UNIT}-1"], schools[f"{UNIT}-2"]
    before, after = SEPTEMBER - 20 * DAYS, SEPTEMBER - 2 * DAYS
    held = [(first, "7000000000", before), (first, "7000000000", after), (second, "7000000001", after)]
    listed = loaded(engine, events([*held, (second, "7000000001", OCTOBER)], OCTOBER))
    assert judge_across(engine, "69") == []
    signed = agreements([None])
    facts = signed.facts.with_columns(signed_on=pl.lit(after))
    loaded(engine, replace(signed, facts=facts))
    assert judge_across(engine, "69") == [listed.reading_id]
    found = {finding.value: finding for finding in said(engine, listed)}
    assert {finding.rule for finding in found.values()} == {"EV-012"}
    assert sorted(value.split(" — ")[0] for value in found if value) == ["10.09.2023", "28.09.2023"]
    places = [finding.message.split(" (ИНН")[0] for finding in found.values()]
    named = [f"Школа {UNIT}-{number} ({UNIT}-{number}): ООО «Завод»" for number in (1, 2)]
    assert sorted(places) == named, "the school is named, and the host"


def practice(*held: tuple[int, str, int, float], as_of: dt.date = OCTOBER) -> Reading:
    """A list of events of the unit of one day: school, grades, pupils, hours."""
    schools, grades, pupils, hours = zip(*held, strict=True)
    columns = {
        "school_id": schools, "held_on": [DAY] * len(held), "title": [f"Проба {n}" for n in range(len(held))],
        "starts_at": ["10:00"] * len(held), "host_inn": ["7000000000"] * len(held),
        "grades": grades, "pupils": pupils, "hours": [float(each) for each in hours],
    }  # fmt: skip
    slice_ = f"practice_events/{UNIT}/2023"
    return reading("practice_events", UNIT, pl.DataFrame(columns), as_of=as_of, slice=slice_)


def test_more_pupils_came_than_the_classes_have(engine: sa.Engine, schools: dict[str, int]) -> None:
    """20 pupils a class; of a school that is in no list nothing is said."""
    first, second = schools[f"{UNIT}-1"], schools[f"{UNIT}-2"]
    levels = levels_of([(first, 8, "А", "main"), (first, 8, "Б", "main"), (first, 9, None, "basic")])
    loaded(engine, levels)
    held = practice((first, "8-8", 40, 2), (first, "8-9", 61, 2), (first, "10-10", 5, 2), (second, "6-6", 900, 2))
    listed = loaded(engine, held)
    assert judge_across(engine, "69") == [listed.reading_id]
    found = said(engine, listed)
    assert [(each.rule, each.severity, each.column, each.difference) for each in found] == [
        ("EV-003", "warning", "pupils", 1), ("EV-003", "warning", "pupils", 5)
    ]  # fmt: skip
    assert found[0].value == "Проба 1, 08.09.2023 10:00: 61 — в файле «файл.xlsx» от 31.10.2023"
    assert found[0].expected == "не больше 60 — столько в 8–9 классах — по файлу «файл.xlsx» от 30.09.2023"
    grown = levels.facts.with_columns(pupils=21)
    loaded(engine, replace(levels, facts=grown), NOON + HOUR)
    assert judge_across(engine, "69") == [listed.reading_id]
    assert [each.difference for each in said(engine, listed)] == [5], "the list of classes was replaced"


def test_classes_lack_hours_of_practice_from_may_on(engine: sa.Engine, schools: dict[str, int]) -> None:
    first, second = schools[f"{UNIT}-1"], schools[f"{UNIT}-2"]
    classes = [
        (first, 8, "А", "main"), (first, 8, "Б", "main"), (first, 9, None, "advanced"), (first, 7, "А", "basic"),
        (second, 10, None, "main"),
    ]  # fmt: skip
    loaded(engine, levels_of(classes))
    held = ((first, "8-9", 20, 8), (first, "9-9", 20, 10), (first, "6-8", 20, 2.5))
    april = loaded(engine, practice(*held, as_of=dt.date(2024, 4, 30)))
    judge_across(engine, "69")
    assert said(engine, april) == [], "the year goes on"
    may = loaded(engine, practice(*held, as_of=dt.date(2024, 5, 1)), NOON + HOUR)
    assert judge_across(engine, "69") == [may.reading_id]
    found = said(engine, may)
    assert [(each.rule, each.severity, each.difference) for each in found] == [
        ("EV-005", "warning", -1.5), ("EV-005", "warning", -12)
    ]  # fmt: skip
    assert [(each.value or "").partition(" — ")[0] for each in found] == ["8А, 8Б: 10.5 ч", "10: 0 ч"]
    assert (found[0].expected or "").startswith("не меньше 12 ч — по файлу")
    more = practice(*held, (first, "8-8", 20, 1.5), (second, "10-11", 20, 12), as_of=MAY)
    mended = loaded(engine, more, NOON + 2 * HOUR)
    judge_across(engine, "69")
    assert said(engine, mended) == []


def test_what_a_killed_run_has_not_judged_the_next_one_does(engine: sa.Engine, schools: dict[str, int]) -> None:
    loaded(engine, states(schools, (2, 0)))
    listed = loaded(engine, agreements([schools[f"{UNIT}-1"]]))
    with engine.begin() as connection:
        connection.execute(sa.text(KILL))
    with pytest.raises(DBAPIError, match="killed"):
        judge_across(engine, "69")
    assert said(engine, listed) == []
    with engine.begin() as connection:
        connection.execute(sa.text("DROP TRIGGER killed ON ops.judged_across"))
    assert judge_across(engine, "69") == [listed.reading_id]
    assert [finding.rule for finding in said(engine, listed)] == ["AG-007"]


def levels_of(classes: list[tuple[int, int, str | None, str]]) -> Reading:
    """A list of levels of the unit: school, grade, letter, level."""
    schema = {"school_id": pl.Int64, "grade": pl.Int64, "letter": pl.String, "level": pl.String}
    facts = pl.DataFrame(classes, schema=schema, orient="row").with_columns(pupils=20, pupils_planned=20)
    return reading("level_choice", UNIT, facts, as_of=SEPTEMBER, slice=f"level_choice/{UNIT}/2023")


def hours_of(given: list[tuple[int, int, str | None, str, float]]) -> Reading:
    """Hours of September: school, grade, letter, direction, hours."""
    schema = {
        "school_id": pl.Int64, "grade": pl.Int64, "letter": pl.String, "direction": pl.String, "hours": pl.Float64,
    }  # fmt: skip
    facts = pl.DataFrame(given, schema=schema, orient="row").with_columns(month=pl.lit("9"))
    return reading("hours_delivered", UNIT, facts, as_of=SEPTEMBER, slice=f"hours_delivered/{UNIT}/2023-09")


def test_a_class_that_no_list_of_levels_knows(engine: sa.Engine, schools: dict[str, int]) -> None:
    first, second = schools[f"{UNIT}-1"], schools[f"{UNIT}-2"]
    course = "extracurricular_rmg"
    given = loaded(
        engine, hours_of([(first, 7, "А", course, 4), (first, 7, "Б", course, 4), (second, 9, None, course, 3)])
    )
    assert judge_across(engine, "69") == []
    loaded(engine, levels_of([(first, 7, "А", "basic"), (second, 9, None, "main")]))
    assert judge_across(engine, "69") == [given.reading_id]
    (found,) = said(engine, given)
    assert found.rule == "HRS-005" and found.value and found.value.startswith("7Б — ")
    loaded(
        engine, levels_of([(first, 7, "А", "basic"), (first, 7, "Б", "basic"), (second, 9, None, "main")]), NOON + HOUR
    )
    assert judge_across(engine, "69") == [given.reading_id]
    assert said(engine, given) == []


def test_hours_of_a_direction_that_is_no_part_of_the_level(engine: sa.Engine, schools: dict[str, int]) -> None:
    first = schools[f"{UNIT}-1"]
    loaded(engine, levels_of([(first, 7, "А", "basic"), (first, 8, "А", "main")]))
    practice = "practice_module"
    given = loaded(engine, hours_of([(first, 7, "А", practice, 2), (first, 8, "А", practice, 2)]))
    assert judge_across(engine, "69") == [given.reading_id]
    (found,) = said(engine, given)
    assert found.rule == "HRS-006" and found.value and found.value.startswith("7А — ")
    assert "Практико-ориентированный модуль" in found.message


def timetable(school: int, *lessons: tuple[int, str | None, str, str]) -> Reading:
    """A timetable of the unit with lessons of one school: grade, letter, weekday, subject."""
    grades, letters, weekdays, subjects = zip(*lessons, strict=True)
    columns = {
        "school_id": [school] * len(lessons), "grade": grades, "letter": letters, "weekday": weekdays,
        "lesson": list(range(1, len(lessons) + 1)), "subject": subjects,
    }  # fmt: skip
    facts = pl.DataFrame(columns, schema_overrides={"letter": pl.String})
    return reading("timetable", UNIT, facts, as_of=SEPTEMBER, slice=f"timetable/{UNIT}/2023")


def classes_listed(school: int, *classes: tuple[int, str | None]) -> Reading:
    grades, letters = zip(*classes, strict=True)
    columns = {
        "school_id": [school] * len(classes),
        "grade": grades,
        "letter": letters,
        "level": ["basic"] * len(classes),
    }
    facts = pl.DataFrame(columns, schema_overrides={"letter": pl.String})
    return reading("level_choice", UNIT, facts, as_of=SEPTEMBER, slice=f"level_choice/{UNIT}/2023")


def in_timetable(ids: dict[str, int], *answers: bool) -> Reading:
    """A readiness report in which schools of the unit say whether the lesson is in the timetable."""
    schools = [ids[f"{UNIT}-{number}"] for number in range(1, len(answers) + 1)]
    facts = pl.DataFrame({"school_id": schools, "rmg_in_timetable": list(answers)})
    return replace(report(ids, UNIT, list(range(1, len(answers) + 1))), facts=facts)


def test_a_report_says_that_the_lesson_is_in_the_timetable(engine: sa.Engine, schools: dict[str, int]) -> None:
    first = schools[f"{UNIT}-1"]
    loaded(engine, in_timetable(schools, True, True))
    without = loaded(engine, timetable(first, (6, "А", "thursday", "other"), (5, None, "thursday", "rmg")))
    judge_across(engine, "69")
    (found,) = said(engine, without)
    assert (found.rule, found.severity, found.scope) == ("TT-010", "warning", "forms")
    assert found.value == "занятия нет — в файле «файл.xlsx» от 30.09.2023"
    assert found.expected == "занятие в расписании: «да» — по файлу «файл.xlsx» от 08.09.2023"
    loaded(engine, in_timetable(schools, False, True), NOON + HOUR)
    judge_across(engine, "69")
    assert said(engine, without) == [], "the report was mended"
    loaded(engine, in_timetable(schools, True, True), NOON + 2 * HOUR)
    for lesson in ("rmg", "rmg_in_part", "rmg_perhaps"):
        mended = loaded(engine, timetable(first, (6, "А", "thursday", lesson)), NOON + 3 * HOUR)
        judge_across(engine, "69")
        assert said(engine, mended) == [], lesson


def test_classes_of_a_timetable_that_no_list_knows(engine: sa.Engine, schools: dict[str, int]) -> None:
    first, second = schools[f"{UNIT}-1"], schools[f"{UNIT}-2"]
    listed = loaded(engine, classes_listed(first, (6, "А"), (9, None)))
    lessons = [(6, "А"), (6, "Б"), (9, None), (10, "кадетский"), (5, "А")]
    made = loaded(engine, timetable(first, *((*each, "thursday", "rmg") for each in lessons)))
    judge_across(engine, "69")
    found = said(engine, made)
    assert {(each.rule, each.severity) for each in found} == {("TT-005", "warning")}
    assert [each.value for each in found] == [
        f"{name} — в файле «файл.xlsx» от 30.09.2023" for name in ("6Б", "10 кадетский")
    ]
    assert said(engine, listed) == []
    other = loaded(engine, timetable(second, (6, "Б", "thursday", "rmg")), NOON + HOUR)
    judge_across(engine, "69")
    assert said(engine, other) == [], "a school that is in no list is told otherwise"


def test_classes_of_a_list_that_no_timetable_has(engine: sa.Engine, schools: dict[str, int]) -> None:
    first = schools[f"{UNIT}-1"]
    loaded(engine, classes_listed(first, (6, "А"), (9, None), (11, "1")))
    made = loaded(engine, timetable(first, (6, "А", "thursday", "rmg")))
    judge_across(engine, "69")
    found = said(engine, made)
    assert [(each.rule, each.value) for each in found] == [
        ("TT-013", f"класса {name} нет — в файле «файл.xlsx» от 30.09.2023") for name in ("9", "11-1")
    ]
    assert found[1].expected == "занятия класса 11-1 — по файлу «файл.xlsx» от 30.09.2023"


def journal(school: int, *lessons: tuple[int, str | None, dt.date], as_of: dt.date = SEPTEMBER) -> Reading:
    """A journal of the unit with lessons of one school: grade, letter, day; an hour each."""
    grades, letters, days = zip(*lessons, strict=True)
    columns = {
        "school_id": [school] * len(lessons), "grade": grades, "letter": letters, "held_on": days,
        "hours": [1.0] * len(lessons), "present": [20] * len(lessons),
    }  # fmt: skip
    facts = pl.DataFrame(columns, schema_overrides={"letter": pl.String})
    return reading("lesson_journal", UNIT, facts, as_of=as_of, slice=f"lesson_journal/{UNIT}/2023")


def test_classes_of_a_journal_that_no_list_knows(engine: sa.Engine, schools: dict[str, int]) -> None:
    first, second = schools[f"{UNIT}-1"], schools[f"{UNIT}-2"]
    day = dt.date(2023, 9, 7)
    loaded(engine, classes_listed(first, (6, "А"), (9, None)))
    held = [(6, "А", day), (6, "Б", day), (6, "Б", day + 7 * DAYS), (9, None, day), (10, "кадетский", day)]
    made = loaded(engine, journal(first, *held))
    judge_across(engine, "69")
    one, found = sorted(said(engine, made), key=lambda each: each.value or "", reverse=True)
    assert (found.rule, found.severity) == (one.rule, one.severity) == ("LSN-010", "warning")
    assert found.value == "10 кадетский — в файле «файл.xlsx» от 30.09.2023"
    assert "класс из списка уровней — по файлу «файл.xlsx»" in (found.expected or "")
    assert (one.value or "").startswith("6Б — ")
    other = loaded(engine, journal(second, (6, "Б", day)), NOON + HOUR)
    judge_across(engine, "69")
    assert said(engine, other) == [], "a school that is in no list is told otherwise"


def test_what_is_explained_of_a_class_stays_so_when_other_classes_come_and_go(
    engine: sa.Engine, schools: dict[str, int]
) -> None:
    first, day = schools[f"{UNIT}-1"], dt.date(2023, 9, 7)
    asked = sa.text("SELECT finding_key FROM ops.warnings_of(ARRAY[:reading]) WHERE rule = 'LSN-010'")

    def keys(turn: int, *classes: tuple[int, str]) -> set[str]:
        listed = [(6, "А", day + n * 7 * DAYS) for n in range(4)]
        made = loaded(engine, journal(first, *listed, *((*each, day) for each in classes)), NOON + turn * HOUR)
        judge_across(engine, "69")
        with engine.connect() as connection:
            return set(connection.execute(asked, {"reading": made.reading_id}).scalars())

    loaded(engine, classes_listed(first, (6, "А"), (9, None)))
    one = keys(0, (7, "Г"))
    three = keys(1, (6, "Б"), (7, "Г"), (8, "В"))
    both = keys(2, (6, "Б"), (7, "Г"))
    assert (len(one), len(both), len(three)) == (1, 2, 3) and one < both < three


KEYS = sa.text("SELECT rule, finding_key FROM ops.warnings_of(ARRAY[:reading])")
Things = tuple[tuple[int, str], ...]


@pytest.mark.parametrize("rule", ["TT-005", "TT-013", "LSN-011", "EV-012"])
def test_what_is_explained_of_one_thing_stays_so_when_others_come_and_go(
    engine: sa.Engine, schools: dict[str, int], rule: str
) -> None:
    """Things are classes 6А, 7А, … beside which one is in order; of events, days of one host."""
    first, thursday = schools[f"{UNIT}-1"], dt.date(2023, 9, 7)
    in_order: Things = ((6, "А"),)

    def readings(things: Things) -> tuple[Reading, Reading]:
        both = (*in_order, *things)
        lessons = tuple((*each, "thursday", "rmg") for each in both)
        day = DAY - 30 * DAYS
        if rule == "TT-005":
            return classes_listed(first, *in_order), timetable(first, *lessons)
        if rule == "TT-013":
            return classes_listed(first, *both), timetable(first, *lessons[:1])
        if rule == "LSN-011":
            hours = [(first, *each, "extracurricular_rmg", 2.0) for each in things]
            return hours_of(hours), journal(first, *((*each, thursday) for each in both))
        held = [(first, "7000000000", day + grade * DAYS) for grade, _ in things]
        return agreements([None]), events(held, OCTOBER)

    def keys(turn: int, *things: tuple[int, str]) -> set[str]:
        other, own = readings(things)
        loaded(engine, other, NOON + 2 * turn * HOUR)
        made = loaded(engine, own, NOON + (2 * turn + 1) * HOUR)
        judge_across(engine, "69")
        with engine.connect() as connection:
            found = connection.execute(KEYS, {"reading": made.reading_id}).tuples()
            return {key for broken, key in found if broken == rule}

    both = ((7, "Г"), (8, "В"))
    one, three, others = keys(0, (7, "Г")), keys(1, *both, (9, "Б")), keys(2, *both, (10, "Д"))
    assert (len(one), len(three), len(others)) == (1, 3, 3)
    assert one < three & others and len(three & others) == 2


def test_more_hours_are_reported_than_the_journal_shows(engine: sa.Engine, schools: dict[str, int]) -> None:
    first, second = schools[f"{UNIT}-1"], schools[f"{UNIT}-2"]
    course, day = "extracurricular_rmg", dt.date(2023, 9, 7)
    both = [(7, "А", day), (7, "А", day + 7 * DAYS), (8, None, day)]
    kept = loaded(engine, journal(first, *both))
    hours = [(first, 7, "А", course, 2), (first, 8, None, course, 1), (second, 9, None, course, 4)]
    loaded(engine, hours_of([*hours, (first, 8, None, "curricular", 3)]))
    judge_across(engine, "69")
    assert said(engine, kept) == [], "other directions and schools without a journal are not compared"
    loaded(engine, hours_of([(first, 7, "А", course, 4), *hours[1:], (first, 8, None, "curricular", 3)]), NOON + HOUR)
    assert judge_across(engine, "69") == [kept.reading_id]
    (found,) = said(engine, kept)
    assert (found.rule, found.severity, found.difference) == ("LSN-011", "warning", -2)
    assert found.value == "7А за 09.2023: 2 — в файле «файл.xlsx» от 30.09.2023"
    assert found.expected == "7А за 09.2023: не меньше 4 ч — по файлу «файл.xlsx» от 30.09.2023"
    early = loaded(engine, journal(first, *both, as_of=SEPTEMBER - 2 * DAYS), NOON + 2 * HOUR)
    judge_across(engine, "69")
    assert said(engine, early) == [], "the report is of a day after the journal, and the month was not over"
