"""Who reported, and in time: the figures of a campaign and of a night, and their sums."""

import datetime as dt
from dataclasses import replace

import polars as pl
import pytest
import sqlalchemy as sa
from changing import Inputs
from hand_made import DAY, NOON, export, loaded, read, refused, report

from warehouse.deliveries.recall import unpublished
from warehouse.marts.publication import AuditFailed, publish, published_dates
from warehouse.schema.upgrade import upgrade

READINESS, EXPORT = "readiness_report", "registration_export"
STATE = """
INSERT INTO ops.statement (region, form, sender, campaign, as_of, reason, stated_by, stated_at)
VALUES ('69', :form, :sender, :campaign, :as_of, 'потому', 'Офицер', :at)
"""
LATER = dt.date(2023, 9, 14)
AFTER = dt.datetime(2023, 9, 13, 5, tzinfo=dt.UTC)
ANSWERS = ("received", "refused", "missing", "nothing_to_report")
FIGURES = ("received", "on_time", "late", "accepted", "partial", "refused", "missing", "nothing_to_report")


def rates(engine: sa.Engine, day: dt.date = DAY) -> dict[tuple[str, str], dict[str, object]]:
    return {(row["form"], row["sender"]): row for row in read(engine, "reporting_rate", day).iter_rows(named=True)}


def told(row: dict[str, object]) -> set[str]:
    return {name for name in FIGURES if row[name] == 1}


def state(engine: sa.Engine, sender: str, at: dt.datetime = NOON, night: dt.date | None = None) -> None:
    values = {
        "form": EXPORT if night else READINESS, "sender": sender, "as_of": night, "at": at,
        "campaign": None if night else "readiness-2023",
    }  # fmt: skip
    with engine.begin() as connection:
        connection.execute(sa.text(STATE), values)


def test_every_answer_that_a_sender_can_give(engine: sa.Engine, small: dict[str, int]) -> None:
    loaded(engine, report(small, "chainsky", [1, 2], [3], as_of=dt.date(2023, 9, 12)), AFTER)
    loaded(engine, refused(READINESS, "kedrovy", as_of=DAY), NOON)
    state(engine, "seversk")
    publish(engine, "69", [DAY, LATER])
    then, now = rates(engine), rates(engine, LATER)
    assert told(now[READINESS, "asinovsky"]) == {"received", "on_time", "accepted"}
    assert told(now[READINESS, "chainsky"]) == {"received", "late", "partial"}
    assert told(then[READINESS, "chainsky"]) == {"missing"}
    assert told(now[READINESS, "kedrovy"]) == {"refused"}
    assert told(now[READINESS, "seversk"]) == {"nothing_to_report"}
    assert told(now[READINESS, "tomsk_city"]) == {"missing"}
    assert [now[READINESS, sender]["overdue_days"] for sender in ("tomsk_city", "seversk", "asinovsky")] == [
        3,
        None,
        None,
    ]
    assert then[READINESS, "tomsk_city"]["overdue_days"] == 0
    assert told(then[EXPORT, "regional_operator"]) == {"received", "on_time", "accepted"}
    assert told(now[EXPORT, "regional_operator"]) == {"missing"}
    assert (then[EXPORT, "regional_operator"]["night"], then[EXPORT, "regional_operator"]["campaign"]) == (DAY, None)
    assert then[EXPORT, "regional_operator"]["deadline"] == dt.date(2023, 9, 11)  # the 8th was a Friday
    for row in now.values():
        assert row["expected"] == sum(int(str(row[name])) for name in ANSWERS) == 1
    region = read(engine, "reporting_rate_region", LATER).row(by_predicate=pl.col("form") == READINESS, named=True)
    assert [region[name] for name in ("expected", *FIGURES)] == [21, 2, 1, 1, 1, 1, 1, 17, 1]
    assert round(region["reporting_rate"] * 21, 9) == 2
    assert round(region["answered_rate"] * 21, 9) == 3
    assert region["is_final"] is False
    assert region["completeness"] == pytest.approx((8 + 2) / 14)  # schools that are there, not senders who reported


def test_a_correction_after_the_deadline_makes_nobody_late(engine: sa.Engine, small: dict[str, int]) -> None:
    changed = report(small, "asinovsky", [1, 2, 3, 4, 5, 6, 7, 8, 9], as_of=dt.date(2023, 9, 12))
    loaded(engine, changed, AFTER)
    publish(engine, "69", [LATER])
    row = rates(engine, LATER)[READINESS, "asinovsky"]
    assert told(row) == {"received", "on_time", "accepted"}
    assert row["first_received_at"] == NOON


def test_a_refused_file_and_a_statement(engine: sa.Engine, small: dict[str, int]) -> None:
    """What came later counts."""
    for sender, at in (("kedrovy", NOON + dt.timedelta(hours=1)), ("seversk", NOON - dt.timedelta(hours=1))):
        loaded(engine, refused(READINESS, sender, as_of=DAY), at)
        state(engine, sender)
    state(engine, "asinovsky", NOON + dt.timedelta(hours=2))  # its report holds all the same
    publish(engine, "69", [DAY])
    found = rates(engine)
    assert told(found[READINESS, "kedrovy"]) == {"refused"}
    assert told(found[READINESS, "seversk"]) == {"nothing_to_report"}
    assert "received" in told(found[READINESS, "asinovsky"])
    health = {
        row["sender"]: row for row in read(engine, "delivery_health").iter_rows(named=True) if row["form"] == READINESS
    }
    assert [health[sender]["status"] for sender in ("kedrovy", "seversk", "asinovsky", "tomsk_city")] == [
        "refused", "nothing_to_report", "accepted", "missing"
    ]  # fmt: skip
    assert health["seversk"]["status_name"] == "Сообщать нечего"


def test_a_night_is_judged_by_its_own_export(engine: sa.Engine, small: dict[str, int]) -> None:
    sunday, tuesday = dt.date(2023, 9, 10), dt.date(2023, 9, 12)
    for night, at in (
        (sunday, dt.datetime(2023, 9, 11, 3, tzinfo=dt.UTC)),
        (tuesday, dt.datetime(2023, 9, 14, 3, tzinfo=dt.UTC)),
    ):
        loaded(engine, export(small, {"asinovsky-1": 61, "chainsky-1": 52}, as_of=night, slice=f"{EXPORT}/{night}"), at)
    monday = dt.date(2023, 9, 11)
    state(engine, "regional_operator", night=monday)
    publish(engine, "69", [sunday, monday, tuesday])
    found = {day: told(rates(engine, day)[EXPORT, "regional_operator"]) for day in (sunday, monday, tuesday)}
    assert found == {
        sunday: {"received", "on_time", "accepted"},  # downloaded on Monday, the next working day
        monday: {"nothing_to_report"},
        tuesday: {"received", "late", "accepted"},
    }


def test_what_was_published_stays_known(engine: sa.Engine, small: dict[str, int]) -> None:
    publish(engine, "69", [DAY])
    with engine.connect() as connection:
        before = connection.scalar(sa.text("SELECT clock_timestamp()"))
    state(engine, "seversk")
    with engine.connect() as connection:
        assert (READINESS, DAY) in unpublished(connection, "69")
    publish(engine, "69", [DAY])
    with engine.connect() as connection:
        assert (READINESS, DAY) not in unpublished(connection, "69")
        asked = sa.text("SELECT missing FROM mart.reporting_rate_as_known(:day, :at) WHERE sender = 'seversk'")
        assert connection.scalar(asked, {"day": DAY, "at": before}) == 1
        assert published_dates(connection, "69") == [DAY]
    assert told(rates(engine)[READINESS, "seversk"]) == {"nothing_to_report"}


def test_a_second_campaign_and_a_cadence_are_data(engine: sa.Engine, small: dict[str, int], inputs: Inputs) -> None:
    """Next year's campaign is a line of campaigns.csv; a monthly round is more such lines."""
    rounds = [
        ("readiness-2024", 2024, "2024-08-01", "2024-09-10"),
        ("readiness-2024-11", 2024, "2024-11-01", "2024-11-29"),
        ("readiness-2024-12", 2024, "2024-12-01", "2024-12-28"),
    ]
    for campaign, year, starts_on, deadline in rounds:
        inputs.add(
            "campaigns", campaign=campaign, form=READINESS, title=campaign, academic_year=str(year),
            starts_on=starts_on, deadline=deadline,
        )  # fmt: skip
    inputs.list("2024", dt.date(2024, 8, 1))
    upgrade(engine)
    autumn, november, december = dt.date(2024, 9, 9), dt.date(2024, 11, 30), dt.date(2024, 12, 2)
    ids = {f"asinovsky-{number}": small[f"asinovsky-{number}"] for number in range(1, 11)}
    for campaign, as_of in (("readiness-2024", autumn), ("readiness-2024-11", dt.date(2024, 11, 20))):
        made = report(ids, "asinovsky", [1, 2, 3], as_of=as_of, slice=f"{READINESS}/asinovsky/{campaign}")
        loaded(engine, replace(made, campaign=campaign), dt.datetime.combine(as_of, dt.time(5), dt.UTC))
    publish(engine, "69", [DAY, autumn, november, december])
    found = {day: rates(engine, day)[READINESS, "asinovsky"] for day in (DAY, autumn, november, december)}
    assert [(row["campaign"], sorted(told(row))) for row in found.values()] == [
        ("readiness-2023", ["accepted", "on_time", "received"]),
        ("readiness-2024", ["accepted", "on_time", "received"]),
        ("readiness-2024-11", ["accepted", "on_time", "received"]),
        ("readiness-2024-12", ["missing"]),
    ]


@pytest.mark.parametrize(
    ("broken", "check"),
    [
        ("ref.region_date(:region, t.received_at) <= t.deadline)::integer AS on_time", "reporting_rate_adds_up"),
        ("WHEN n.form IS NOT NULL THEN 'nothing_to_report'", "reporting_rate_loses_nobody"),
    ],
)
def test_figures_that_do_not_add_up_are_not_published(
    engine: sa.Engine, small: dict[str, int], broken: str, check: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from warehouse.marts import publication as publishing
    from warehouse.marts.definitions import marts

    changed = {
        "reporting_rate_adds_up": broken.replace("<= t.deadline", "< t.deadline - 1000"),
        "reporting_rate_loses_nobody": broken.replace("THEN 'nothing_to_report'", "THEN 'missing'"),
    }[check]
    state(engine, "seversk")
    wrong = tuple(
        replace(mart, select=mart.select.replace(broken, changed)) if mart.name == "reporting_rate" else mart
        for mart in marts()
    )
    assert wrong != marts()
    monkeypatch.setattr(publishing, "marts", lambda: wrong)
    with pytest.raises(AuditFailed, match=check):
        publish(engine, "69", [DAY])
