"""What is published is judged by other inputs only by a backfill; the ledger says so, and it can be taken back."""

import datetime as dt
from typing import Any

import pytest
import sqlalchemy as sa
from changing import Inputs
from hand_made import DAY, NOON, contents, loaded, now, read, report
from ledgers import LEDGERS

from warehouse.backfill.apply import apply, cancel, revert
from warehouse.backfill.comparison import affected_dates, changed_inputs, changes, compare
from warehouse.backfill.requests import Refused, Request, open_backfill
from warehouse.marts.publication import publish
from warehouse.schema.upgrade import upgrade

ONE = dt.timedelta(days=1)
NEXT = DAY + ONE
WAIT = dt.timedelta(hours=1)
REASON = "Новая легенда судит с сентября"
READINESS = "readiness_by_municipality"


@pytest.fixture(scope="session")
def days_kept(databases: Any, small_kept: str) -> str:
    return str(databases.kept("days", lambda engine: publish(engine, "69", [DAY, NEXT]), on=small_kept))


@pytest.fixture
def published(days_kept: str, small: dict[str, int]) -> dict[str, int]:
    return small


def request(*inputs: str, **changed: object) -> Request:
    made: dict[str, object] = {
        "region": "69", "requested_by": "офицер", "reason": REASON, "forms": (), "senders": (), "from_as_of": DAY,
        "to_as_of": DAY, "contract_version": "2", "inputs": inputs or None, "reads": False,
    }  # fmt: skip
    return Request(**{**made, **changed})  # type: ignore[arg-type]


def planned(engine: sa.Engine, asked: Request) -> int:
    backfill_id = open_backfill(engine, asked)
    compare(engine, backfill_id, wait=WAIT, on_wait=print)
    return backfill_id


def applied(engine: sa.Engine, backfill_id: int) -> None:
    with engine.begin() as connection:
        run_id = connection.scalar(
            sa.text(
                "INSERT INTO ops.run (region, kind, backfill_id) VALUES ('69', 'backfill apply', :id) RETURNING run_id"
            ),
            {"id": backfill_id},
        )
    apply(
        engine, backfill_id, "2", lambda connection: affected_dates(connection, backfill_id),
        oldest=WAIT, wait=WAIT, on_wait=print, approved_by="начальник", run_id=run_id,
    )  # fmt: skip


def reverted(engine: sa.Engine, backfill_id: int) -> None:
    with engine.begin() as connection:
        run_id = connection.scalar(
            sa.text(
                "INSERT INTO ops.run (region, kind, backfill_id) VALUES ('69', 'backfill revert', :id) RETURNING run_id"
            ),
            {"id": backfill_id},
        )
    revert(
        engine, backfill_id, lambda connection: affected_dates(connection, backfill_id),
        wait=WAIT, on_wait=print, run_id=run_id,
    )  # fmt: skip


def band(engine: sa.Engine, day: dt.date, unit: str = "asinovsky") -> tuple[str, str]:
    found = read(engine, READINESS, day).filter(reporting_unit=unit)
    return found.select("band", "band_rule_version").row(0)


def marts(engine: sa.Engine) -> dict[str, list[str]]:
    return {name: rows for name, rows in contents(engine).items() if name not in LEDGERS}


def ledger(engine: sa.Engine, *metrics: str) -> list[tuple[object, ...]]:
    told = read(engine, "corrections", DAY)
    return [
        row for row in told.select("metric", "code", "was", "became", "cause", "reason").rows() if row[0] in metrics
    ]


def test_bands_move_by_a_backfill_are_in_the_ledger_and_come_back(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs
) -> None:
    before, then = marts(engine), now(engine)
    slide = read(engine, READINESS, DAY).write_csv()
    inputs.change("band_rules", "green", lower_bound="0.85")
    inputs.list("2023-09", dt.date(2023, 9, 1), "Зелёная зона с 85 %.")
    upgrade(engine)
    backfill_id = planned(engine, request("band_rules"))
    assert marts(engine) == before, "a plan changes nothing"
    with engine.connect() as connection:
        moved = changes(connection, backfill_id)
        assert changed_inputs(connection, backfill_id).select("input", "before", "after", "dates").rows() == [
            ("band_rules", "2023", "2023-09", 1)
        ]
    told = moved.filter(mart=READINESS, column="band").select("key", "as_of", "before", "after").rows()
    assert told == [("asinovsky", DAY, "green", "amber")]
    applied(engine, backfill_id)
    assert band(engine, DAY)[0] == "amber" and band(engine, NEXT)[0] == "green", "only the dates asked for"
    assert ledger(engine, "readiness_band") == [("readiness_band", "asinovsky", "green", "amber", "backfill", REASON)]
    publish(engine, "69", [DAY, NEXT])
    assert band(engine, DAY)[0] == "amber", "the next night leaves it as the backfill judged it"
    assert read(engine, READINESS, DAY, then).write_csv() == slide
    reverted(engine, backfill_id)
    assert marts(engine) == before
    assert [row[2:5] for row in ledger(engine, "readiness_band")] == [
        ("green", "amber", "backfill"), ("amber", "green", "revert"),
    ]  # fmt: skip
    publish(engine, "69", [DAY, NEXT])
    assert marts(engine) == before


def test_a_band_that_nobody_listed_judges_the_past_only_by_a_backfill(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs
) -> None:
    inputs.change("band_rules", "green", lower_bound="0.85")
    upgrade(engine)
    backfill_id = planned(engine, request())
    applied(engine, backfill_id)
    found, version = band(engine, DAY)
    assert found == "amber" and "не записана" in version
    assert read(engine, "readiness_region", DAY)["band_rule_version"].item() == version
    inputs.change("band_rules", "green", lower_bound="0.80")
    upgrade(engine)
    publish(engine, "69", [DAY])
    assert band(engine, DAY) == (found, version), "what was taken back still judges what it judged"


def test_a_deadline_moved_for_the_past_moves_who_was_in_time(
    engine: sa.Engine, small: dict[str, int], inputs: Inputs
) -> None:
    late = dt.date(2023, 9, 12)
    loaded(engine, report(small, "chainsky", [1, 2], as_of=late), NOON + 4 * ONE)
    publish(engine, "69", [DAY, late])
    before = marts(engine)

    def timeliness(day: dt.date) -> dict[str, tuple[object, object]]:
        found = read(engine, "reporting_rate", day).filter(form="readiness_report")
        return {row["sender"]: (row["on_time"], row["late"]) for row in found.iter_rows(named=True)}

    assert timeliness(late)["chainsky"] == (0, 1)
    inputs.change("campaigns", "readiness-2023", deadline="2023-09-15")
    inputs.list("2023-09-11", dt.date(2023, 9, 11), "Срок перенесён на 15 сентября.")
    upgrade(engine)
    publish(engine, "69", [DAY, late])
    assert marts(engine) == before
    backfill_id = planned(engine, request("campaigns", to_as_of=late))
    applied(engine, backfill_id)
    assert timeliness(late)["chainsky"] == (1, 0)
    assert set(read(engine, "reporting_rate", DAY).filter(form="readiness_report")["deadline"]) == {
        dt.date(2023, 9, 11)
    }
    told = read(engine, "corrections", late).filter(code="readiness_report/chainsky")
    assert sorted(told.select("metric", "was", "became", "cause", "reason").rows()) == [
        ("deadline", "2023-09-11", "2023-09-15", "backfill", REASON),
        ("timeliness", "late", "on_time", "backfill", REASON),
    ]
    reverted(engine, backfill_id)
    assert marts(engine) == before


def test_a_calendar_day_moves_the_days_overdue(engine: sa.Engine, small: dict[str, int], inputs: Inputs) -> None:
    later = dt.date(2023, 9, 15)
    publish(engine, "69", [later])

    def overdue() -> object:
        return (
            read(engine, "reporting_rate", later)
            .filter(form="readiness_report", sender="chainsky")["overdue_days"]
            .item()
        )

    assert overdue() == 4
    before = marts(engine)
    inputs.add("calendar", region="", day="2023-09-13", is_working="false", why="Траур")
    inputs.list("2023-09", dt.date(2023, 9, 1))
    upgrade(engine)
    publish(engine, "69", [later])
    assert marts(engine) == before
    backfill_id = planned(engine, request("calendar", from_as_of=later, to_as_of=later))
    applied(engine, backfill_id)
    assert overdue() == 3
    reverted(engine, backfill_id)
    assert marts(engine) == before


def test_a_named_version_and_what_there_is_not(engine: sa.Engine, published: dict[str, int], inputs: Inputs) -> None:
    inputs.change("band_rules", "green", lower_bound="0.85")
    inputs.list("2024", dt.date(2024, 9, 1))
    upgrade(engine)
    with pytest.raises(Refused, match="no published date among these"):
        open_backfill(engine, request("band_rules"))
    with pytest.raises(Refused, match=r"band_rules has no version '2025'; there are: .*2024"):
        open_backfill(engine, request("band_rules=2025"))
    with pytest.raises(Refused, match="no input that judges dates is named 'bands'"):
        open_backfill(engine, request("bands"))
    backfill_id = planned(engine, request("band_rules=2024"))
    with pytest.raises(Refused, match=f"backfill {backfill_id} is open over the same dates"):
        open_backfill(engine, request("band_rules=2024", to_as_of=NEXT))
    cancel(engine, backfill_id)
    assert band(engine, DAY)[0] == "green"
    applied(engine, planned(engine, request("band_rules=2024", to_as_of=NEXT)))
    assert band(engine, DAY)[0] == band(engine, NEXT)[0] == "amber"


def test_one_backfill_stands_on_another(engine: sa.Engine, published: dict[str, int], inputs: Inputs) -> None:
    for bound in ("0.85", "0.75"):
        inputs.change("band_rules", "green", lower_bound=bound)
        inputs.list(f"with-{bound}", dt.date(2023, 9, 1))
    upgrade(engine)
    first, second = (planned_and_applied(engine, f"band_rules=with-{bound}") for bound in ("0.85", "0.75"))
    assert band(engine, DAY)[0] == "green"
    with pytest.raises(Refused, match=f"stands on it: band_rules of {DAY}"):
        reverted(engine, first)
    reverted(engine, second)
    assert band(engine, DAY)[0] == "amber"
    reverted(engine, first)
    assert band(engine, DAY) == ("green", "2023")


def planned_and_applied(engine: sa.Engine, *inputs: str) -> int:
    backfill_id = planned(engine, request(*inputs))
    applied(engine, backfill_id)
    return backfill_id


def test_a_plan_is_stale_when_another_judged_the_date_meanwhile(
    engine: sa.Engine, published: dict[str, int], inputs: Inputs
) -> None:
    inputs.change("band_rules", "green", lower_bound="0.85")
    inputs.list("2024", dt.date(2023, 9, 1))
    upgrade(engine)
    plan = planned(engine, request("band_rules"))
    with engine.begin() as connection:  # as if another had been applied: two plans over the same dates are refused
        other = connection.scalar(
            sa.text("""INSERT INTO ops.backfill (region, status, requested_by, reason, forms, senders, from_as_of,
                to_as_of, contract_version, planned_at, applied_at)
                SELECT region, 'applied', 'a', 'b c', forms, senders, from_as_of, to_as_of, '2', now(),
                clock_timestamp()
                FROM ops.backfill WHERE backfill_id = :id RETURNING backfill_id"""),
            {"id": plan},
        )
        connection.execute(
            sa.text("""INSERT INTO ops.backfill_input
                SELECT :other, as_of, input, version_before, version_after, input_region
                FROM ops.backfill_input WHERE backfill_id = :id"""),
            {"id": plan, "other": other},
        )
    with pytest.raises(Refused, match=f"moved since the plan: band_rules of {DAY}"):
        applied(engine, plan)
