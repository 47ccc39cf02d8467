"""A region at UTC+2: its own wall clock says of which day a file is, whether it came in time, and what letters say."""

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import sqlalchemy as sa
from packs import write_pack
from pydantic import ValidationError

from contracts.regions import read_from, region_of, zone_of
from flows.home.connection import warehouse
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.messages.incident_text import event_text
from flows.runs.ingest import ingest
from warehouse.incidents.condition import conditions
from warehouse.incidents.observe import IncidentEvent

AMBER = ZoneInfo("Europe/Kaliningrad")
DEADLINE = dt.date(2023, 9, 11)
IN_TIME = dt.datetime(2023, 9, 11, 23, 30, tzinfo=AMBER)
LATE = dt.datetime(2023, 9, 12, 0, 30, tzinfo=AMBER)
"""In Tomsk it is the morning of the twelfth at both."""
TOLD = "SELECT DISTINCT sender, on_time, late FROM mart.reporting_rate WHERE form = 'readiness_report' AND received = 1"


@pytest.fixture
def packs(tmp_path: Path) -> Iterator[Path]:
    """A folder of packs with one region, at UTC+2."""
    write_pack(tmp_path / "packs" / "39-amber", code="39", name="Янтарный край", time_zone="Europe/Kaliningrad")
    yield tmp_path / "packs"
    read_from(None)


@pytest.fixture
def amber(packs: Path, database_url: str, tmp_path: Path) -> Settings:
    made = Settings(home=tmp_path / "home", database_url=database_url, vouched_channels="inbox,ingest", regions=packs)  # type: ignore[arg-type]
    made.prepare()
    return made


def brought(settings: Settings, files: Path, sender: str, when: dt.datetime) -> None:
    """Put a sender's files into the inbox as if they had come then."""
    for path in shutil.copytree(files / sender, settings.inbox / sender).iterdir():
        os.utime(path, (when.timestamp(), when.timestamp()))


def text_of(path: Path) -> str:
    page = openpyxl.load_workbook(path).worksheets[0]
    return "\n".join(str(value) for row in page.iter_rows(values_only=True) for value in row if value is not None)


def test_a_file_is_of_the_day_that_its_region_has(amber: Settings, region_files: Path) -> None:
    brought(amber, region_files, "department", IN_TIME)
    brought(amber, region_files, "asinovsky", IN_TIME)
    brought(amber, region_files, "kedrovy", LATE)
    outcomes = {outcome.sender: outcome for outcome in ingest([amber.inbox], Options(), amber)}
    late = {sender for sender, outcome in outcomes.items() if any(each.rule == "COM-063" for each in outcome.findings)}
    assert late == {"kedrovy"}
    with warehouse(amber) as engine, engine.connect() as connection:
        zone = connection.execute(sa.text("SELECT region, time_zone FROM ref.region WHERE is_listed")).one()
        assert tuple(zone) == ("39", "Europe/Kaliningrad")
        on_time = {row.sender: (row.on_time, row.late) for row in connection.execute(sa.text(TOLD))}
        local = connection.execute(
            sa.text("SELECT ref.region_date('39', :a), ref.region_date('39', :b)"), {"a": IN_TIME, "b": LATE}
        )
        assert tuple(local.one()) == (DEADLINE, DEADLINE + dt.timedelta(days=1))
    assert on_time == {"asinovsky": (1, 0), "kedrovy": (0, 1)}
    (receipt,) = (amber.outbox / "asinovsky").glob("*.xlsx")
    assert "11.09.2023 23:30" in text_of(receipt)
    (receipt,) = (amber.outbox / "kedrovy").glob("*.xlsx")
    assert "12.09.2023 00:30" in text_of(receipt)


def test_a_night_is_of_the_day_of_the_region(amber: Settings) -> None:
    assert amber.regions and (zone_of(None), region_of("asinovsky").zone) == (AMBER, AMBER)


def test_another_zone_than_the_region_says_is_refused(packs: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PROFMIN_TIMEZONE", "Asia/Tomsk")
    assert Settings() and zone_of(None).key == "Asia/Tomsk", "what homes have stated so far does no harm"
    with pytest.raises(ValidationError, match="PROFMIN_TIMEZONE is Asia/Tomsk, and the region's time zone is Europe/K"):
        Settings(regions=packs)
    monkeypatch.setenv("PROFMIN_TIMEZONE", "Europe/Kaliningrad")
    assert Settings(regions=packs) and zone_of(None).key == "Europe/Kaliningrad"


def test_a_letter_speaks_of_the_hours_of_the_senders_region(amber: Settings) -> None:
    condition = conditions()["failed_validation"]
    told = IncidentEvent(
        event_id=1, incident_id=1, kind="reminded", condition=condition.name, incident_class=condition.incident_class,
        region="39", audiences=condition.audiences, form="readiness_report", form_title="Отчёт", sender="asinovsky",
        sender_name="Асиновский", subject="norms", at=LATE, opened_at=IN_TIME.astimezone(dt.UTC), level=1,
        details={"verdict": "partial", "rules": {}, "places": 1, "schools": [], "schools_count": 0}, deliveries=(),
    )  # fmt: skip
    assert "11.09.2023 23:30" in " ".join(event_text(told).lines)
