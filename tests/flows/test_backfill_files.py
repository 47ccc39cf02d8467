"""Reading the past again from the archive: planned, applied, taken back, on real files."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from evidence import severity

from flows import backfill
from flows.backfill import apply_backfill, plan, requested, revert_backfill
from flows.backfill_report import Report, report_of
from flows.doctor import examine
from flows.ingest import ingest
from flows.reader import Options
from flows.settings import Settings
from warehouse.database import connect
from warehouse.query import mart
from warehouse.requests import Refused, backfills

DAY = dt.date(2023, 9, 8)
REASON = "Должность ответственного больше не ошибка"


@pytest.fixture
def engine(settings: Settings, region_inbox: Path) -> Iterator[sa.Engine]:
    """The region taken in and published."""
    ingest([region_inbox], Options(), settings)
    assert settings.database_url is not None
    made = connect(settings.database_url.get_secret_value())
    yield made
    made.dispose()


@pytest.fixture
def softer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Rules by which RDY-010 only warns."""
    severity("RDY-010", "warning")
    monkeypatch.setattr(backfill, "contract_version", lambda: "softer")
    yield
    severity("RDY-010", "error")


def planned(engine: sa.Engine, settings: Settings) -> tuple[int, Report]:
    backfill_id = plan(engine, settings, requested(["readiness_report"], [], DAY, DAY, REASON))
    with engine.connect() as connection:
        return backfill_id, report_of(connection, backfill_id)


def published(engine: sa.Engine) -> str:
    with engine.connect() as connection:
        return mart(connection, "readiness_by_school", DAY).write_csv()


def test_a_changed_rule_is_planned_applied_and_taken_back(engine: sa.Engine, settings: Settings, softer: None) -> None:
    before = published(engine)
    backfill_id, report = planned(engine, settings)
    assert published(engine) == before
    moved = report.units.filter(column="Верный отчёт").select("name", "before", "after").rows()
    assert moved == [("Город Томск", "50", "51")]
    assert report.findings.select("rule", "severity", "before", "after").rows() == [
        ("RDY-010", "error", 1, 0),
        ("RDY-010", "warning", 0, 1),
    ]
    assert report.deliveries.height == 1
    assert report.workbook().startswith(b"PK")
    assert "Город Томск" in report.markdown()
    apply_backfill(engine, settings, backfill_id)
    assert published(engine) != before
    with engine.connect() as connection:
        told = mart(connection, "corrections", DAY).filter(grain="school", metric="status")
    assert told.select("was", "became", "cause", "reason").rows() == [("rejected", "accepted", "backfill", REASON)]
    revert_backfill(engine, settings, backfill_id)
    assert published(engine) == before
    assert [law.name for law in examine(settings) if law.times] == []


def test_reading_nothing_new_changes_nothing(engine: sa.Engine, settings: Settings) -> None:
    before = published(engine)
    backfill_id = plan(engine, settings, requested([], [], dt.date(2023, 9, 1), DAY, "Проверка чтения"))
    apply_backfill(engine, settings, backfill_id)
    assert published(engine) == before
    with engine.connect() as connection:
        told = backfills(connection, backfill_id).row(0, named=True)
    assert (told["status"], told["deliveries"], told["same"], told["changed"]) == ("applied", 26, 26, 0)


def test_bytes_that_are_gone_are_told(engine: sa.Engine, settings: Settings) -> None:
    next(path for path in settings.archive.rglob("*") if path.is_file()).unlink()
    with pytest.raises(Refused, match="no longer in the archive"):
        plan(engine, settings, requested([], [], dt.date(2023, 9, 1), DAY, "Проверка архива"))
    assert [law.name for law in examine(settings) if law.times] == ["archive_holds_the_bytes"]
