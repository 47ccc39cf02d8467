"""What may replace what: a reading counts by itself only if it bears what it would take the place of."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest
import sqlalchemy as sa
from hand_made import (
    DAY,
    NOON,
    VERSION,
    accepted,
    delivery,
    delivery_of,
    export,
    loaded,
    plan,
    read,
    reading,
    refused,
    report,
    school_ids,
    school_register,
    unit,
)  # fmt: skip

from contracts.reading import Reading, Rows
from warehouse.deliveries.decision import NotWaiting, decide, held
from warehouse.deliveries.in_force import in_force
from warehouse.deliveries.load import load
from warehouse.deliveries.recall import unpublished
from warehouse.deliveries.received import readings_of, waiting
from warehouse.marts.publication import publish
from warehouse.watch.law import examined

HOUR = dt.timedelta(hours=1)
TOMORROW = DAY + dt.timedelta(days=1)
UNITS = ("aleksandrovsky", "asinovsky", "bakcharsky", "chainsky", "kedrovy", "seversk")


@pytest.fixture
def ids(engine: sa.Engine) -> dict[str, int]:
    loaded(engine, school_register({"asinovsky": 10, "chainsky": 10}))
    return school_ids(engine)


def status(engine: sa.Engine, reading_id: int) -> str:
    with engine.connect() as connection:
        statement = sa.text("SELECT status FROM ops.reading WHERE reading_id = :r")
        return str(connection.execute(statement, {"r": reading_id}).scalar_one())


def pupils(ids: dict[str, int], many: int, schools: int = 10, **changed: object) -> Reading:
    """An export of so many pupils in so many of the schools, each pupil a row."""
    each = dict.fromkeys(sorted(ids)[:schools], many // schools)
    each["asinovsky-1"] += many - sum(each.values())
    return replace(export(ids, each, **changed), rows=Rows(many + 1, many, 0, 1))


def with_navigators(ids: dict[str, int], unit: str, each: int, classes: int) -> Reading:
    made = report(ids, unit, range(1, 11))
    return replace(made, facts=made.facts.with_columns(navigators=each, profile_classes=pl.Series([classes] + [0] * 9)))


def night(ids: dict[str, int], many: int, schools: int = 10) -> Reading:
    return pupils(ids, many, schools, as_of=TOMORROW)


def journal(ids: dict[str, int], *days: dt.date, as_of: dt.date) -> Reading:
    """A journal of a class with a lesson a day."""
    columns = {"school_id": [ids["asinovsky-1"]], "grade": [6], "letter": ["А"], "hours": [1.0], "present": [20]}
    facts = pl.DataFrame({name: value * len(days) for name, value in columns.items()} | {"held_on": days})
    return reading("lesson_journal", "asinovsky", facts, as_of=as_of, slice="lesson_journal/asinovsky/2023")


def test_a_list_of_the_year_so_far_that_lacks_an_earlier_month_is_held(engine: sa.Engine, ids: dict[str, int]) -> None:
    september = [dt.date(2023, 9, day) for day in (7, 14, 21, 28)]
    october = [dt.date(2023, 10, day) for day in (5, 12, 19, 26)]
    later = dt.date(2023, 10, 31)
    loaded(engine, journal(ids, *september, as_of=dt.date(2023, 9, 30)))
    alone = loaded(engine, journal(ids, *october, as_of=later), NOON + HOUR)
    assert alone.status == "held", "as many rows, of October alone"
    (said,) = alone.history["message"].to_list()
    assert "нет ни одной строки за 09.2023 (было строк: 4)" in said
    assert loaded(engine, journal(ids, *september, *october, as_of=later), NOON + 2 * HOUR).status == "current"
    fewer = journal(ids, *september[1:], *october, dt.date(2023, 11, 2), as_of=dt.date(2023, 11, 3))
    assert loaded(engine, fewer, NOON + 3 * HOUR).status == "current", "a lesson of a month may be taken back"


def test_each_figure_that_falls_beyond_the_bound_holds_a_reading(engine: sa.Engine, ids: dict[str, int]) -> None:
    """Rows, schools, units, pupils and totals: each falls once just beyond a fifth, and once by a fifth."""
    units = dict.fromkeys(UNITS, 100)
    cases = {
        "rows": (report(ids, "asinovsky", range(1, 11)), report(ids, "asinovsky", range(1, 8)), "строк: 7"),
        "rows set aside": (
            report(ids, "asinovsky", range(1, 11)), report(ids, "asinovsky", range(1, 8), [8, 9, 10]), "3 отложено",
        ),
        "schools": (pupils(ids, 100), pupils(ids, 100, 7), "школ: 7"),
        "units": (plan(units), plan(dict.fromkeys(UNITS[:4], 150)), "единиц: 4"),
        "pupils": (
            export(ids, {f"asinovsky-{n}": 10 for n in range(1, 11)}),
            export(ids, {f"asinovsky-{n}": 7 for n in range(1, 11)}), "«Зарегистрировано»: 70",
        ),
        "a total": (plan(units), plan(dict.fromkeys(UNITS, 79)), "«План регистрации, чел.»: 474"),
        "another total": (
            with_navigators(ids, "asinovsky", 5, 1), with_navigators(ids, "asinovsky", 3, 1), "-навигаторов»: 30",
        ),
    }  # fmt: skip
    for hours, (name, (before, after, said)) in enumerate(cases.items()):
        loaded(engine, before, NOON + 2 * hours * HOUR)
        result = loaded(engine, after, NOON + (2 * hours + 1) * HOUR)
        assert result.status == "held", name
        assert "COM-020" in result.history["rule"].to_list(), name
        assert any(said in message for message in result.history["message"]), (name, result.history["message"])
    kept = {
        "rows": (report(ids, "chainsky", range(1, 11)), report(ids, "chainsky", range(1, 9))),
        "schools and pupils": (
            export(ids, {f"asinovsky-{n}": 10 for n in range(1, 11)}, as_of=dt.date(2024, 10, 1)),
            export(ids, {f"asinovsky-{n}": 10 for n in range(1, 9)}, as_of=dt.date(2024, 10, 1)),
        ),
        "units and plan": (
            plan(dict.fromkeys(UNITS[:5], 100), as_of=dt.date(2024, 10, 1)),
            plan(dict.fromkeys(UNITS[:4], 100), as_of=dt.date(2024, 10, 1)),
        ),
        "few": (with_navigators(ids, "chainsky", 5, 5), with_navigators(ids, "chainsky", 4, 0)),
    }
    for hours, (name, (before, after)) in enumerate(kept.items()):
        loaded(engine, before, NOON + (30 + 2 * hours) * HOUR)
        assert loaded(engine, after, NOON + (31 + 2 * hours) * HOUR).status == "current", name


def test_an_export_is_compared_with_that_of_the_night_before(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, pupils(ids, 4828))
    publish(engine, "69", [DAY])
    fallen = loaded(engine, night(ids, 21), NOON + HOUR)
    assert (fallen.status, fallen.history["value"].to_list()) == ("held", ["21", "21"])
    assert "REX-006" not in fallen.history["rule"].to_list()  # it is told once
    publish(engine, "69", [DAY, TOMORROW])
    row = unit(engine, "registration_by_municipality", "asinovsky", TOMORROW)
    assert (row["actual_pupils"], row["export_as_of"], row["is_final"]) == (4828, DAY, False)
    school = read(engine, "registration_by_school", TOMORROW).row(0, named=True)
    assert (school["completeness"], school["is_final"], school["export_as_of"]) == (0.0, False, DAY)
    (told,) = read(engine, "delivery_health", TOMORROW).filter(pl.col("form") == "registration_export").to_dicts()
    assert (told["status"], told["status_name"], told["is_received"]) == ("held", "Ждёт решения", False)
    rate = read(engine, "reporting_rate", TOMORROW).filter(pl.col("form") == "registration_export").row(0, named=True)
    assert (rate["held"], rate["received"], rate["missing"]) == (1, 0, 0)
    # the next academic year begins anew
    first = dt.date(2024, 9, 2)
    assert loaded(engine, pupils(ids, 21, as_of=first), NOON + 2 * HOUR).status == "current"


def test_what_counts_of_a_date_without_an_export_is_what_holds_on_it(engine: sa.Engine, ids: dict[str, int]) -> None:
    first = loaded(engine, pupils(ids, 4828))
    fallen, early, later = (
        loaded(engine, refused("registration_export", "regional_operator", as_of=day), NOON + HOUR)
        for day in (TOMORROW, DAY - dt.timedelta(days=1), dt.date(2024, 9, 9))
    )
    with engine.connect() as connection:
        found = in_force(connection, [fallen.reading_id, early.reading_id, later.reading_id])
    held_then = found[fallen.reading_id]
    assert held_then is not None and (held_then.reading_id, held_then.as_of) == (first.reading_id, DAY)
    assert (found[early.reading_id], found[later.reading_id]) == (None, None)  # a later date; another year


def test_completeness_tells_what_is_there_of_what_was(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, pupils(ids, 4828, 20))
    accepted(engine, loaded(engine, night(ids, 21, 20), NOON + HOUR))
    publish(engine, "69", [DAY, TOMORROW])
    first, second = (read(engine, "registration_by_school", day).row(0, named=True) for day in (DAY, TOMORROW))
    assert (first["completeness"], first["is_final"]) == (1.0, True)
    assert (second["completeness"], second["is_final"]) == (pytest.approx(21 / 4828), True)
    with engine.connect() as connection:
        assert [law.name for law in examined(connection) if law.times] == ["rows_balance"][:0]


def test_an_export_with_none_before_it_is_measured_by_the_register(engine: sa.Engine, ids: dict[str, int]) -> None:
    """Two schools have no pupils of these grades, half of the others no row: a late night, and another year."""
    loaded(engine, pupils(ids, 4828, 20))
    of_two = pl.when(pl.col("school_code").is_in(["chainsky-1", "chainsky-2"])).then(0).otherwise(100)
    register = school_register({"asinovsky": 10, "chainsky": 10})
    loaded(engine, replace(register, facts=register.facts.with_columns(pupils_6_11=of_two)), NOON + HOUR)
    days = [DAY - dt.timedelta(days=1), dt.date(2024, 9, 9), dt.date(2024, 9, 10)]
    for day in days:
        assert loaded(engine, pupils(ids, 21, 9, as_of=day), NOON + 2 * HOUR).status == "current"
    publish(engine, "69", [DAY, *days])
    told = [read(engine, "registration_by_school", day)["completeness"][0] for day in (DAY, *days)]
    assert told == [1.0, 0.5, 0.5, 0.5]
    with engine.connect() as connection:
        assert [law.name for law in examined(connection) if law.times] == []


def test_rows_that_are_set_aside_are_not_there(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, replace(pupils(ids, 90, 20), rows=Rows(101, 90, 10, 1), verdict="partial"))
    publish(engine, "69", [DAY])
    row = read(engine, "registration_by_school").row(0, named=True)
    assert (row["completeness"], row["is_final"]) == (0.9, True)


def test_a_reading_without_a_loaded_row_replaces_nothing(engine: sa.Engine, ids: dict[str, int]) -> None:
    empty = report(ids, "chainsky", [], [1, 2])
    first = loaded(engine, empty)
    assert (first.status, first.reading.verdict) == ("current", "partial")  # nothing stood before
    good = loaded(engine, report(ids, "chainsky", [1, 2, 3]), NOON + HOUR)
    assert good.superseded == first.reading_id
    again = loaded(engine, report(ids, "chainsky", [], [1, 2, 3]), NOON + 2 * HOUR)
    assert (again.status, again.superseded, again.reading.verdict) == ("current", None, "refused")
    assert [(each["rule"], each["severity"], each["value"]) for each in again.history.to_dicts()] == [
        ("COM-071", "refuse", "0")
    ]
    assert status(engine, good.reading_id) == "current"


def test_a_register_that_loses_a_school_is_held(engine: sa.Engine, ids: dict[str, int]) -> None:
    grown = loaded(engine, school_register({"asinovsky": 11, "chainsky": 10}), NOON + HOUR)
    assert (grown.status, grown.history.height) == ("current", 0)
    exchanged = loaded(engine, school_register({"asinovsky": 10, "chainsky": 11}), NOON + 2 * HOUR)
    (told,) = exchanged.history.to_dicts()
    assert (exchanged.status, told["rule"], told["difference"]) == ("held", "COM-070", -1.0)
    assert "Нет школ: 1 — Школа asinovsky-11 (asinovsky-11)." in told["message"]
    later = loaded(engine, school_register({"asinovsky": 3}, as_of=TOMORROW), NOON + 3 * HOUR)
    assert later.status == "held"
    earlier = school_register({"asinovsky": 3}, as_of=dt.date(2022, 9, 1))
    assert loaded(engine, earlier, NOON + 4 * HOUR).status == "held"  # the first register holds before its date too
    publish(engine, "69", [DAY, TOMORROW])
    for day in (DAY, TOMORROW):
        assert unit(engine, "readiness_by_municipality", "asinovsky", day)["schools"] == 11
    accepted(engine, later)
    publish(engine, "69", [DAY, TOMORROW])
    told_then = [unit(engine, "readiness_by_municipality", "asinovsky", day)["schools"] for day in (DAY, TOMORROW)]
    assert told_then == [11, 3]


def test_what_waits_counts_from_the_decision_on(engine: sa.Engine, ids: dict[str, int]) -> None:
    first = loaded(engine, report(ids, "asinovsky", range(1, 11)))
    smaller = loaded(engine, report(ids, "asinovsky", range(1, 4)), NOON + HOUR)
    publish(engine, "69", [DAY])
    with engine.connect() as connection:
        (row,) = held(connection)
    assert (row.rows_loaded, row.holds_rows_loaded, row.sender) == (3, 10, "asinovsky")
    assert {each.rule for each in row.findings} == {"COM-020"}
    assert unit(engine, "readiness_by_municipality", "asinovsky")["accepted"] == 10
    number = delivery_of(engine, smaller)
    with pytest.raises(NotWaiting, match="нужна причина"):
        decide(engine, number, "current", "Офицер", "  ")
    made = decide(engine, number, "current", "Офицер", "Семь школ закрыты.")
    assert (made.reading_id, made.is_repeat) == (smaller.reading_id, False)
    assert decide(engine, number, "current", "Другой", "Ещё раз.").is_repeat
    assert [status(engine, each.reading_id) for each in (first, smaller)] == ["superseded", "current"]
    with engine.connect() as connection:
        assert held(connection) == []
        assert unpublished(connection, "69") == [("readiness_report", DAY)]
        (kept,) = held(connection, decided_too=True)
    assert (kept.decided_by, kept.decision_reason) == ("Офицер", "Семь школ закрыты.")
    publish(engine, "69", [DAY])
    assert unit(engine, "readiness_by_municipality", "asinovsky")["accepted"] == 3
    moved = read(engine, "corrections").filter((pl.col("code") == "asinovsky") & (pl.col("metric") == "accepted"))
    assert moved.select("was", "became", "cause", "reason", "requested_by").rows() == [
        ("10", "3", "decision", "Семь школ закрыты.", "Офицер")
    ]
    with pytest.raises(NotWaiting, match="уже принят решением сотрудника"):
        decide(engine, number, "declined", "Офицер", "Передумал.")


def test_what_is_declined_never_counts(engine: sa.Engine, ids: dict[str, int]) -> None:
    first = loaded(engine, report(ids, "asinovsky", range(1, 11)))
    smaller = loaded(engine, report(ids, "asinovsky", range(1, 4)), NOON + HOUR)
    number = delivery_of(engine, smaller)
    assert not decide(engine, number, "declined", "Офицер", "Прислали часть.").is_repeat
    assert decide(engine, number, "declined", "Офицер", "Прислали часть.").is_repeat
    assert [status(engine, each.reading_id) for each in (first, smaller)] == ["current", "declined"]
    with pytest.raises(NotWaiting, match="уже отклонён решением"):
        decide(engine, number, "current", "Офицер", "Передумал.")
    for wrong, said in ((delivery_of(engine, first), "без решения сотрудника"), (10_000, "Файла с номером 10000 нет")):
        with pytest.raises(NotWaiting, match=said):
            decide(engine, wrong, "current", "Офицер", "Почему бы и нет.")
    bad = loaded(engine, refused("readiness_report", "asinovsky"), NOON + 2 * HOUR)
    with pytest.raises(NotWaiting, match="отклонён при проверке"):
        decide(engine, delivery_of(engine, bad), "current", "Офицер", "Почему бы и нет.")


def test_a_newer_delivery_that_counts_ends_the_waiting(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, report(ids, "asinovsky", range(1, 11)))
    one = loaded(engine, report(ids, "asinovsky", range(1, 4)), NOON + HOUR)
    two = loaded(engine, report(ids, "asinovsky", range(1, 5)), NOON + 2 * HOUR)
    assert [status(engine, each.reading_id) for each in (one, two)] == ["held", "held"]
    loaded(engine, report(ids, "asinovsky", range(1, 10)), NOON + 3 * HOUR)
    assert [status(engine, each.reading_id) for each in (one, two)] == ["overtaken", "overtaken"]
    with pytest.raises(NotWaiting, match="обогнан"):
        decide(engine, delivery_of(engine, two), "current", "Офицер", "Принять.")


def test_an_accepted_reading_is_the_measure_of_the_next(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, pupils(ids, 100))
    accepted(engine, loaded(engine, night(ids, 30), NOON + HOUR))
    assert loaded(engine, night(ids, 31), NOON + 2 * HOUR).status == "current"  # not held against yesterday again
    third = pupils(ids, 32, as_of=DAY + dt.timedelta(days=2))
    assert loaded(engine, third, NOON + 3 * HOUR).status == "current"


def test_newer_rules_read_again_what_waits(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, report(ids, "asinovsky", range(1, 11)))
    place = delivery(engine, NOON + HOUR)
    smaller = load(engine, report(ids, "asinovsky", [1], range(2, 11)), place, VERSION)
    with engine.connect() as connection:
        assert readings_of(connection, [place], VERSION) == {place: smaller.reading_id}
        assert (place in waiting(connection, VERSION), place in waiting(connection, "2")) == (False, True)
    repeated = load(engine, report(ids, "asinovsky", [1], range(2, 11)), place, VERSION)
    assert (repeated.reading_id, repeated.status) == (smaller.reading_id, "held")
    better = load(engine, report(ids, "asinovsky", range(1, 11)), place, "2")
    assert (better.status, status(engine, smaller.reading_id)) == ("current", "overtaken")
    with engine.connect() as connection:
        assert place not in waiting(connection, "3")


def test_a_fall_within_the_bound_is_told_once(engine: sa.Engine, ids: dict[str, int]) -> None:
    loaded(engine, pupils(ids, 100))
    first = loaded(engine, night(ids, 90), NOON + HOUR)
    again = loaded(engine, night(ids, 91), NOON + 2 * HOUR)
    further = loaded(engine, night(ids, 85), NOON + 3 * HOUR)
    assert [each.history["rule"].to_list() for each in (first, again, further)] == [["REX-006"], [], ["REX-006"]]
