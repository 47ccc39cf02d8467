"""Forms owed every month, and every academic year until a day: who owes them, what answers, how much is there."""

from __future__ import annotations

import datetime as dt
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from hand_made import loaded, read, reading, report, school_ids, school_register
from owed_forms import AGREEMENTS, ALL_FORMS, MEETINGS, came, state

from warehouse.deliveries.recall import unpublished
from warehouse.deliveries.receipt_contents import overdue, receipts
from warehouse.incidents.condition import conditions
from warehouse.incidents.nothing_to_report import duties, duty_of_month
from warehouse.incidents.owed import Owed, owed, still_due
from warehouse.marts.publication import AuditFailed, audit, build_all, publish
from warehouse.schema.upgrade import upgrade

SCHOOLS = {"asinovsky": 4, "chainsky": 2}
ROSTER = "SELECT form, sender, deadline, owed_from, owed_to FROM ref.{roster}('69', :day) WHERE form = :form"


def on(month: int, day: int, year: int = 2023) -> dt.date:
    return dt.date(year, month, day)


def at(day: dt.date, hour: int = 5) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), dt.UTC)


@pytest.fixture(scope="session")
def owed_kept(databases: Any) -> str:
    def fill(engine: sa.Engine) -> None:
        upgrade(engine, ALL_FORMS)
        loaded(engine, school_register(SCHOOLS, as_of=on(9, 1)))

    return str(databases.kept("owed", fill))


@pytest.fixture
def ids(owed_kept: str, engine: sa.Engine) -> dict[str, int]:
    """School code → id of six schools; the forms of `owed_forms` are agreed upon."""
    return school_ids(engine)


def asked(engine: sa.Engine, statement: str, **values: object) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement), values)]


def there(engine: sa.Engine, day: dt.date, form: str) -> dict[object, tuple[object, float]]:
    statement = "SELECT sender, is_received, share FROM ops.there_at('69', :day, 'infinity', ARRAY[:form])"
    return {
        sender: (received, float(share)) for sender, received, share in asked(engine, statement, day=day, form=form)
    }


@pytest.mark.parametrize("roster", ["roster_at", "roster_now"])
@pytest.mark.parametrize(
    ("day", "deadline", "owed_from", "owed_to"),
    [
        (on(9, 20), None, None, None),  # August is not owed
        (on(10, 1), on(10, 6), on(9, 1), on(9, 30)),
        (on(10, 31), on(10, 6), on(9, 1), on(9, 30)),
        (on(11, 1), on(11, 8), on(10, 1), on(10, 31)),  # the 6th was a holiday
        (on(1, 5, 2024), on(1, 15, 2024), on(12, 1), on(12, 31)),  # nobody works until the 9th
        (on(6, 3, 2024), on(6, 7, 2024), on(5, 1, 2024), on(5, 31, 2024)),
        (on(7, 1, 2024), None, None, None),
    ],
)
def test_a_month_that_is_over_is_owed(
    engine: sa.Engine,
    ids: dict[str, int],
    roster: str,
    day: dt.date,
    deadline: dt.date | None,
    owed_from: dt.date | None,
    owed_to: dt.date | None,
) -> None:
    rows = asked(engine, ROSTER.format(roster=roster), day=day, form="meetings")
    assert len(rows) == (21 if deadline else 0)
    assert {row[2:] for row in rows} == ({(deadline, owed_from, owed_to)} if deadline else set())


@pytest.mark.parametrize("roster", ["roster_at", "roster_now"])
@pytest.mark.parametrize("day", [on(9, 1), on(10, 11), on(8, 31, 2024)])
def test_an_academic_year_has_its_own_deadline(
    engine: sa.Engine, ids: dict[str, int], roster: str, day: dt.date
) -> None:
    rows = asked(engine, ROSTER.format(roster=roster), day=day, form="agreements")
    assert rows == [("agreements", "regional_operator", on(10, 10), on(9, 1), on(8, 31, 2024))]
    (plan,) = asked(engine, ROSTER.format(roster=roster), day=day, form="registration_plan")
    assert plan[2] is None  # nobody stated until when


def test_the_calendar_that_judges_the_day_tells_the_deadline_of_a_month(engine: sa.Engine, ids: dict[str, int]) -> None:
    """A day off that is listed later moves what is owed now, not what was judged."""
    with engine.begin() as connection:
        connection.execute(sa.text("INSERT INTO ref.calendar_day VALUES ('', '2023-10-04', false, 'выходной')"))
    day = on(10, 10)
    judged = asked(engine, ROSTER.format(roster="roster_at"), day=day, form="meetings")
    now = asked(engine, ROSTER.format(roster="roster_now"), day=day, form="meetings")
    assert ({row[2] for row in judged}, {row[2] for row in now}) == ({on(10, 6)}, {on(10, 9)})


def test_the_month_that_is_owed_is_answered_by_its_own_document(engine: sa.Engine, ids: dict[str, int]) -> None:
    own = [ids[f"asinovsky-{number}"] for number in range(1, 5)]
    came(engine, MEETINGS, "asinovsky", on(9, 30), own[:3], at(on(10, 3)))
    came(engine, MEETINGS, "asinovsky", on(10, 12), own, at(on(10, 12)))  # the running month came already
    came(engine, MEETINGS, "chainsky", on(10, 12), [ids["chainsky-1"]], at(on(10, 12)))
    held = "SELECT sender, as_of FROM ops.reading_at('69', :day, 'infinity') WHERE form = 'meetings' ORDER BY 1"
    assert asked(engine, held, day=on(10, 20)) == [("asinovsky", on(10, 12)), ("chainsky", on(10, 12))]
    october = there(engine, on(10, 20), "meetings")
    assert october["asinovsky"] == (True, 0.75)  # three of its four schools in September's
    assert october["chainsky"] == (False, 0)
    november = there(engine, on(11, 1), "meetings")
    assert (november["asinovsky"], november["chainsky"]) == ((True, 1), (True, 0.5))
    assert not there(engine, on(9, 20), "meetings")
    assert not there(engine, on(11, 1), "agreements")["regional_operator"][0]


def test_of_a_month_the_document_that_came_last_holds(engine: sa.Engine, ids: dict[str, int]) -> None:
    """A correction may bear an earlier date of the month than what it corrects."""
    came(engine, MEETINGS, "chainsky", on(9, 30), [ids["chainsky-1"]], at(on(10, 2)))
    mended = came(engine, MEETINGS, "chainsky", on(9, 29), [ids["chainsky-1"], ids["chainsky-2"]], at(on(10, 3)))
    for function in ("reading_at", "reading_owed"):
        statement = f"SELECT reading_id FROM ops.{function}('69', :day, 'infinity') WHERE form = 'meetings'"
        assert asked(engine, statement, day=on(10, 5)) == [(mended,)]
    assert there(engine, on(10, 5), "meetings")["chainsky"] == (True, 1)


def test_all_months_of_a_year(engine: sa.Engine, ids: dict[str, int]) -> None:
    own = [ids["chainsky-1"]]
    came(engine, MEETINGS, "chainsky", on(5, 31), own, at(on(6, 2)))  # of the year before
    came(engine, MEETINGS, "chainsky", on(9, 30), own, at(on(10, 2)))
    mended = came(engine, MEETINGS, "chainsky", on(9, 28), own, at(on(10, 4)))
    october = came(engine, MEETINGS, "chainsky", on(10, 31), own, at(on(11, 1)))
    other = came(engine, MEETINGS, "asinovsky", on(9, 30), [ids["asinovsky-1"]], at(on(10, 2)))
    came(engine, MEETINGS, "chainsky", on(11, 30), own, at(on(12, 1)))
    statement = "SELECT reading_id FROM ops.readings_of_year('69', :day, 'infinity', 'meetings') ORDER BY sender, as_of"
    assert asked(engine, statement, day=on(11, 15)) == [(other,), (mended,), (october,)]


def test_a_form_of_units_is_there_as_its_units_are(engine: sa.Engine, ids: dict[str, int]) -> None:
    units = [unit for (unit,) in asked(engine, "SELECT reporting_unit FROM ref.unit_at('69', :day)", day=on(10, 1))]
    came(engine, AGREEMENTS, "regional_operator", on(9, 20), units[:7], at(on(9, 20)))
    received, share = there(engine, on(10, 1), "agreements")["regional_operator"]
    assert received
    assert share == pytest.approx(7 / 21)


def test_a_refused_file_of_a_month_stands_until_that_month_is_answered(engine: sa.Engine, ids: dict[str, int]) -> None:
    own = [ids["chainsky-1"]]
    bad = came(engine, MEETINGS, "chainsky", on(9, 30), [], at(on(10, 2)), is_refused=True)
    came(engine, MEETINGS, "chainsky", on(10, 5), own, at(on(10, 5)))  # another month, however new
    statement = (
        "SELECT reading_id FROM ops.standing_at('69', :day, 'infinity') WHERE form = 'meetings' AND verdict = 'refused'"
    )
    assert asked(engine, statement, day=on(10, 6)) == [(bad,)]
    assert asked(engine, statement, day=on(11, 6)) == []  # nobody waits for September any more
    came(engine, MEETINGS, "chainsky", on(9, 30), own, at(on(10, 6)))
    assert asked(engine, statement, day=on(10, 7)) == []


FIGURES = ("received", "on_time", "late", "refused", "missing", "nothing_to_report")


def told(engine: sa.Engine, day: dt.date, form: str) -> dict[object, tuple[object, set[str]]]:
    """Sender → from when it is owed, and the figures that are 1."""
    rows = read(engine, "reporting_rate", day).filter(form=form).iter_rows(named=True)
    return {row["sender"]: (row["owed_from"], {name for name in FIGURES if row[name]}) for row in rows}


def test_who_reported_of_a_month_and_in_time(engine: sa.Engine, ids: dict[str, int]) -> None:
    own = {unit: [ids[f"{unit}-1"]] for unit in SCHOOLS}
    came(engine, MEETINGS, "asinovsky", on(9, 30), own["asinovsky"], at(on(10, 3)))
    came(engine, MEETINGS, "asinovsky", on(9, 30), own["asinovsky"], at(on(10, 16)))  # a correction makes nobody late
    came(engine, MEETINGS, "chainsky", on(9, 30), own["chainsky"], at(on(10, 9)))
    came(engine, MEETINGS, "kedrovy", on(10, 5), [], at(on(10, 5)))  # another month
    came(engine, MEETINGS, "seversk", on(9, 30), [], at(on(10, 4)), is_refused=True)
    state(engine, "meetings", "strezhevoy", on(9, 1), at(on(10, 2)))
    state(engine, "meetings", "parabelsky", on(10, 1), at(on(10, 2)))  # not of the month that is over
    publish(engine, "69", [on(9, 20), on(10, 4), on(10, 20), on(11, 1)])
    assert told(engine, on(9, 20), "meetings") == {}
    early, late = told(engine, on(10, 4), "meetings"), told(engine, on(10, 20), "meetings")
    assert early["asinovsky"] == late["asinovsky"] == (on(9, 1), {"received", "on_time"})
    assert late["chainsky"] == (on(9, 1), {"received", "late"})
    assert early["seversk"] == late["seversk"] == (on(9, 1), {"refused"})
    assert late["strezhevoy"] == (on(9, 1), {"nothing_to_report"})
    assert late["kedrovy"] == late["parabelsky"] == late["tomsk_city"] == (on(9, 1), {"missing"})
    november = told(engine, on(11, 1), "meetings")
    assert november["kedrovy"] == (on(10, 1), {"received", "on_time"})
    assert november["parabelsky"] == (on(10, 1), {"nothing_to_report"})
    assert november["asinovsky"] == november["seversk"] == (on(10, 1), {"missing"})
    region = read(engine, "reporting_rate_region", on(10, 20)).filter(form="meetings").row(0, named=True)
    assert [region[name] for name in ("owed_from", "owed_to", "deadline", "expected", *FIGURES)] == [
        on(9, 1), on(9, 30), on(10, 6), 21, 2, 1, 1, 1, 17, 1
    ]  # fmt: skip


def test_the_door_shows_the_document_of_the_month_that_is_owed(engine: sa.Engine, ids: dict[str, int]) -> None:
    own = [ids["chainsky-1"]]
    came(engine, MEETINGS, "chainsky", on(9, 30), own, at(on(10, 3)))
    came(engine, MEETINGS, "chainsky", on(10, 12), own, at(on(10, 12)))
    came(engine, MEETINGS, "asinovsky", on(10, 12), [ids["asinovsky-1"]], at(on(10, 12)))
    publish(engine, "69", [on(10, 20)])
    door = {row["sender"]: row for row in read(engine, "delivery_health").filter(form="meetings").iter_rows(named=True)}
    shown = ("is_received", "status", "data_as_of", "on_time", "deadline")
    assert [door["chainsky"][name] for name in shown] == [True, "accepted", on(9, 30), True, on(10, 6)]
    assert [door["asinovsky"][name] for name in shown] == [False, "accepted", on(10, 12), None, on(10, 6)]
    assert [door["kedrovy"][name] for name in shown] == [False, "missing", None, None, on(10, 6)]


def test_who_reported_of_a_year_and_in_time(engine: sa.Engine, ids: dict[str, int]) -> None:
    came(engine, AGREEMENTS, "regional_operator", on(5, 20), ["seversk"], at(on(5, 20)))  # of the year before
    publish(engine, "69", [on(9, 20), on(10, 20)])
    assert told(engine, on(9, 20), "agreements") == {"regional_operator": (on(9, 1), {"missing"})}
    came(engine, AGREEMENTS, "regional_operator", on(10, 12), ["seversk"], at(on(10, 12)))
    publish(engine, "69", [on(9, 20), on(10, 20)])
    assert told(engine, on(9, 20), "agreements") == {"regional_operator": (on(9, 1), {"missing"})}
    assert told(engine, on(10, 20), "agreements") == {"regional_operator": (on(9, 1), {"received", "late"})}
    assert told(engine, on(10, 20), "registration_plan") == {}  # without a deadline nobody is late


def test_a_year_of_which_there_is_nothing_to_report(engine: sa.Engine, ids: dict[str, int]) -> None:
    state(engine, "agreements", "regional_operator", on(9, 1), at(on(10, 3)))
    publish(engine, "69", [on(10, 2), on(10, 20)])
    assert told(engine, on(10, 2), "agreements") == {"regional_operator": (on(9, 1), {"missing"})}
    assert told(engine, on(10, 20), "agreements") == {"regional_operator": (on(9, 1), {"nothing_to_report"})}


def test_what_is_stated_of_a_month_is_news_of_the_days_after_it(engine: sa.Engine, ids: dict[str, int]) -> None:
    publish(engine, "69", [on(9, 20), on(10, 4)])
    state(engine, "meetings", "chainsky", on(9, 1), at(on(10, 3)))
    with engine.connect() as connection:
        assert ("meetings", on(10, 1)) in unpublished(connection, "69")
        assert not [day for form, day in unpublished(connection, "69") if form == "meetings" and day < on(10, 1)]


def test_a_month_that_is_overdue_is_an_incident_until_it_comes(engine: sa.Engine, ids: dict[str, int]) -> None:
    came(engine, MEETINGS, "asinovsky", on(9, 30), [ids["asinovsky-1"]], at(on(10, 3)))
    came(engine, MEETINGS, "kedrovy", on(10, 2), [], at(on(10, 3)))
    state(engine, "meetings", "strezhevoy", on(9, 1), at(on(10, 2)))
    condition = conditions()["overdue"].select

    def found(day: dt.date) -> dict[str, set[object]]:
        rows = asked(engine, f"SELECT form, sender, subject FROM ({condition}) c", region="69", day=day, days=1)
        return {form: {row[1:] for row in rows if row[0] == form} for form in ("meetings", "agreements")}

    assert found(on(10, 9)) == {"meetings": set(), "agreements": set()}  # the first working day after it
    late = found(on(10, 10))["meetings"]
    assert len(late) == 19
    assert ("kedrovy", "2023-09") in late
    assert found(on(10, 12)) == {"meetings": late, "agreements": {("regional_operator", "2023")}}
    assert found(on(11, 1))["meetings"] == set()


def test_reminders_around_the_deadline_of_a_month_and_of_a_year(engine: sa.Engine, ids: dict[str, int]) -> None:
    own = [ids["asinovsky-1"]]
    came(engine, MEETINGS, "asinovsky", on(10, 2), own, at(on(10, 2)))  # another month answers nothing
    state(engine, "meetings", "strezhevoy", on(9, 1), at(on(10, 2)))

    def due(day: dt.date) -> dict[tuple[str, str], Owed]:
        with engine.connect() as connection:
            owing = owed(connection, "69", day, (-3, -1, 0, 1))
        return {(debt.form, debt.sender): debt for debt in owing if debt.form in ("meetings", "agreements")}

    first = due(on(10, 3))
    assert {form for form, _ in first} == {"meetings"}
    assert len(first) == 20
    debt = first["meetings", "asinovsky"]
    assert (debt.step, debt.every, debt.owed_from, debt.deadline) == (-3, "month", on(9, 1), on(10, 6))
    assert (debt.schools, len(debt.missing), debt.is_received) == (4, 4, False)
    with engine.connect() as connection:
        assert still_due(connection, debt.about)
    came(engine, MEETINGS, "asinovsky", on(10, 4), own, at(on(10, 4)))
    with engine.connect() as connection:
        assert still_due(connection, debt.about)
    came(engine, MEETINGS, "asinovsky", on(9, 30), own, at(on(10, 4)))
    with engine.connect() as connection:
        assert not still_due(connection, debt.about)
    assert due(on(10, 6))["meetings", "asinovsky"].is_received  # but not of all its schools
    assert [(debt.step, debt.every) for debt in due(on(10, 10)).values()] == [(0, "academic_year")]


def test_what_can_be_nothing_to_report(engine: sa.Engine, ids: dict[str, int]) -> None:
    def of(day: dt.date, sender: str = "chainsky") -> dict[str, dt.date]:
        with engine.connect() as connection:
            owing = {duty.form: duty.owed_from for duty in duties(connection, sender, day)}
            return {form: owing[form] for form in ("meetings", "agreements", "registration_export") if form in owing}

    assert of(on(9, 20)) == {"meetings": on(9, 1)}  # the running one: August is not owed
    assert of(on(10, 20)) == {"meetings": on(9, 1)}
    assert of(on(7, 20)) == {}
    assert of(on(10, 20), "regional_operator") == {"agreements": on(9, 1), "registration_export": on(10, 20)}
    with engine.connect() as connection:
        october = duty_of_month(connection, "chainsky", "meetings", on(10, 20))
        assert october
        assert october.owed_from == on(10, 1)
        assert duty_of_month(connection, "chainsky", "meetings", on(8, 20)) is None


def test_a_receipt_says_until_when_a_month_or_a_year_is_due(engine: sa.Engine, ids: dict[str, int]) -> None:
    plan = pl.DataFrame({"month": ["9"], "title": ["День профессий"], "kind": ["other"], "status": ["held"]})
    meetings = pl.DataFrame({"school_id": [ids["chainsky-1"]], "held_on": [on(9, 8)], "hours": [2.0]})
    readings = [
        loaded(engine, reading("event_plan", "chainsky", plan, as_of=on(9, 30), slice="event_plan/chainsky/2023-09")),
        loaded(engine, reading("parent_meetings", "chainsky", meetings, slice="parent_meetings/chainsky/2023")),
        loaded(engine, report(ids, "chainsky", [1, 2])),
        loaded(engine, reading("registration_plan", "regional_operator", pl.DataFrame(
            {"reporting_unit": ["chainsky"], "plan_pupils": [1]}
        ))),
    ]  # fmt: skip
    with engine.connect() as connection:
        told = receipts(connection, [each.reading_id for each in readings])
    assert [told[each.reading_id].deadline for each in readings] == [on(10, 6), on(10, 10), on(9, 11), None]


def test_receipts_tell_what_was_not_received_of_a_month(engine: sa.Engine, ids: dict[str, int]) -> None:
    came(engine, MEETINGS, "asinovsky", on(9, 30), [ids["asinovsky-1"]], at(on(10, 3)))
    with engine.connect() as connection:
        documents = {(each.form, each.sender): each for each in overdue(connection, "69", on(10, 9))}
    assert documents["meetings", "asinovsky"].is_received
    absent = documents["meetings", "chainsky"]
    assert (absent.slot, absent.slot_title, absent.deadline) == ("2023-09", "за сентябрь 2023", on(10, 6))
    assert absent.schools == ("Школа chainsky-1", "Школа chainsky-2")
    assert not [form for form, _ in documents if form in ("agreements", "registration_export")]


def test_a_completeness_that_says_too_much_of_a_form_is_not_published(engine: sa.Engine, ids: dict[str, int]) -> None:
    """Whatever covers schools or units is checked, without being named."""
    came(engine, MEETINGS, "asinovsky", on(9, 30), [ids["asinovsky-1"]], at(on(10, 3)))
    came(engine, AGREEMENTS, "regional_operator", on(9, 20), ["seversk"], at(on(9, 20)))
    for form in ("meetings", "agreements"):
        with engine.begin() as connection:
            build_all(connection, "69", [on(10, 20)])
            audit(connection, "69")
            say = "UPDATE pg_temp.reporting_rate SET completeness = 0.9 WHERE form = :form"
            connection.execute(sa.text(say), {"form": form})
            with pytest.raises(AuditFailed, match="completeness_of_forms"):
                audit(connection, "69")
            connection.rollback()
