"""Two regions at the same time: what one publishes, loads, decides or reads again waits for nothing of the other.

One of them is another process, which stands in the middle of its publication.
Slow: loads two regions of the source for each test.
"""

from __future__ import annotations

import datetime as dt
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import polars as pl
import pytest
import sqlalchemy as sa
from both_regions import AMBER, TOMSK, frames, load_region
from hand_made import DAY, NOON, delivery, loaded, now, refused, report
from polars.testing import assert_frame_equal

from warehouse.backfill.apply import apply, cancel, revert
from warehouse.backfill.comparison import affected_dates, compare
from warehouse.backfill.requests import Request, open_backfill
from warehouse.core.slices import PUBLICATION, Timeout
from warehouse.deliveries.decision import decide
from warehouse.deliveries.judging import judge_across
from warehouse.deliveries.load import load
from warehouse.deliveries.recall import unpublished
from warehouse.incidents.nothing_to_report import Statement, record
from warehouse.marts.publication import publish, published_dates
from warehouse.marts.published import register
from warehouse.schema.upgrade import connect, upgrade

SHORT, WEEK = dt.timedelta(seconds=5), dt.timedelta(days=7)
NEXT = DAY + dt.timedelta(days=1)
PUBLISH = """
import datetime as dt, sys
from pathlib import Path
from contracts.regions import read_from
from warehouse.core.slices import publisher
from warehouse.marts.publication import publish_within
from warehouse.schema.upgrade import connect
url, packs, region, day = sys.argv[1:]
read_from(Path(packs))
with publisher(connect(url), region) as connection:
    publish_within(connection, region, [dt.date.fromisoformat(day)])
    print("published, not committed", flush=True)
    sys.stdin.read()
"""
WAITS = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"


@contextmanager
def publishing(engine: sa.Engine, packs: Path, region: str, day: dt.date) -> Iterator[Callable[[], None]]:
    """Another process that has published a region, and commits that when it is told to."""
    url = engine.url.render_as_string(hide_password=False)
    command = [sys.executable, "-c", PUBLISH, url, str(packs), region, str(day)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdin and other.stdout
        assert other.stdout.readline() == "published, not committed\n"

        def end() -> None:
            assert other.stdin
            other.stdin.close()
            assert other.wait() == 0

        yield end


def ids_of(engine: sa.Engine, region: str) -> dict[str, int]:
    with engine.connect() as connection:
        return dict(register(connection, region).select("school_code", "school_id").iter_rows())


def test_a_publication_of_one_region_keeps_back_nothing_of_another(two: sa.Engine, both_packs: Path) -> None:
    ids = ids_of(two, AMBER)
    theirs, ours = ids_of(two, TOMSK), frames(two, TOMSK)
    with publishing(two, both_packs, TOMSK, NEXT) as end:
        less = report(ids, "a_tomsk_city", range(1, 11))
        number = delivery(two, NOON + dt.timedelta(hours=1))
        assert load(two, less, number, "1", wait=SHORT).status == "held"
        assert not decide(two, number, "current", "сотрудник", "Школы закрыты", SHORT).is_repeat
        said = Statement("readiness_report", "a_kedrovy", "readiness-2023", None, "Нет школ", "сотрудник", now(two))
        with two.begin() as connection:
            assert record(connection, [said], SHORT) == [True]
        judge_across(two, AMBER, wait=SHORT)
        assert {each.as_of for each in publish(two, AMBER, [DAY, NEXT], wait=SHORT)} == {DAY, NEXT}
        asked = Request(AMBER, "инженер", "Число читалось неверно", ("readiness_report",), (), DAY, DAY, "1")
        cancel(two, open_backfill(two, asked))
        backfill = open_backfill(two, asked)
        with two.begin() as connection:
            connection.execute(sa.text("UPDATE ops.backfill_delivery SET outcome = 'same'"))
        compare(two, backfill, wait=SHORT, on_wait=print)
        dates = lambda connection: affected_dates(connection, backfill) or [DAY]  # noqa: E731
        apply(two, backfill, "1", dates, oldest=WEEK, wait=SHORT, on_wait=print, approved_by="инженер")
        revert(two, backfill, dates, wait=SHORT, on_wait=print)
        with two.connect() as connection:
            assert published_dates(connection, TOMSK) == [DAY], "it is not committed yet"
            assert unpublished(connection, AMBER) == []
        with pytest.raises(Timeout, match=f"for {PUBLICATION} of 69, held by"):
            load(two, report(theirs, "asinovsky", [1, 2]), delivery(two), "1", wait=dt.timedelta(seconds=0.2))
        end()
    with two.connect() as connection:
        assert published_dates(connection, TOMSK) == [DAY, NEXT]
    for name, frame in frames(two, TOMSK).items():
        assert_frame_equal(frame, ours[name])
    readiness = frames(two, AMBER)["readiness_by_municipality"].filter(pl.col("reporting_unit") == "a_tomsk_city")
    assert readiness["accepted"].to_list() == [10]


def test_who_finds_the_marts_old_while_another_reshapes_them_begins_anew(
    both: sa.Engine, one_after_the_other: dict[str, dict[str, pl.DataFrame]], both_packs: Path
) -> None:
    """Tables and views are of all regions: here they are made by a publication that is not committed."""
    with both.begin() as connection:
        connection.exec_driver_sql("UPDATE ops.applied SET fingerprint = 'of before' WHERE name LIKE 'mart.%%'")
    with ThreadPoolExecutor(1) as pool, publishing(both, both_packs, TOMSK, DAY) as end:
        waiting = pool.submit(publish, both, AMBER, [DAY])
        give_up = time.monotonic() + 120
        with both.connect().execution_options(isolation_level="AUTOCOMMIT") as asking:
            while not waiting.done() and not asking.scalar(sa.text(WAITS)):
                assert time.monotonic() < give_up
                time.sleep(0.05)
        assert not waiting.done()
        end()
        assert {each.as_of for each in waiting.result()} == {DAY}
    for region, alone in one_after_the_other.items():
        for name, frame in frames(both, region).items():
            assert_frame_equal(without_moments(frame), without_moments(alone[name]))


def without_moments(frame: pl.DataFrame) -> pl.DataFrame:
    """The rows without what a warehouse's own clock and numbers say."""
    return frame.drop([name for name, kind in frame.schema.items() if kind == pl.Datetime("us", "UTC")])


@pytest.fixture
def one_after_the_other(databases: Any, both_packs: Path) -> dict[str, dict[str, pl.DataFrame]]:
    """Marts of both, published one after the other in another warehouse."""
    assert both_packs
    with databases.fresh() as url:
        engine = connect(url)
        upgrade(engine)
        for region, prefix in ((TOMSK, ""), (AMBER, "a_")):
            load_region(engine, region, prefix)
            publish(engine, region, [DAY])
        made = {region: frames(engine, region) for region in (TOMSK, AMBER)}
        engine.dispose()
    return made


def test_what_nobody_is_known_to_have_sent_waits_for_no_publication(two: sa.Engine, both_packs: Path) -> None:
    with publishing(two, both_packs, TOMSK, NEXT):
        assert load(two, refused(None, None), delivery(two), "1", wait=SHORT).reading.verdict == "refused"
        assert loaded(two, refused("readiness_report", "a_kedrovy")).reading.verdict == "refused"
