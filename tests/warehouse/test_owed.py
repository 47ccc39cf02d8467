"""Forms owed every month, and every academic year until a day: who owes them, what answers, how much is there."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from hand_made import loaded, school_ids, school_register
from owed_forms import AGREEMENTS, ALL_FORMS, MEETINGS, came

from warehouse.schema.upgrade import upgrade

SCHOOLS = {"asinovsky": 4, "chainsky": 2}
ROSTER = "SELECT form, sender, deadline, owed_from, owed_to FROM ref.{roster}(:day) WHERE form = :form"


def on(month: int, day: int, year: int = 2023) -> dt.date:
    return dt.date(year, month, day)


def at(day: dt.date, hour: int = 5) -> dt.datetime:
    return dt.datetime.combine(day, dt.time(hour), dt.UTC)


@pytest.fixture
def ids(engine: sa.Engine) -> dict[str, int]:
    """School code → id of six schools; the forms of `owed_forms` are agreed upon."""
    upgrade(engine, ALL_FORMS)
    loaded(engine, school_register(SCHOOLS, as_of=on(9, 1)))
    return school_ids(engine)


def asked(engine: sa.Engine, statement: str, **values: object) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement), values)]


def there(engine: sa.Engine, day: dt.date, form: str) -> dict[object, tuple[object, float]]:
    statement = "SELECT sender, is_received, share FROM ops.there_at(:day, 'infinity', ARRAY[:form])"
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
    held = "SELECT sender, as_of FROM ops.reading_at(:day, 'infinity') WHERE form = 'meetings' ORDER BY 1"
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
        statement = f"SELECT reading_id FROM ops.{function}(:day, 'infinity') WHERE form = 'meetings'"
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
    statement = "SELECT reading_id FROM ops.readings_of_year(:day, 'infinity', 'meetings') ORDER BY sender, as_of"
    assert asked(engine, statement, day=on(11, 15)) == [(other,), (mended,), (october,)]


def test_a_form_of_units_is_there_as_its_units_are(engine: sa.Engine, ids: dict[str, int]) -> None:
    units = [unit for (unit,) in asked(engine, "SELECT reporting_unit FROM ref.unit_at(:day)", day=on(10, 1))]
    came(engine, AGREEMENTS, "regional_operator", on(9, 20), units[:7], at(on(9, 20)))
    received, share = there(engine, on(10, 1), "agreements")["regional_operator"]
    assert received
    assert share == pytest.approx(7 / 21)


def test_a_refused_file_of_a_month_stands_until_that_month_is_answered(engine: sa.Engine, ids: dict[str, int]) -> None:
    own = [ids["chainsky-1"]]
    bad = came(engine, MEETINGS, "chainsky", on(9, 30), [], at(on(10, 2)), is_refused=True)
    came(engine, MEETINGS, "chainsky", on(10, 5), own, at(on(10, 5)))  # another month, however new
    statement = (
        "SELECT reading_id FROM ops.standing_at(:day, 'infinity') WHERE form = 'meetings' AND verdict = 'refused'"
    )
    assert asked(engine, statement, day=on(10, 6)) == [(bad,)]
    assert asked(engine, statement, day=on(11, 6)) == []  # nobody waits for September any more
    came(engine, MEETINGS, "chainsky", on(9, 30), own, at(on(10, 6)))
    assert asked(engine, statement, day=on(10, 7)) == []
