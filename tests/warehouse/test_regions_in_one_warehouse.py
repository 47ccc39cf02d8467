"""Two regions in one warehouse: names, campaigns and rules of bands recur, and nothing of one touches the other."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from both_regions import AMBER, TOMSK, frames, load_region
from hand_made import (
    DAY,
    NOON,
    SEED,
    delivery,
    finding,
    loaded,
    now,
    refused,
    report,
)
from packs import edit
from polars.testing import assert_frame_equal

from contracts.explanation import Returned
from contracts.reading import findings_frame
from contracts.regions import read_from
from warehouse.backfill.apply import apply, revert
from warehouse.backfill.comparison import affected_dates, changes, compare
from warehouse.backfill.older_rules import MARKS
from warehouse.backfill.requests import Refused, Request, open_backfill
from warehouse.deliveries.explanation_decision import decide_of, listed
from warehouse.deliveries.explanations import Brought, take
from warehouse.deliveries.recall import unpublished
from warehouse.incidents.handling import incidents
from warehouse.incidents.observe import observe
from warehouse.marts.publication import build_all, publish, published_dates
from warehouse.marts.published import register
from warehouse.schema.input_versions import by_older_inputs
from warehouse.schema.upgrade import connect, upgrade

NEXT = DAY + dt.timedelta(days=1)
OF_READINGS = ("reading_at", "standing_at", "reading_owed")
WEEK = dt.timedelta(days=7)


def without_codes(frame: pl.DataFrame) -> pl.DataFrame:
    """Rows as they would be of any region: without its code, moments, and the prefix of its codes."""
    kept = frame.drop(
        [name for name in frame.columns if name == "region" or frame.schema[name] == pl.Datetime("us", "UTC")]
    )
    return kept.with_columns(pl.col(pl.String).str.replace_all(r"\ba_", ""))


BY_PACK = (
    *MARKS,
    "inputs_judged_by",
    "band",
    "readiness_band",
    "registration_band",
    "units_green",
    "units_amber",
    "in_rule_gap",
    "band_rule_version",
)


def test_each_has_its_marts_as_if_it_were_alone(two: sa.Engine) -> None:
    tomsk, amber = frames(two, TOMSK), frames(two, AMBER)
    assert tomsk["readiness_by_municipality"].height == amber["readiness_by_municipality"].height == 21
    for name in tomsk:
        ours, theirs = (without_codes(each[name]).drop(BY_PACK, strict=False) for each in (tomsk, amber))
        assert_frame_equal(ours, theirs)
        assert set(tomsk[name]["region"]) <= {TOMSK} and set(amber[name]["region"]) <= {AMBER}
    bands = [each["readiness_region"].row(0, named=True)["units_green"] for each in (tomsk, amber)]
    assert bands[1] < bands[0]  # the same rule of bands says something else there


def test_totals_group_by_region_and_the_last_date_is_of_each(two: sa.Engine) -> None:
    publish(two, AMBER, [NEXT])
    with two.connect() as connection:
        latest = "SELECT region, as_of FROM mart.readiness_region_latest ORDER BY region"
        assert connection.execute(sa.text(latest)).all() == [(AMBER, NEXT), (TOMSK, DAY)]
        known = (
            "SELECT region, count(*) FROM mart.readiness_by_school_as_known(:day, :at{of}) GROUP BY region ORDER BY 1"
        )
        asked = {"day": DAY, "at": now(two)}
        schools = sum(row[0] for row in SEED.values())
        assert connection.execute(sa.text(known.format(of="")), asked).all() == [(AMBER, schools), (TOMSK, schools)]
        assert connection.execute(sa.text(known.format(of=", '39'")), asked).all() == [(AMBER, schools)]
        assert (published_dates(connection, TOMSK), published_dates(connection, AMBER)) == ([DAY], [DAY, NEXT])
        calendar = (
            "SELECT region, count(*) FROM mart.calendar WHERE calendar_year = 2023 GROUP BY region ORDER BY region"
        )
        assert connection.execute(sa.text(calendar)).all() == [(AMBER, 365), (TOMSK, 365)]


def test_what_comes_in_one_is_no_news_of_the_other(two: sa.Engine) -> None:
    before = frames(two, TOMSK)
    with two.connect() as connection:
        ids = dict(register(connection, AMBER).select("school_code", "school_id").iter_rows())
    loaded(two, report(ids, "a_asinovsky", range(1, 13)), NOON + dt.timedelta(hours=1))
    with two.connect() as connection:
        assert unpublished(connection, TOMSK) == []
        assert unpublished(connection, AMBER) == [("readiness_report", DAY)]
    publish(two, AMBER, [DAY])
    publish(two, TOMSK, [DAY])
    for name, frame in frames(two, TOMSK).items():
        assert_frame_equal(frame, before[name])
    with two.connect() as connection:
        moved = "SELECT DISTINCT region, reporting_unit FROM mart.corrections"
        assert connection.execute(sa.text(moved)).all() == [(AMBER, "a_asinovsky")]


def test_a_document_of_nobody_is_of_neither(two: sa.Engine) -> None:
    stranger = loaded(two, replace(refused(None, None), as_of=None), NOON)
    theirs = loaded(two, refused("readiness_report", "a_kedrovy"), NOON)
    region = sa.text("SELECT region FROM ops.reading WHERE reading_id = :reading")
    with two.connect() as connection:
        assert connection.scalar(region, {"reading": stranger.reading_id}) is None
        assert connection.scalar(region, {"reading": theirs.reading_id}) == AMBER
        for name in OF_READINGS:
            held = f"SELECT DISTINCT s.region FROM ops.{name}('69', :day, 'infinity') r"
            held += " LEFT JOIN ref.sender s USING (sender)"
            assert connection.scalars(sa.text(held), {"day": DAY}).all() == [TOMSK]


def test_incidents_of_one_are_neither_seen_nor_closed_by_the_other(two: sa.Engine) -> None:
    loaded(two, refused("readiness_report", "a_kedrovy"), NOON)
    stranger = loaded(two, replace(refused(None, None), as_of=None), NOON)
    assert stranger.reading.sender is None
    at = NOON + dt.timedelta(hours=1)
    with two.begin() as connection:
        observe(connection, TOMSK, at, WEEK, 3)
        assert {each.region for each in incidents(connection)} == {TOMSK, None}
        observe(connection, AMBER, at, WEEK, 3)
        found = incidents(connection)
        refusals = {(each.region, each.sender) for each in found if each.condition == "failed_validation"}
        assert (AMBER, "a_kedrovy") in refusals and (None, None) in refusals
        assert all(each.sender is None or each.sender.startswith("a_") == (each.region == AMBER) for each in found)
        observe(connection, TOMSK, at + dt.timedelta(hours=1), WEEK, 3)
        assert {each.incident_id for each in incidents(connection)} == {each.incident_id for each in found}


def test_dates_of_each_are_judged_by_their_own_inputs(two: sa.Engine, both_packs: Path) -> None:
    pack = both_packs / "39-amber"
    kept = (pack / "campaigns.csv").read_bytes()
    try:
        edit(pack, "campaigns", lambda lines: [line.update(deadline="2023-09-20") for line in lines])
        read_from(None)
        read_from(both_packs)
        upgrade(two)
        deadline = sa.text(
            "SELECT deadline FROM ref.campaign_at(:region, :day) WHERE campaign_form = 'readiness_report'"
        )
        with two.connect() as connection:
            ours = connection.scalar(deadline, {"region": TOMSK, "day": DAY})
            assert connection.scalar(deadline, {"region": AMBER, "day": DAY}) == ours  # published: as it was
            assert connection.scalar(deadline, {"region": TOMSK, "day": NEXT}) == ours
            assert connection.scalar(deadline, {"region": AMBER, "day": NEXT}) == dt.date(2023, 9, 20)
            live = "SELECT DISTINCT region, deadline FROM ref.roster WHERE form = 'readiness_report' ORDER BY 1"
            assert connection.execute(sa.text(live)).all() == [(AMBER, dt.date(2023, 9, 20)), (TOMSK, ours)]
            assert by_older_inputs(connection).is_empty()  # an unlisted version judges what is not published
    finally:
        (pack / "campaigns.csv").write_bytes(kept)
        read_from(None)
        read_from(both_packs)


def test_a_backfill_is_of_one_region(two: sa.Engine) -> None:
    asked = Request(AMBER, "инженер", "Число читалось неверно", ("readiness_report",), (), DAY, DAY, "2")
    backfill = open_backfill(two, asked)
    work = """SELECT DISTINCT r.region, count(*) FROM ops.backfill_delivery d JOIN ops.reading r
              ON r.reading_id = d.reading_before WHERE d.backfill_id = :id GROUP BY r.region"""
    with two.begin() as connection:
        assert connection.execute(sa.text(work), {"id": backfill}).all() == [(AMBER, len(SEED))]
        connection.execute(sa.text("UPDATE ops.backfill_delivery SET outcome = 'same'"))
    with pytest.raises(Refused):
        open_backfill(two, asked)  # over the same slices
    open_backfill(two, Request(TOMSK, *list(vars(asked).values())[1:]))
    compare(two, backfill, wait=WEEK, on_wait=print)
    with two.connect() as connection:
        assert changes(connection, backfill).is_empty()
    dates = lambda connection: affected_dates(connection, backfill) or [DAY]  # noqa: E731
    applied = apply(two, backfill, "2", dates, oldest=WEEK, wait=WEEK, on_wait=print, approved_by="инженер")
    assert {each.as_of for each in applied} == {DAY}
    reverted = revert(two, backfill, dates, wait=WEEK, on_wait=print)
    assert {each.as_of for each in reverted} == {DAY}
    with two.connect() as connection:
        published = "SELECT region, count(*) FROM ops.publication GROUP BY region ORDER BY region"
        assert connection.execute(sa.text(published)).all() == [(AMBER, 3), (TOMSK, 1)]


READ = """
SELECT relname, idx_tup_fetch + seq_tup_read FROM pg_stat_xact_user_tables
WHERE schemaname = 'core' AND idx_tup_fetch + seq_tup_read > 0
"""
KEPT = """
SELECT count(*) FROM core.{table} f JOIN ops.reading r ON r.reading_id = f.reading_id WHERE r.region = :region
"""
TIMES = 12


def read_of(engine: sa.Engine, region: str) -> dict[str, int]:
    """Table → how many rows of facts are read for the marts of a region, however often."""
    with engine.connect() as connection, connection.begin():
        before = dict(connection.execute(sa.text(READ)).tuples().all())  # of transactions that are not counted yet
        build_all(connection, region, [DAY])
        after = dict(connection.execute(sa.text(READ)).tuples().all())
    return {table: rows - before.get(table, 0) for table, rows in after.items() if rows > before.get(table, 0)}


def test_facts_of_another_region_are_not_read(databases: Any, both_packs: Path) -> None:
    """The planner may look up rows of ours once more or once less; one look at what is theirs is more than that."""
    with databases.fresh() as url:
        engine = connect(url)
        upgrade(engine)
        load_region(engine, TOMSK, "")
        alone = read_of(engine, TOMSK)
        for number in range(TIMES):
            load_region(engine, AMBER, "a_", as_of=DAY - dt.timedelta(days=number), sha256=f"{number:064x}")
        found = read_of(engine, TOMSK)
        assert found.keys() == alone.keys() and len(alone) > 4
        with engine.connect() as connection:
            for table, rows in alone.items():
                theirs = connection.scalar(sa.text(KEPT.format(table=table)), {"region": AMBER})
                assert theirs is not None and found[table] - rows < max(theirs, 1), table
        engine.dispose()


def test_what_one_region_explains_says_nothing_of_the_other(two: sa.Engine) -> None:
    """The same warning of the same row in both; a key of one region is nothing to a sender of the other.

    Slow: publishes both regions twice.
    """
    doubt = finding("RDY-016", 4, "warning")._replace(column="rmg_weekday", value="вторник", row_key="школа 1")
    asked = sa.text("SELECT finding_key FROM ops.warnings_of(ARRAY[cast(:reading AS bigint)]) WHERE rule = 'RDY-016'")
    keys = {}
    for region, prefix in ((TOMSK, ""), (AMBER, "a_")):
        with two.connect() as connection:
            ids = dict(register(connection, region).select("school_code", "school_id").iter_rows())
        made = report(ids, f"{prefix}asinovsky", range(1, 9), findings=findings_frame([doubt]), sha256="1" * 64)
        put = loaded(two, made, NOON + WEEK)
        publish(two, region, [DAY])
        with two.connect() as connection:
            keys[region] = str(connection.scalar(asked, {"reading": put.reading_id}))
    before = frames(two, TOMSK)
    for sender in ("a_asinovsky", "asinovsky"):
        number = delivery(two)
        with two.begin() as connection:
            take(connection, Brought(number, sender, Returned("1" * 64, ((keys[AMBER], "две смены"),), is_alone=True)))
    with two.connect() as connection:
        (waiting,) = listed(connection)
    decide_of(two, [waiting.explanation_id], "accepted", "Петрова", None)
    for region in (TOMSK, AMBER):
        publish(two, region, [DAY])
    counts = {
        region: frames(two, region)["rule_failures"].filter(pl.col("rule") == "RDY-016")["explained_accepted"].sum()
        for region in (TOMSK, AMBER)
    }
    assert keys[TOMSK] != keys[AMBER] and counts == {TOMSK: 0, AMBER: 1}
    after = frames(two, TOMSK)
    for name, frame in before.items():
        assert_frame_equal(without_codes(after[name]), without_codes(frame))
