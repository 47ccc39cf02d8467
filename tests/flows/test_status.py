"""`profmin status`: how things stand, without changing anything."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import sqlalchemy as sa
from evidence import all_text

from flows.backfill import plan, requested
from flows.ingest import ingest
from flows.reader import Options
from flows.settings import Settings
from flows.status import status
from warehouse.database import connect
from warehouse.deliveries import record_arrival

if TYPE_CHECKING:
    from conftest import Run

DAY = dt.date(2023, 9, 8)
NOON = dt.datetime(2023, 9, 9, 5, tzinfo=dt.UTC)
LINES_ON_A_SCREEN = 40


@pytest.fixture
def region(settings: Settings, region_inbox: Path) -> None:
    """The region without one report, published."""
    paths = [path for path in region_inbox.rglob("*") if path.is_file() and path.parent.name != "seversk"]
    ingest(paths, Options(), settings)


def test_without_a_database_it_says_what_to_do_and_makes_none(profmin: Run, tmp_path: Path, databases: Any) -> None:
    done = profmin("status", PROFMIN_HOME=str(tmp_path / "home"))
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Базы ещё нет") and "profmin demo" in done.stdout
    assert not (tmp_path / "home").exists()
    with databases.fresh("template0") as url:
        done = profmin("status", "--json", PROFMIN_HOME=str(tmp_path / "home"), PROFMIN_DATABASE_URL=url)
        assert (done.returncode, json.loads(done.stdout)) == (0, None)
        empty = connect(url)
        with empty.connect() as connection:
            assert connection.scalar(sa.text("SELECT to_regnamespace('ops')")) is None
        empty.dispose()


def test_an_empty_warehouse(settings: Settings, profmin: Run) -> None:
    done = profmin("status", settings=settings)
    assert (done.returncode, done.stdout) == (0, "Витрины ещё не публиковались.\n")


def test_on_one_screen(region: None, settings: Settings, engine: sa.Engine, profmin: Run) -> None:
    plan(engine, settings, requested(["readiness_report"], ["asinovsky"], DAY, DAY, "Проверка норм часов"))
    with engine.begin() as connection:
        record_arrival(connection, "a" * 64, "поздний.xlsx", 10, NOON, "aa/поздний", "seversk")
    done = profmin("status", settings=settings)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) <= LINES_ON_A_SCREEN and max(map(len, lines)) <= 116
    assert lines[0].startswith("Витрины на 08.09.2023, опубликованы")
    for told in (
        "приём файлов", "завершён, есть замечания", "не прислано: ЗАТО Северск", "11.09.2023",
        "Ждут чтения: 1", "seversk/поздний.xlsx aaaaaaaa, 09.09.2023 12:00",
        "ждёт решения, за 08.09.2023", "Проверка норм часов", "profmin backfill show 1",
    ):  # fmt: skip
        assert told in done.stdout, told
    assert "прежним правилам" not in done.stdout


def test_as_one_document(region: None, settings: Settings, profmin: Run) -> None:
    done = profmin("status", "--json", settings=settings)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["published"]["as_of"] == "2023-09-08"
    assert [run["kind"] for run in told["runs"]] == ["ingest"]
    of_report = [row for row in told["senders"] if row["form"] == "readiness_report"]
    assert len(of_report) == 21
    assert [row["sender"] for row in of_report if row["status"] == "missing"] == ["seversk"]
    for part in ("waiting", "backfills", "judged_by_older_rules", "read_again", "rules_not_listed"):
        assert told[part] == [], part


def test_it_only_reads(region: None, settings: Settings, engine: sa.Engine) -> None:
    before = all_text(engine)
    assert status(settings) is not None
    assert all_text(engine) == before
