"""Working days: the table of the country, and the functions of the warehouse against a plain model."""

import datetime as dt
from collections.abc import Iterator, Mapping

import pytest
import sqlalchemy as sa
from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.vocabulary import rows
from warehouse.schema.calendar import PROVISIONAL, calendars_wanted
from warehouse.schema.upgrade import connect

DAY = dt.timedelta(days=1)
CALENDAR = {dt.date.fromisoformat(row["day"]): row for row in rows("calendar")}
PLAIN = {day: row["is_working"] == "true" for day, row in CALENDAR.items()}
# Working days of a five-day week by the production calendar: of the year, and of each month.
PUBLISHED = {
    2023: (247, (17, 18, 22, 20, 20, 21, 21, 23, 21, 22, 21, 21)),
    2024: (248, (17, 20, 20, 21, 20, 19, 23, 22, 21, 23, 21, 21)),
    2025: (247, (17, 20, 21, 22, 18, 19, 23, 21, 22, 23, 19, 22)),
    2026: (247, (15, 19, 21, 22, 19, 21, 23, 21, 22, 22, 20, 22)),
    2027: (247, (15, 19, 22, 22, 19, 21, 22, 22, 22, 21, 20, 22)),
}
REGION = "69"


def is_working(day: dt.date, exceptions: Mapping[dt.date, bool]) -> bool:
    return exceptions.get(day, day.weekday() < 5)


def moved(day: dt.date, days: int, exceptions: Mapping[dt.date, bool]) -> dt.date:
    """The model of ref.add_working_days: a step a day, counting those worked."""
    step, left = (DAY, days) if days >= 0 else (-DAY, -days)
    if days == 0:
        while not is_working(day, exceptions):
            day += DAY
    while left:
        day += step
        left -= is_working(day, exceptions)
    return day


def days_of(year: int, month: int | None = None) -> list[dt.date]:
    first = dt.date(year, month or 1, 1)
    return [
        day for day in (first + DAY * number for number in range(366))
        if day.year == year and month in (None, day.month)
    ]  # fmt: skip


@pytest.mark.parametrize("year", PUBLISHED)
def test_working_days_are_those_of_the_production_calendar(year: int) -> None:
    whole, months = PUBLISHED[year]
    assert tuple(sum(is_working(day, PLAIN) for day in days_of(year, month)) for month in range(1, 13)) == months
    assert sum(is_working(day, PLAIN) for day in days_of(year)) == whole == sum(months)


def test_lines_are_exceptions_in_order_with_a_reason() -> None:
    told = [(row["region"], row["day"]) for row in rows("calendar")]
    assert told == sorted(set(told))
    for day, row in CALENDAR.items():
        assert row["why"], day
        assert (row["is_working"] == "true") == (day.weekday() >= 5), f"{day} is no exception to Monday–Friday"
        assert row["why"].startswith(PROVISIONAL) == (day.year not in PUBLISHED), day


def test_every_campaign_has_the_calendar_of_its_years() -> None:
    years = {day.year for day in CALENDAR}
    for campaign in rows("campaigns"):
        assert {int(campaign[name][:4]) for name in ("starts_on", "deadline")} <= years, campaign["campaign"]


@pytest.fixture(scope="module")
def calendar(module_database_url: str) -> Iterator[sa.Connection]:
    """The real calendar, on a connection whose zone has days without a midnight."""
    engine = connect(module_database_url)
    with engine.connect() as connection:
        connection.execute(sa.text("SET timezone = 'Asia/Beirut'"))
        yield connection
        connection.rollback()
    engine.dispose()


def asked(connection: sa.Connection, call: str, **values: object) -> object:
    return connection.scalar(sa.text(f"SELECT ref.{call}"), values)


DAYS = st.dates(dt.date(2022, 12, 1), dt.date(2027, 12, 31))


@settings(max_examples=200, deadline=None)
@given(day=DAYS, days=st.integers(-25, 25))
def test_days_are_added_as_one_counts_them(calendar: sa.Connection, day: dt.date, days: int) -> None:
    assert asked(calendar, "is_working_day('69', :day)", day=day) == is_working(day, PLAIN)
    found = asked(calendar, "add_working_days('69', :day, :days)", day=day, days=days)
    assert found == moved(day, days, PLAIN)


@settings(max_examples=200, deadline=None)
@given(one=DAYS, other=DAYS)
def test_days_between_are_counted_both_ways(calendar: sa.Connection, one: dt.date, other: dt.date) -> None:
    first, last = sorted((one, other))
    model = sum(is_working(first + DAY * number, PLAIN) for number in range(1, (last - first).days + 1))
    call = "working_days_between('69', :one, :other)"
    assert asked(calendar, call, one=first, other=last) == model
    assert asked(calendar, call, one=last, other=first) == -model


@settings(max_examples=100, deadline=None)
@given(day=DAYS, days=st.integers(1, 40))
def test_adding_and_counting_agree(calendar: sa.Connection, day: dt.date, days: int) -> None:
    later = asked(calendar, "add_working_days('69', :day, :days)", day=day, days=days)
    assert asked(calendar, "working_days_between('69', :day, :later)", day=day, later=later) == days
    earlier = asked(calendar, "add_working_days('69', :day, -:days)", day=later, days=days)
    assert earlier == (day if is_working(day, PLAIN) else moved(day, -1, PLAIN) if days else None)


def test_a_regional_exception_comes_before_the_countrys(calendar: sa.Connection) -> None:
    may, june = dt.date(2023, 5, 9), dt.date(2023, 6, 15)
    add = "INSERT INTO ref.calendar_day (region, day, is_working, why) VALUES (:region, :day, :works, 'опыт')"
    with calendar.begin_nested() as change:
        for region, day, works in ((REGION, may, True), (REGION, june, False), ("70", dt.date(2023, 6, 16), False)):
            calendar.execute(sa.text(add), {"region": region, "day": day, "works": works})
        assert asked(calendar, "is_working_day('69', :day)", day=may) is True
        assert asked(calendar, "is_working_day('69', :day)", day=june) is False
        assert asked(calendar, "add_working_days('69', :day, 1)", day=june - DAY) == dt.date(2023, 6, 16)
        change.rollback()
    assert asked(calendar, "is_working_day('69', :day)", day=may) is False


def test_an_export_is_due_on_the_next_working_day(calendar: sa.Connection) -> None:
    due = "SELECT deadline FROM ref.roster_at('69', :day) WHERE form = 'registration_export'"
    told = {
        day: calendar.scalar(sa.text(due), {"day": dt.date.fromisoformat(day)}).isoformat()
        for day in ("2023-09-07", "2023-09-08", "2023-09-10", "2023-11-03", "2023-12-29", "2024-04-26")
    }
    assert told == {
        "2023-09-07": "2023-09-08", "2023-09-08": "2023-09-11", "2023-09-10": "2023-09-11",
        "2023-11-03": "2023-11-07", "2023-12-29": "2024-01-09", "2024-04-26": "2024-04-27",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("day", "wanted"),
    [
        ("2024-03-01", []),
        ("2026-03-01", []),
        ("2026-10-01", []),
        ("2027-02-01", [(2028, "missing")]),
        ("2030-02-01", [(2030, "missing"), (2031, "missing")]),
    ],
)
def test_a_calendar_that_is_wanted_is_named(calendar: sa.Connection, day: str, wanted: list[tuple[int, str]]) -> None:
    assert calendars_wanted(calendar, dt.date.fromisoformat(day)) == wanted


def test_bi_joins_by_days(calendar: sa.Connection) -> None:
    """Every day of the years that we have a calendar of, with the week of the academic year."""
    found = calendar.execute(sa.text("SELECT * FROM mart.calendar ORDER BY day")).mappings().all()
    years = {day.year for day in CALENDAR}
    assert [row["day"] for row in found] == [day for year in sorted(years) for day in days_of(year)]
    for row in found:
        day = row["day"]
        assert row["is_working"] == is_working(day, PLAIN), day
        assert (row["why"] is None) == (day not in CALENDAR), day
        assert (row["day_kind"] in ("working", "worked_weekend")) == row["is_working"], day
        first = dt.date(row["academic_year"], 9, 1)
        assert first <= day < first.replace(year=first.year + 1), day
        assert row["academic_week"] == ((day - first).days + first.weekday()) // 7 + 1, day
    kinds = {row["day"].isoformat(): row["day_kind"] for row in found}
    shown = [kinds[day] for day in ("2024-04-26", "2024-04-27", "2024-04-28", "2024-04-29")]
    assert shown == ["working", "worked_weekend", "weekend", "holiday"]


def test_a_calendar_without_the_governments_transfers_is_provisional(calendar: sa.Connection) -> None:
    add = "INSERT INTO ref.calendar_day (region, day, is_working, why) VALUES ('', '2028-01-03', false, :why)"
    with calendar.begin_nested() as change:
        calendar.execute(sa.text(add), {"why": f"{PROVISIONAL}, без переносов постановлением: Новогодние каникулы"})
        assert calendars_wanted(calendar, dt.date(2027, 9, 30)) == []
        assert calendars_wanted(calendar, dt.date(2027, 10, 1)) == [(2028, "provisional")]
        assert calendars_wanted(calendar, dt.date(2028, 2, 1)) == [(2028, "provisional"), (2029, "missing")]
        change.rollback()
