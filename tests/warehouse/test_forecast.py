"""When the plan of registration is met: random autumns against a model in plain Python, working days and all."""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from random import Random
from typing import Any

import pytest
import sqlalchemy as sa
from examples import read

from contracts.vocabulary import rows
from warehouse.schema.input_versions import pin
from warehouse.schema.upgrade import connect

FIRST, LAST = dt.date(2023, 9, 1), dt.date(2024, 8, 31)
FORECAST = "SELECT * FROM core.registration_forecast_at('69', :day, 'infinity')"
OFF = {row["day"]: row["is_working"] == "true" for row in rows("calendar") if row["region"] in ("", "69")}


@pytest.fixture
def connection(module_database_url: str) -> Iterator[sa.Connection]:
    """A database with nothing but what the contracts say, which forgets what a test writes."""
    engine = connect(module_database_url)
    with engine.connect() as connection:
        yield connection
        connection.rollback()
    engine.dispose()


def working(day: dt.date) -> bool:
    return OFF.get(day.isoformat(), day.weekday() < 5)


def worked(after: dt.date, to: dt.date) -> int:
    return sum(working(after + dt.timedelta(days=n)) for n in range(1, (to - after).days + 1))


def quantile(values: Sequence[float], share: float) -> float:
    ordered = sorted(values)
    at = share * (len(ordered) - 1)
    low = math.floor(at)
    return ordered[low] + (at - low) * (ordered[min(low + 1, len(ordered) - 1)] - ordered[low])


def reached(last: dt.date, remaining: int, pace: float) -> dt.date | None:
    """The first day by which so many are registered at a pace a working day; None where not before September."""
    if pace <= 0:
        return None
    days = (last + dt.timedelta(days=n) for n in range((LAST - last).days + 1))
    return next((day for day in days if worked(last, day) * pace >= remaining - 1e-9), None)


def model(counted: Mapping[dt.date, int], day: dt.date, plan: int | None) -> dict[str, Any]:
    """What is forecast on a day, of counts by the days of exports."""
    weeks: dict[dt.date, dt.date] = {}
    for each in sorted(each for each in counted if day - dt.timedelta(days=7 * 16) < each <= day):
        weeks[each - dt.timedelta(days=each.weekday())] = each
    days = list(weeks.values())
    if not days:
        return {"forecast_status": "no_export", "weeks_of_pace": 0, "forecasts_checked": 0, "forecasts_held": 0}
    paces: list[float | None] = [None]
    for before, now in pairwise(days):
        between = worked(before, now)
        paces.append((counted[now] - counted[before]) / between if between else None)
    checked = held = 0
    known = [[each for each in paces[max(0, place - 7) : place + 1] if each is not None] for place in range(len(days))]
    for place, now in enumerate(days):
        for later in days[place + 1 : place + 5]:
            if len(known[place]) >= 4:
                low, high = (quantile(known[place], share) * worked(now, later) for share in (0.1, 0.9))
                promised = math.floor(counted[now] + low + 1e-9), math.ceil(counted[now] + high - 1e-9)
                checked, held = checked + 1, held + (promised[0] <= counted[later] <= promised[1])
    told: dict[str, Any] = {"weeks_of_pace": len(known[-1]), "forecasts_checked": checked, "forecasts_held": held}
    last = days[-1]
    told |= dict.fromkeys(("expected_on", "earliest_on", "latest_on"))
    if plan is None:
        return told | {"forecast_status": "no_plan"}
    if counted[last] >= plan:
        return told | {"forecast_status": "met"}
    if len(known[-1]) < 4:
        return told | {"forecast_status": "short_history"}
    low, middle, high = (quantile(known[-1], share) for share in (0.1, 0.5, 0.9))
    if middle <= 0:
        return told | {"forecast_status": "no_growth"}
    remaining = plan - counted[last]
    expected = reached(last, remaining, middle)
    if expected and expected <= day:
        return told | {"forecast_status": "stale"}
    told["expected_on"] = expected
    told["earliest_on"], told["latest_on"] = reached(last, remaining, high), reached(last, remaining, low)
    return told | {"forecast_status": "forecast" if expected else "after_year"}


@pytest.mark.parametrize("seed", range(4))
def test_a_forecast_is_what_a_model_says(connection: sa.Connection, seed: int) -> None:
    """Weeks without an export at the end too, several exports a week, one at a week-end, holidays, any plan or none."""
    random = Random(seed)
    register = [{"school_code": "a1", "subordination": "asinovsky"}, {"school_code": "c1", "subordination": "chainsky"}]
    read(connection, {"form": "school_register", "sender": "department", "as_of": "2023-09-01"}, register)
    planned = {"asinovsky": random.choice([200, 600, 50_000]), "chainsky": random.choice([40, 300])}
    told = [{"reporting_unit": unit, "plan_pupils": str(many)} for unit, many in planned.items()]
    read(connection, {"form": "registration_plan", "sender": "regional_operator", "as_of": "2023-09-01"}, told)
    counted: dict[str, dict[dt.date, int]] = {"asinovsky": {}, "chainsky": {}}
    now = dict.fromkeys(counted, 0)
    days = sorted(random.sample(range(3, 20 * 7), 26))
    for day in (FIRST + dt.timedelta(days=each) for each in days):
        now = {unit: max(0, many + random.randint(-2, 14)) for unit, many in now.items()}
        for unit, many in now.items():
            counted[unit][day] = many
        facts = [
            {"school_code": f"{unit[0]}1", "grade": "9", "actual_pupils": str(many), "unverified_pupils": "0",
             "archived_pupils": "0"} for unit, many in now.items()
        ]  # fmt: skip
        sent = {"form": "registration_export", "sender": "regional_operator", "as_of": day.isoformat()}
        read(connection, sent, facts)
    whole = {day: counted["asinovsky"][day] + counted["chainsky"][day] for day in counted["asinovsky"]}
    for day in (FIRST + dt.timedelta(days=each) for each in (2, 30, random.randint(40, 90), 145)):
        pin(connection, "69", [day])
        found = {
            row["reporting_unit"]: dict(row) for row in connection.execute(sa.text(FORECAST), {"day": day}).mappings()
        }
        expected = {unit: model(counted[unit], day, planned[unit]) for unit in counted} | {
            None: model(whole, day, None)
        }
        for unit, each in expected.items():
            assert {name: found[unit][name] for name in each} == each, (day, unit)
