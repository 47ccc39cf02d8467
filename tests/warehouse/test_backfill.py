"""A backfill proposes, compares, applies and reverts; production moves only when it is told to."""

import datetime as dt
from collections.abc import Collection
from typing import Any

import psycopg2.errors
import pytest
import sqlalchemy as sa
from hand_made import DAY, NOON, contents, loaded, report, school_ids, school_register, step_back, unit
from ledgers import LEDGERS

from warehouse.backfill.apply import apply, cancel, revert
from warehouse.backfill.comparison import (
    UNTOLD,
    affected_dates,
    changed_cells,
    changed_deliveries,
    changed_findings,
    changes,
    compare,
)
from warehouse.backfill.proposals import alone, propose_readings, waiting
from warehouse.backfill.requests import Refused, Request, open_backfill
from warehouse.marts.publication import Published, publish

HOUR = dt.timedelta(hours=1)
NEW = "2"


def request(**changed: object) -> Request:
    made: dict[str, object] = {
        "region": "69", "requested_by": "инженер", "reason": "Нормы часов читались неверно",
        "forms": ("readiness_report",), "senders": (), "from_as_of": DAY, "to_as_of": DAY, "contract_version": NEW,
    }  # fmt: skip
    return Request(**{**made, **changed})  # type: ignore[arg-type]


def applied(
    engine: sa.Engine, backfill_id: int, version: str = NEW, oldest: dt.timedelta = dt.timedelta(days=7)
) -> list[Published]:
    return apply(
        engine,
        backfill_id,
        version,
        dates(backfill_id),
        oldest=oldest,
        wait=HOUR,
        on_wait=print,
        approved_by="начальник",
    )


def compared(engine: sa.Engine, backfill_id: int) -> int:
    return compare(engine, backfill_id, wait=HOUR, on_wait=print)


def reverted(engine: sa.Engine, backfill_id: int) -> list[Published]:
    return revert(engine, backfill_id, dates(backfill_id), wait=HOUR, on_wait=print)


def dates(backfill_id: int):
    def found(connection: sa.Connection) -> Collection[dt.date]:
        return affected_dates(connection, backfill_id)

    return found


@pytest.fixture(scope="session")
def september_kept(databases: Any, small_kept: str) -> str:
    def fill(engine: sa.Engine) -> None:
        loaded(engine, report(school_ids(engine), "chainsky", [1, 2, 3], [4]))
        publish(engine, "69", [DAY])

    return str(databases.kept("september", fill, on=small_kept))


@pytest.fixture
def september(september_kept: str, engine: sa.Engine, small: dict[str, int]) -> dict[str, int]:
    """The small region published, and a report of Чаинский's (accepted 3, rejected 1) to be read again."""
    with engine.connect() as connection:
        return {"delivery": connection.execute(sa.text("SELECT max(delivery_id) FROM ops.delivery")).scalar_one()}


def planned(engine: sa.Engine, ids: dict[str, int], september: dict[str, int]) -> int:
    """A plan under rules by which the fourth school is accepted too."""
    backfill_id = open_backfill(engine, request(senders=("chainsky",)))
    with engine.connect() as connection:
        work = waiting(connection, backfill_id)
    assert september["delivery"] in work
    again = report(ids, "chainsky", [1, 2, 3, 4])
    others = [each for each in work if each != september["delivery"]]
    assert len(others) <= 1
    propose_readings(engine, backfill_id, [(again, september["delivery"])], NEW, None)
    for each in others:
        with engine.begin() as connection:
            connection.execute(
                sa.text("UPDATE ops.backfill_delivery SET outcome = 'same' WHERE delivery_id = :id"), {"id": each}
            )
    compared(engine, backfill_id)
    return backfill_id


def test_a_plan_changes_nothing_and_tells_what_would_move(
    engine: sa.Engine, small: dict[str, int], september: dict[str, int]
) -> None:
    before = contents(engine)
    backfill_id = planned(engine, small, september)
    assert contents(engine) == before
    with engine.connect() as connection:
        moved = changes(connection, backfill_id)
        assert changed_findings(connection, backfill_id).rows() == [("RDY-010", "error", 1, 0)]
        told = changed_deliveries(connection, backfill_id).row(0, named=True)
    assert (told["verdict_before"], told["verdict_after"]) == ("partial", "accepted")
    of_school = moved.filter(mart="readiness_by_school", column="status")
    assert of_school.select("key", "before", "after").rows() == [("chainsky-4", "rejected", "accepted")]
    of_unit = moved.filter(mart="readiness_by_municipality", column="accepted")
    assert of_unit.select("key", "before", "after").rows() == [("chainsky", "3", "4")]


def test_apply_and_revert(engine: sa.Engine, small: dict[str, int], september: dict[str, int]) -> None:
    before, states = published(engine), readings(engine)
    backfill_id = planned(engine, small, september)
    applied(engine, backfill_id)
    assert unit(engine, "readiness_by_municipality", "chainsky")["accepted"] == 4
    with pytest.raises(Refused, match="is applied"):
        applied(engine, backfill_id)
    reverted(engine, backfill_id)
    assert published(engine) == before
    assert [row for row in readings(engine) if row.status != "reverted"] == states
    with pytest.raises(Refused, match="is reverted"):
        reverted(engine, backfill_id)


def published(engine: sa.Engine) -> dict[str, list[str]]:
    """The marts without the ledgers, which remember what was taken back."""
    return {name: rows for name, rows in contents(engine).items() if name not in LEDGERS}


def readings(engine: sa.Engine) -> list[sa.Row[tuple[object, ...]]]:
    with engine.connect() as connection:
        statement = (
            "SELECT reading_id, status, became_current_at, superseded_at, superseded_by FROM ops.reading ORDER BY 1"
        )
        return list(connection.execute(sa.text(statement)))


def test_apply_is_refused_when_production_moved_or_the_rules_changed(
    engine: sa.Engine, small: dict[str, int], september: dict[str, int]
) -> None:
    backfill_id = planned(engine, small, september)
    with pytest.raises(Refused, match="the rules changed"):
        applied(engine, backfill_id, "3")
    loaded(engine, report(small, "chainsky", [1, 2, 3, 4]), NOON + HOUR)
    with pytest.raises(Refused, match="production has moved since the plan: readiness_report/chainsky"):
        applied(engine, backfill_id)


def test_what_came_while_the_marts_were_compared_has_moved(
    engine: sa.Engine, small: dict[str, int], september: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The plan is as of its snapshot, not as of its end."""
    from warehouse.backfill import comparison

    def late(*asked: object) -> None:
        loaded(engine, report(small, "chainsky", [1, 2, 3, 4]), NOON + HOUR)

    monkeypatch.setattr(comparison, "audit", late)
    backfill_id = planned(engine, small, september)
    with pytest.raises(Refused, match="production has moved since the plan: readiness_report/chainsky"):
        applied(engine, backfill_id)


def test_a_new_register_has_moved_what_was_read_with_the_old_one(
    engine: sa.Engine, small: dict[str, int], september: dict[str, int]
) -> None:
    backfill_id = planned(engine, small, september)
    loaded(engine, school_register({"asinovsky": 10, "chainsky": 5}), NOON + HOUR)
    with pytest.raises(Refused, match="production has moved since the plan: school_register/department"):
        applied(engine, backfill_id)


def test_a_plan_that_is_too_old_is_not_applied(
    engine: sa.Engine, small: dict[str, int], september: dict[str, int]
) -> None:
    backfill_id = planned(engine, small, september)
    with pytest.raises(Refused, match="is older than 0 days"):
        applied(engine, backfill_id, oldest=dt.timedelta(0))
    assert applied(engine, backfill_id) != []


def test_a_revert_is_refused_when_something_stands_on_it(
    engine: sa.Engine, small: dict[str, int], september: dict[str, int]
) -> None:
    backfill_id = planned(engine, small, september)
    applied(engine, backfill_id)
    loaded(engine, report(small, "chainsky", [1, 2, 3, 4]), NOON + HOUR)
    with pytest.raises(Refused, match="stands on it: readiness_report/chainsky"):
        reverted(engine, backfill_id)


def test_cancel_leaves_the_record_and_nothing_else(
    engine: sa.Engine, small: dict[str, int], september: dict[str, int]
) -> None:
    def counts() -> list[object]:
        tables = ("ops.reading", "ops.raw_row", "ops.finding", "core.readiness_report_fact", "core.school_outcome_fact",
                  "ops.backfill_delivery", "ops.backfill_change")  # fmt: skip
        with engine.connect() as connection:
            return [connection.scalar(sa.text(f"SELECT count(*) FROM {table}")) for table in tables]

    before = counts()
    backfill_id = planned(engine, small, september)
    assert counts() != before
    cancel(engine, backfill_id)
    assert counts() == before
    with pytest.raises(Refused, match="is cancelled"):
        applied(engine, backfill_id)
    planned(engine, small, september)


def test_cancel_takes_back_the_schools_that_only_the_plan_knew(
    engine: sa.Engine, small: dict[str, int], september: dict[str, int]
) -> None:
    def codes() -> list[str]:
        with engine.connect() as connection:
            return list(connection.scalars(sa.text("SELECT school_code FROM ref.school_identity ORDER BY 1")))

    before = codes()
    backfill_id = open_backfill(engine, request(forms=("school_register",)))
    with engine.connect() as connection:
        (register,) = waiting(connection, backfill_id)
    propose_readings(
        engine, backfill_id, [(school_register({"asinovsky": 10, "chainsky": 6, "seversk": 1}), register)], NEW, None
    )
    assert set(codes()) - set(before) == {"chainsky-5", "chainsky-6", "seversk-1"}
    loaded(
        engine, school_register({"seversk": 1}, as_of=DAY + dt.timedelta(days=1)), NOON + HOUR
    )  # knows one of them too
    cancel(engine, backfill_id)
    assert set(codes()) - set(before) == {"seversk-1"}


def test_only_one_process_plans(engine: sa.Engine, small: dict[str, int], september: dict[str, int]) -> None:
    backfill_id = open_backfill(engine, request())
    with (
        alone(engine, backfill_id),
        pytest.raises(Refused, match="being planned or cancelled by another process"),
    ):
        cancel(engine, backfill_id)
    cancel(engine, backfill_id)


def test_a_delivery_is_proposed_once(engine: sa.Engine, small: dict[str, int], september: dict[str, int]) -> None:
    backfill_id = planned(engine, small, september)
    again = report(small, "chainsky", [1, 2])
    with pytest.raises(psycopg2.errors.UniqueViolation, match="one_proposal_a_delivery"):
        propose_readings(engine, backfill_id, [(again, september["delivery"])], NEW, None)


def test_a_report_has_the_region_and_exact_texts(
    engine: sa.Engine, small: dict[str, int], september: dict[str, int]
) -> None:
    backfill_id = planned(engine, small, september)
    with engine.connect() as connection:
        moved = changes(connection, backfill_id)
        cells = changed_cells(connection, backfill_id)
    of_region = moved.filter(mart="readiness_region", column="accepted").row(0, named=True)
    assert int(of_region["after"]) - int(of_region["before"]) == 1
    assert of_region["type"] in ("bigint", "numeric")
    assert set(moved["column"]).isdisjoint(UNTOLD)
    assert cells.select("form", "sender", "key", "column", "before", "after").rows() == [
        ("readiness_report", "chainsky", "chainsky-4", "level", None, "basic")
    ]


def test_requests_that_are_refused(engine: sa.Engine, small: dict[str, int], september: dict[str, int]) -> None:
    with pytest.raises(Refused, match="needs a reason"):
        open_backfill(engine, request(reason=" "))
    with pytest.raises(Refused, match="no delivery"):
        open_backfill(engine, request(from_as_of=dt.date(2020, 1, 1), to_as_of=dt.date(2020, 1, 2)))
    first = open_backfill(engine, request())
    with pytest.raises(Refused, match=f"backfill {first} is open over the same"):
        open_backfill(engine, request(senders=("chainsky",)))
    cancel(engine, first)
    later = DAY + dt.timedelta(days=1)
    loaded(engine, report(small, "chainsky", [1, 2, 3, 4], as_of=later), NOON + HOUR)
    second = open_backfill(engine, request())
    with pytest.raises(Refused, match=f"backfill {second} is open over the same slices"):  # by another delivery
        open_backfill(engine, request(from_as_of=later, to_as_of=later))


def test_reading_nothing_new_proposes_nothing(
    engine: sa.Engine, small: dict[str, int], september: dict[str, int]
) -> None:
    before = contents(engine)
    backfill_id = open_backfill(engine, request(senders=("chainsky",)))
    same = report(small, "chainsky", [1, 2, 3], [4])
    assert propose_readings(engine, backfill_id, [(same, september["delivery"])], NEW, None) == 0
    with engine.connect() as connection:
        left = waiting(connection, backfill_id)
    assert september["delivery"] not in left
    assert compared(engine, backfill_id) == 0
    applied(engine, backfill_id)
    assert contents(engine) == before


def test_a_delivery_that_the_new_rules_refuse_no_longer_counts(
    engine: sa.Engine, small: dict[str, int], september: dict[str, int]
) -> None:
    from hand_made import refused

    backfill_id = open_backfill(engine, request(senders=("chainsky",)))
    propose_readings(engine, backfill_id, [(refused("readiness_report", "chainsky"), september["delivery"])], NEW, None)
    compared(engine, backfill_id)
    applied(engine, backfill_id)
    row = unit(engine, "readiness_by_municipality", "chainsky")
    assert row["accepted"] != 3
    reverted(engine, backfill_id)
    assert unit(engine, "readiness_by_municipality", "chainsky")["accepted"] == 3


def test_a_clock_that_steps_back_hides_nothing_from_a_backfill(
    engine: sa.Engine, small: dict[str, int], september: dict[str, int]
) -> None:
    """Before the plan, between plan and apply, between apply and revert."""
    step_back(engine)
    backfill_id = planned(engine, small, september)
    step_back(engine)
    applied(engine, backfill_id)
    assert unit(engine, "readiness_by_municipality", "chainsky")["accepted"] == 4
    step_back(engine)
    reverted(engine, backfill_id)
    assert unit(engine, "readiness_by_municipality", "chainsky")["accepted"] == 3


def test_a_clock_that_steps_back_does_not_hide_what_moved_since_the_plan(
    engine: sa.Engine, small: dict[str, int], september: dict[str, int]
) -> None:
    backfill_id = planned(engine, small, september)
    step_back(engine)
    loaded(engine, report(small, "chainsky", [1, 2, 3, 4]))
    with pytest.raises(Refused, match="since the plan"):
        applied(engine, backfill_id)
