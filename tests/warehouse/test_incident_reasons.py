"""A changed threshold, deadline or calendar opens and closes incidents at once, and they say so."""

import datetime as dt

import pytest
import sqlalchemy as sa
from changing import Inputs
from hand_made import DAY, export, loaded

from warehouse.incidents.observe import IncidentEvent, observe
from warehouse.marts.publication import publish
from warehouse.schema.upgrade import upgrade

ONE = dt.timedelta(days=1)
NOON = dt.datetime(2023, 9, 13, 5, tzinfo=dt.UTC)
"""Two working days after the deadline of 11 September."""


def look(engine: sa.Engine, now: dt.datetime = NOON) -> list[IncidentEvent]:
    with engine.begin() as connection:
        return observe(connection, "69", now, ONE, 2)


def reasons(engine: sa.Engine, condition: str) -> list[tuple[str, str | None]]:
    statement = """
        SELECT DISTINCT e.kind, e.reason FROM ops.incident_event e JOIN ops.incident i ON i.incident_id = e.incident_id
        WHERE i.condition = :condition ORDER BY 1
    """
    with engine.connect() as connection:
        return list(connection.execute(sa.text(statement), {"condition": condition}).tuples())


@pytest.fixture
def overdue(engine: sa.Engine, small_published: dict[str, int]) -> list[IncidentEvent]:
    """The incidents of those who are two working days late."""
    found = [each for each in look(engine) if each.condition == "overdue"]
    assert len(found) == 20 and not any("because" in each.details for each in found)
    return found


def test_a_threshold_that_changes_closes_what_it_opened(
    engine: sa.Engine, overdue: list[IncidentEvent], inputs: Inputs
) -> None:
    inputs.change("thresholds", "overdue", value="3")
    inputs.list("2023-09", DAY)
    upgrade(engine)
    closed = [each for each in look(engine, NOON + ONE / 24) if each.condition == "overdue"]
    assert {each.kind for each in closed} == {"closed"} and len(closed) == 20
    assert closed[0].details["because"] == "пороги инцидентов: overdue days: value 1 → 3"
    assert dict(reasons(engine, "overdue")) == {
        "opened": None, "closed": "С прошлой проверки изменено: пороги инцидентов: overdue days: value 1 → 3.",
    }  # fmt: skip
    assert look(engine, NOON + ONE / 12) == []


def test_a_threshold_judges_from_its_date_on(engine: sa.Engine, overdue: list[IncidentEvent], inputs: Inputs) -> None:
    inputs.change("thresholds", "overdue", value="3")
    inputs.list("2023-09", dt.date(2023, 9, 14))
    upgrade(engine)
    assert not [each for each in look(engine, NOON + ONE / 24) if each.condition == "overdue"]
    closed = [each for each in look(engine, NOON + ONE) if each.condition == "overdue"]
    assert {(each.kind, "because" in each.details) for each in closed} == {("closed", True)}


def test_a_moved_deadline_closes_and_says_so(engine: sa.Engine, overdue: list[IncidentEvent], inputs: Inputs) -> None:
    inputs.change("campaigns", "readiness-2023", deadline="2023-09-15")
    upgrade(engine)
    closed = [each for each in look(engine, NOON + ONE / 24) if each.condition == "overdue"]
    assert {each.kind for each in closed} == {"closed"}
    assert closed[0].details["because"] == "кампании: readiness-2023: deadline 2023-09-11 → 2023-09-15"


def test_a_day_off_delays_and_its_end_brings_back(
    engine: sa.Engine, overdue: list[IncidentEvent], inputs: Inputs
) -> None:
    inputs.add("calendar", region="", day="2023-09-12", is_working="false", why="Траур")
    upgrade(engine)
    (kind,) = {each.kind for each in look(engine, NOON + ONE / 24) if each.condition == "overdue"}
    assert kind == "closed"
    inputs.remove("calendar", "2023-09-12")
    upgrade(engine)
    opened = [each for each in look(engine, NOON + ONE / 12) if each.condition == "overdue"]
    assert {each.kind for each in opened} == {"opened"}
    assert opened[0].details["because"] == "рабочий календарь: − 2023-09-12: false"


def test_what_another_condition_follows_from_is_no_reason(
    engine: sa.Engine, small: dict[str, int], inputs: Inputs
) -> None:
    publish(engine, "69", [DAY])
    look(engine)
    inputs.change("thresholds", "overdue", value="1.5")
    upgrade(engine)
    loaded(engine, export(small, {"asinovsky-1": 55, "chainsky-1": 51}, as_of=DAY + ONE), NOON)
    publish(engine, "69", [DAY + ONE])
    found = [each for each in look(engine, NOON + ONE / 24) if each.condition == "registrations_dropped"]
    assert found and "because" not in found[0].details
