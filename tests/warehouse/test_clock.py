"""The database's clock was ahead and has stepped back: everything recorded so far lies in what is now the future."""

from __future__ import annotations

import datetime as dt

import pytest
import sqlalchemy as sa
from hand_made import AHEAD, DAY, loaded, plan, report, step_back

from warehouse.deliveries.recall import unpublished
from warehouse.deliveries.received import finish_run, start_run
from warehouse.marts.publication import publish
from warehouse.watch.ages import ages
from warehouse.watch.destruction import note_gone, record, to_remove
from warehouse.watch.law import examined


@pytest.fixture
def ahead(engine: sa.Engine, small: dict[str, int]) -> dict[str, int]:
    """The small region, published by a clock that was three hours ahead."""
    with engine.begin() as connection:
        run_id = start_run(connection, "nightly", DAY, region="69")
    publish(engine, "69", [DAY], run_id)
    with engine.begin() as connection:
        finish_run(connection, run_id, "completed")
    step_back(engine)
    return small


def accepted(engine: sa.Engine, relation: str = "mart.readiness_by_municipality") -> int | None:
    with engine.connect() as connection:
        statement = f"SELECT accepted FROM {relation} WHERE as_of = :day AND reporting_unit = 'asinovsky'"
        return connection.scalar(sa.text(statement), {"day": DAY})


def test_the_clock_never_says_what_is_recorded_already(engine: sa.Engine, ahead: dict[str, int]) -> None:
    with engine.connect() as connection:
        last, now, clock = connection.execute(
            sa.text("SELECT (SELECT max(published_at) FROM ops.publication), ops.clock(), clock_timestamp()")
        ).one()
    assert now > last > clock
    assert now - last == dt.timedelta(microseconds=1)


def test_a_later_report_replaces_the_earlier_one(engine: sa.Engine, ahead: dict[str, int]) -> None:
    assert accepted(engine) == 8
    with engine.connect() as connection:
        assert unpublished(connection, "69") == []
        before = connection.scalar(sa.text("SELECT max(published_at) FROM ops.publication"))
    loaded(engine, report(ahead, "asinovsky", [1, 2, 3, 4, 5, 6, 7, 8, 9]))
    with engine.connect() as connection:
        assert unpublished(connection, "69")  # what was read since the last publication is seen to be news
    publish(engine, "69", [DAY])
    assert accepted(engine) == 9
    assert accepted(engine, f"mart.readiness_by_municipality_as_known('{DAY}', '{before}')") == 8
    loaded(engine, report(ahead, "asinovsky", [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]))
    publish(engine, "69", [DAY])
    assert accepted(engine) == 10
    with engine.connect() as connection:
        assert [law.name for law in examined(connection) if law.times] == []
        moves = connection.execute(
            sa.text("SELECT was, became FROM mart.corrections WHERE metric = 'accepted' ORDER BY grain, corrected_at")
        ).all()
    assert [tuple(move) for move in moves].count(("8", "9")) == 1


def test_a_publication_of_nothing_new_changes_nothing(engine: sa.Engine, ahead: dict[str, int]) -> None:
    publish(engine, "69", [DAY])
    assert accepted(engine) == 8
    with engine.connect() as connection:
        versions = "SELECT count(*) FROM history.readiness_by_municipality WHERE replaced_at < 'infinity'"
        assert connection.scalar(sa.text(versions)) == 0


def test_a_run_that_began_later_than_it_ended_has_ended(engine: sa.Engine, ahead: dict[str, int]) -> None:
    with engine.begin() as connection:
        run_id = start_run(connection, "nightly", DAY, region="69")
        connection.execute(sa.text(f"UPDATE ops.run SET started_at = started_at + {AHEAD} WHERE run_id = {run_id}"))
    with engine.begin() as connection:
        finish_run(connection, run_id, "completed")
        last = connection.execute(
            sa.text(f"SELECT state, started_at = finished_at FROM ops.run WHERE run_id = {run_id}")
        )
        assert last.one() == ("completed", True)


def test_the_last_night_is_the_last_one_that_began(engine: sa.Engine, ahead: dict[str, int]) -> None:
    with engine.begin() as connection:
        run_id = start_run(connection, "nightly", DAY + dt.timedelta(days=1), region="69")
        finish_run(connection, run_id, "completed")
    with engine.connect() as connection:
        assert ages(connection, "69", DAY).completed_for == DAY + dt.timedelta(days=1)


def test_bytes_that_went_before_it_was_decided_are_gone(engine: sa.Engine, ahead: dict[str, int]) -> None:
    """Those moments are of the machine that purges, whose clock steps back as well."""
    now = dt.datetime(2024, 10, 1, tzinfo=dt.UTC)
    with engine.connect() as connection:
        delivery = connection.scalar(sa.text("SELECT min(delivery_id) FROM ops.delivery")) or 0
    record(engine, [delivery], "срок прошёл", now, dt.timedelta(minutes=1), None)
    with engine.begin() as connection:
        (removal,) = to_remove(connection)
        note_gone(connection, removal, now - dt.timedelta(hours=3))
    with engine.connect() as connection:
        assert to_remove(connection) == []


def test_a_plan_that_was_loaded_later_counts(engine: sa.Engine, ahead: dict[str, int]) -> None:
    loaded(engine, plan({"asinovsky": 120, "chainsky": 50}))
    publish(engine, "69", [DAY])
    with engine.connect() as connection:
        planned = "SELECT plan_pupils FROM mart.registration_by_municipality WHERE reporting_unit = 'asinovsky'"
        assert connection.scalar(sa.text(planned)) == 120
