"""One line that is right when nothing else works any more."""

from __future__ import annotations

import datetime as dt
import json
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from evidence import picked
from packs import REGION

from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.freshness import Freshness, freshness, is_stale
from flows.runs.ingest import ingest
from warehouse.schema.upgrade import connect, migrate
from warehouse.watch.ages import NoAnswer, ages, only_looking

Run = Callable[..., "subprocess.CompletedProcess[str]"]
NOW = dt.datetime(2023, 9, 12, 8, tzinfo=dt.UTC)
"""A Tuesday, in the afternoon of Tomsk."""
HOUR = dt.timedelta(hours=1)


def fresh(settings: Settings, now: dt.datetime) -> Freshness:
    """What is said of the only region."""
    (found,) = freshness(settings, now, (REGION,))
    return found


def night(engine: sa.Engine, ended: dt.datetime | None, state: str = "completed", kind: str = "nightly") -> None:
    began = (ended or NOW) - HOUR / 4
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO ops.run (region, kind, as_of, started_at, finished_at, state)"
                " VALUES ('69', :kind, '2023-09-11', :began, :ended, :state)"
            ),
            {"kind": kind, "began": began, "ended": ended, "state": state},
        )


def published(engine: sa.Engine, at: dt.datetime) -> None:
    with engine.begin() as connection:
        statement = (
            "INSERT INTO ops.publication (region, as_of, known_at, published_at) VALUES ('69', '2023-09-11', :at, :at)"
        )
        connection.execute(sa.text(statement), {"at": at})


def test_a_night_and_a_publication_make_it_fresh(engine: sa.Engine, settings: Settings) -> None:
    night(engine, NOW - 12 * HOUR, "completed with findings")
    published(engine, NOW - 11 * HOUR)
    found = fresh(settings, NOW)
    assert found.fresh
    assert found.sentence.startswith(
        "fresh: the night of 2023-09-11 was completed 12 h ago, marts were published 11 h ago"
    )


def test_the_limit_is_exactly_that_of_the_settings(engine: sa.Engine, settings: Settings) -> None:
    night(engine, NOW - 25 * HOUR)
    published(engine, NOW - 25 * HOUR)
    assert fresh(settings, NOW).fresh
    assert not fresh(settings, NOW + dt.timedelta(seconds=1)).fresh
    assert fresh(settings.model_copy(update={"nightly_hours": 26}), NOW + dt.timedelta(seconds=1)).fresh


def test_what_is_not_fresh_is_said(engine: sa.Engine, settings: Settings) -> None:
    assert fresh(settings, NOW).sentence == (
        "not fresh: no nightly run was ever completed; no mart was ever published; allowed are 25 h (profmin status)"
    )
    night(engine, NOW - HOUR, kind="ingest")
    assert "no nightly run was ever completed" in fresh(settings, NOW).sentence, "other runs are no night"
    night(engine, NOW - 30 * HOUR)
    published(engine, NOW - 72 * HOUR)
    night(engine, NOW - 2 * HOUR, "failed")
    found = fresh(settings, NOW)
    assert not found.fresh
    number = found.ages.run_id if found.ages else None
    assert found.sentence == (
        "not fresh: the last nightly run was completed 30 h ago; marts were last published 3 days ago; "
        f"run {number} began 2 h ago and is failed; allowed are 25 h (profmin logs {number})"
    )


def test_a_failed_night_after_a_completed_one_is_no_alarm_yet(engine: sa.Engine, settings: Settings) -> None:
    night(engine, NOW - 24 * HOUR)
    published(engine, NOW - 24 * HOUR)
    night(engine, NOW, "failed")
    assert fresh(settings, NOW).fresh


def test_a_night_that_runs_for_ever_is_named(engine: sa.Engine, settings: Settings) -> None:
    night(engine, NOW - 40 * HOUR)
    published(engine, NOW)
    night(engine, None, "running")
    assert "began 15 min ago and is running" in fresh(settings, NOW).sentence


def test_exports_are_counted_in_working_nights_and_wake_nobody(
    engine: sa.Engine, settings: Settings, region_files: Path
) -> None:
    for path in picked(region_files, "department/Реестр", "regional_operator/Сводный").values():
        folder = settings.inbox / path.parent.name
        folder.mkdir()
        shutil.copy2(path, folder)
    ingest([], Options(), settings)
    friday = dt.datetime(2023, 9, 8, 8, tzinfo=dt.UTC)
    for days, nights, stale in ((0, 0, False), (3, 1, False), (4, 2, False), (5, 3, True)):
        now = friday + dt.timedelta(days=days)
        with engine.begin() as connection:
            connection.execute(sa.text("DELETE FROM ops.run WHERE kind = 'nightly'"))
        night(engine, now)
        found = fresh(settings, now)
        assert found.ages is not None
        (export,) = found.ages.exports
        assert (export.form, export.nights, is_stale(export)) == ("registration_export", nights, stale)
        assert found.fresh
        assert (
            "exports are missing: registration_export of regional_operator is of 2023-09-08" in found.sentence
        ) == stale


def test_no_warehouse_is_made_by_asking(databases: Any, settings: Settings, tmp_path: Path) -> None:
    with databases.fresh("template0") as url:
        bare = settings.model_copy(update={"database_url": Settings(database_url=url).database_url})
        assert fresh(bare, NOW).sentence == "not fresh: the database holds no warehouse (profmin db upgrade)"
        engine = connect(url)
        with engine.begin() as connection:
            migrate(connection, "0006")
        assert "the warehouse is at migration 0006, this version needs 00" in fresh(bare, NOW).sentence
        with engine.connect() as connection:
            assert connection.scalar(sa.text("SELECT max(version_num) FROM ops.alembic_version")) == "0006"
        engine.dispose()
    nothing = Settings(home=tmp_path / "nothing")
    assert "there is no warehouse in" in fresh(nothing, NOW).sentence
    assert not nothing.home.exists()


def test_the_session_can_change_nothing_and_waits_for_nobody(settings: Settings) -> None:
    assert settings.database_url is not None
    with (
        pytest.raises(NoAnswer, match="read-only"),
        only_looking(settings.database_url.get_secret_value()) as connection,
    ):
        connection.execute(sa.text("INSERT INTO ops.run (region, kind) VALUES ('69', 'nightly')"))
    with only_looking(settings.database_url.get_secret_value()) as connection:
        assert connection.scalar(sa.text("SHOW statement_timeout")) == "10s"
        assert ages(connection, "69", NOW.date()).run_id is None


def test_a_table_that_is_locked_is_told_after_some_seconds(
    engine: sa.Engine, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("warehouse.watch.ages.READING", "-c lock_timeout=200ms")
    with engine.begin() as connection:
        connection.execute(sa.text("LOCK TABLE ops.run IN ACCESS EXCLUSIVE MODE"))
        found = fresh(settings, NOW)
    assert not found.fresh
    assert "the database cannot be asked" in found.sentence


def test_a_database_that_does_not_answer_is_not_fresh(settings: Settings, profmin: Run) -> None:
    """Nobody listens, or somebody accepts the connection and never says a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        port = silent.getsockname()[1]
        dead = profmin("freshness", PROFMIN_DATABASE_URL=f"postgresql://u:geheim@127.0.0.1:{port}/x")
        assert (dead.returncode, dead.stdout.count("\n")) == (1, 1)
        assert dead.stdout.startswith("not fresh: the database cannot be asked")
        assert "geheim" not in dead.stdout + dead.stderr
        silent.listen(1)
        threading.Thread(target=lambda: silent.accept()[0].recv(1000), daemon=True).start()
        began = time.monotonic()
        mute = profmin("freshness", "--json", PROFMIN_DATABASE_URL=f"postgresql://u:geheim@127.0.0.1:{port}/x")
        assert time.monotonic() - began < 20
        assert (mute.returncode, json.loads(mute.stdout)["fresh"]) == (1, False)


def test_the_command_needs_no_prefect(engine: sa.Engine, settings: Settings, profmin: Run) -> None:
    now = dt.datetime.now(dt.UTC)
    night(engine, now - HOUR)
    published(engine, now - HOUR)
    done = profmin("freshness", settings=settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("fresh: ")
    document = json.loads(profmin("freshness", "--json", settings=settings).stdout)
    assert (document["fresh"], document["state"]) == (True, "completed")
    assert dt.datetime.fromisoformat(document["completed_at"]).tzinfo is not None
    looked = "import sys, flows.runs.freshness; sys.exit('prefect' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", looked], check=False).returncode == 0
    assert profmin("freshness", PROFMIN_DATABASE_URL="postgresql+asyncpg://u@h/x").returncode == 2
