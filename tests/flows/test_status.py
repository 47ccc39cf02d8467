"""`profmin status`: how things stand, without changing anything."""

from __future__ import annotations

import datetime as dt
import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
import sqlalchemy as sa
from evidence import all_text, copied, taken_in
from rich.console import Console

from contracts.texts import incident_texts
from flows.backfills.steps import plan, requested
from flows.cli.status_screen import show, states
from flows.home.settings import Settings
from flows.runs.freshness import is_stale
from flows.runs.status import status
from warehouse.deliveries.arrivals import record_arrival
from warehouse.marts.publication import publish
from warehouse.schema.upgrade import connect

if TYPE_CHECKING:
    from conftest import Run

DAY = dt.date(2023, 9, 8)
NOON = dt.datetime(2023, 9, 9, 5, tzinfo=dt.UTC)
LINES_ON_A_SCREEN = 40


@pytest.fixture(scope="module")
def lived(databases: Any, region_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """The region without one report, taken in and published."""
    files = [path for path in region_files.rglob("*") if path.is_file() and path.parent.name != "seversk"]
    with taken_in(databases, tmp_path_factory.mktemp("lived") / "home", *files) as made:
        yield made


@pytest.fixture
def region(databases: Any, lived: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A copy of that home for one test; the report lies in its inbox now."""
    with copied(databases, lived, tmp_path / "home") as made:
        yield made


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
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Витрины ещё не публиковались. Служба здесь не запущена.\n")
    assert "Открытых инцидентов нет." in done.stdout


def test_on_one_screen(region: Settings, region_engine: sa.Engine, profmin: Run) -> None:
    plan(region_engine, region, requested(["readiness_report"], ["asinovsky"], DAY, DAY, "Проверка норм часов"))
    with region_engine.begin() as connection:
        record_arrival(connection, "a" * 64, "поздний.xlsx", 10, NOON, "aa/поздний", "seversk")
    done = profmin("status", settings=region)
    assert (done.returncode, done.stderr) == (0, "")
    lines = done.stdout.splitlines()
    assert len(lines) <= LINES_ON_A_SCREEN and max(map(len, lines)) <= 116
    assert "их прочитает следующий запуск" in done.stdout
    assert lines[0].startswith("Витрины на 08.09.2023, опубликованы")
    for told in (
        "приём файлов", "завершён, есть замечания", "не прислано: ЗАТО Северск", "11.09.2023",
        "Ждут чтения: 1", "seversk/поздний.xlsx aaaaaaaa, 09.09.2023 12:00",
        "ждёт решения, за 08.09.2023", "Проверка норм часов", "profmin backfill show 1",
    ):  # fmt: skip
        assert told in done.stdout, told
    assert "прежним правилам" not in done.stdout


def test_reports_wait_for_a_register(settings: Settings, engine: sa.Engine, profmin: Run) -> None:
    with engine.begin() as connection:
        record_arrival(connection, "a" * 64, "отчёт.xlsx", 10, NOON, "aa/отчёт", "seversk")
    done = profmin("status", settings=settings)
    assert (done.returncode, done.stderr) == (0, "")
    assert "Ждут чтения: 1; формы со школами ждут реестра школ, он ещё не загружен" in done.stdout
    told = json.loads(profmin("status", "--json", settings=settings).stdout)
    assert told["has_register"] is False and len(told["waiting"]) == 1


def test_as_one_document(region: Settings, profmin: Run) -> None:
    done = profmin("status", "--json", settings=region)
    assert (done.returncode, done.stderr) == (0, "")
    told = json.loads(done.stdout)
    assert told["published"]["as_of"] == "2023-09-08"
    assert [(run["kind"], run["accepted"], run["partial"], run["refused"]) for run in told["runs"]] == [
        ("ingest", 16, 9, 0)
    ]
    assert {mart["as_of"] for mart in told["marts"]} == {"2023-09-08"}
    assert next(mart["rows"] for mart in told["marts"] if mart["mart"] == "readiness_by_school") == 285
    assert [(each["form"], each["as_of"], each["is_stale"]) for each in told["exports"]] == [
        ("registration_export", "2023-09-08", True)
    ]
    assert told["service"] is None
    of_report = [row for row in told["senders"] if row["form"] == "readiness_report"]
    assert len(of_report) == 21
    assert [row["sender"] for row in of_report if row["status"] == "missing"] == ["seversk"]
    for part in (
        "waiting",
        "backfills",
        "judged_by_older_rules",
        "read_again",
        "rules_not_listed",
        "nights",
        "incidents",
        "messages",
    ):
        assert told[part] == [], part


def test_it_only_reads(region: Settings, region_engine: sa.Engine) -> None:
    before = all_text(region_engine)
    assert status(region) is not None
    assert all_text(region_engine) == before


def opened(engine: sa.Engine, condition: str, incident_class: str, sender: str | None, at: dt.datetime) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO ops.incident (condition, name, incident_class, sender, subject, opened_at, changed_at,"
                " seen_at, fingerprint) VALUES (:condition, :name, :class, :sender, :subject, :at, :at, :at, '')"
            ),
            {"condition": condition, "name": incident_texts()[condition].name, "class": incident_class,
             "sender": sender, "subject": sender or "nightly", "at": at},
        )  # fmt: skip


def message(engine: sa.Engine, key: str, channel: str, outcome: str, attempts: int) -> None:
    with engine.begin() as connection:
        connection.execute(
            sa.text(
                "INSERT INTO ops.message (dedup_key, recipient, channel, message_class, kind, subject, body, text_hash,"
                " created_at, not_before, outcome, attempts)"
                " VALUES (:key, 'кто', :channel, 'data', 'incident', '', '', '', :at, :at, :outcome, :attempts)"
            ),
            {"key": key, "channel": channel, "outcome": outcome, "attempts": attempts, "at": NOON},
        )


def test_incidents_and_messages_in_their_own_words(region: Settings, region_engine: sa.Engine) -> None:
    for sender in ("asinovsky", "chainsky", "seversk", "kedrovy"):
        opened(region_engine, "failed_validation", "data", sender, NOON)
    opened(region_engine, "run_failed", "own", None, NOON + dt.timedelta(days=1))
    message(region_engine, "1", "email", "waiting", 0)
    message(region_engine, "2", "email", "waiting", 3)
    message(region_engine, "3", "telegram", "failed", 9)
    found = status(region, NOON + dt.timedelta(days=2))
    assert found is not None
    shown = io.StringIO()
    show(found, Console(file=shown, width=100))
    lines = shown.getvalue().splitlines()
    assert len(lines) <= LINES_ON_A_SCREEN and max(map(len, lines)) <= 100
    at = next(number for number, line in enumerate(lines) if line.startswith("Открытые инциденты: 5 "))
    assert "данные 4" in lines[at] and "наши сбои 1" in lines[at]
    assert lines[at + 1].startswith("  Запуск не удался: 1, с 10.09.2023 12:00")
    assert lines[at + 2].startswith("  Файл или строки не приняты: 4, с 09.09.2023 12:00 Асиновский р-н")
    assert "и ещё 1" in " ".join(lines[at + 2 :])
    told = " ".join(lines)
    assert "email — ждут отправки 2 (повторно 1)" in told and "telegram — не ушли 1" in told
    document = found.document()
    assert [each["condition"] for each in document["incidents"]] == ["run_failed"] + ["failed_validation"] * 4
    assert [(each["channel"], each["outcome"], each["messages"]) for each in document["messages"]] == [
        ("email", "waiting", 2), ("telegram", "failed", 1),
    ]  # fmt: skip


def test_one_night_without_an_export(region: Settings, region_engine: sa.Engine) -> None:
    """The export of the night before is fresh for two working days; marts that this version added say so."""
    next_day = DAY + dt.timedelta(days=3)
    publish(region_engine, "69", [next_day])
    with region_engine.begin() as connection:
        connection.execute(sa.text("DELETE FROM ops.applied WHERE name = 'history.control_totals of 69'"))
    found = status(region, dt.datetime(2023, 9, 12, 5, tzinfo=dt.UTC))
    assert found is not None
    (export,) = found.standings[0].exports
    assert (export.as_of, export.nights, is_stale(export)) == (DAY, 2, False)
    shown = io.StringIO()
    show(found, Console(file=shown, width=100))
    assert "ещё не публиковались: control_totals\n" in shown.getvalue()
    assert "выгрузка свежая: за 08.09.2023" in shown.getvalue()


def test_nothing_to_report_is_neither_late_nor_missing() -> None:
    rows = [
        {"status": "nothing_to_report", "is_received": False, "on_time": None},
        {"status": "missing", "is_received": False, "on_time": None},
    ]
    counted = states(pl.DataFrame(rows, schema={"status": pl.String, "is_received": pl.Boolean, "on_time": pl.Boolean}))
    assert (counted["nothing_to_report"], counted["missing"], counted["late"]) == (1, 1, 0)
