"""Reading the past again from the archive: planned, applied, taken back, on real files.

Slow: the region is taken in once, and its files are read again in most tests.
"""

from __future__ import annotations

import datetime as dt
import io
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import polars as pl
import pytest
import sqlalchemy as sa
from evidence import COLUMNS, assert_nowhere, copied, picked, planted, severity
from ledgers import LEDGERS
from rich.console import Console

from documents.demo import tomsk
from documents.demo.exports import register as register_file
from flows.backfills import steps as backfill
from flows.backfills.report import Report, report_of
from flows.backfills.steps import apply_backfill, plan, requested, revert_backfill
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.decide import decide_and_publish
from flows.runs.ingest import ingest
from flows.upkeep.doctor import examine
from warehouse.backfill.apply import cancel
from warehouse.backfill.requests import Refused, backfills
from warehouse.marts.published import mart, mart_names

DAY = dt.date(2023, 9, 8)
SINCE = dt.date(2023, 9, 1)
REASON = "Должность ответственного больше не ошибка"


@pytest.fixture(scope="module")
def lived(module_database_url: str, region_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """The region taken in and published, with our pupil in rows of its export."""
    home = tmp_path_factory.mktemp("lived") / "home"
    made = Settings(home=home, database_url=module_database_url, vouched_channels="inbox,ingest")  # type: ignore[arg-type]
    made.prepare()
    shutil.copytree(region_files, made.inbox, dirs_exist_ok=True)
    export = picked(region_files, "regional_operator/Сводный")["regional_operator/Сводный"]
    too_young(planted(export, made.inbox / "regional_operator" / export.name, "none"))
    ingest([made.inbox], Options(), made)
    return made


@pytest.fixture
def settings(databases: Any, lived: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A copy of that for each test."""
    with copied(databases, lived, tmp_path / "home") as made:
        yield made


@pytest.fixture
def softer(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Rules by which RDY-010 only warns, and so does the grade of a pupil."""
    severity("RDY-010", "warning")
    severity("REX-001", "warning")
    monkeypatch.setattr(backfill, "contract_version", lambda region: "softer")
    yield
    severity("RDY-010", "error")
    severity("REX-001", "error")


def too_young(path: Path) -> None:
    """Put a pupil of an export into the third grade."""
    book = openpyxl.load_workbook(path)
    sheet = book.worksheets[0]
    (place,) = [
        cell for row in sheet.iter_rows() for cell in row if str(cell.value).strip().lower() in COLUMNS["grade"]
    ]
    sheet.cell(place.row + 20, place.column).value = 3
    book.save(path)


def planned(engine: sa.Engine, settings: Settings, form: str = "readiness_report") -> tuple[int, Report]:
    backfill_id = plan(engine, settings, requested([form], [], DAY, DAY, REASON))
    with engine.connect() as connection:
        return backfill_id, report_of(connection, backfill_id)


def published(engine: sa.Engine) -> dict[str, str]:
    """Every mart, byte for byte, without the ledgers, which remember what was taken back."""
    with engine.connect() as connection:
        return {name: mart(connection, name, DAY).write_csv() for name in mart_names() if name not in LEDGERS}


def pupils(engine: sa.Engine) -> dict[int, int]:
    """Reading → how many pupils are kept of it."""
    statement = """
    SELECT r.reading_id, (SELECT count(*) FROM restricted.pupils_of(r.reading_id)) FROM restricted.pupil_reading r
    """
    with engine.connect() as connection:
        return dict(connection.execute(sa.text(statement)).tuples().all())


def broken_laws(settings: Settings) -> list[str]:
    return [law.name for law in examine(settings) if law.times]


def everything_told(report: Report) -> str:
    """The report in all its forms, as text."""
    terminal = io.StringIO()
    report.show(Console(file=terminal, width=200))
    book = openpyxl.load_workbook(io.BytesIO(report.workbook()))
    cells = [str(cell) for sheet in book for row in sheet.iter_rows(values_only=True) for cell in row]
    return "\n".join(
        [terminal.getvalue(), report.markdown(), json.dumps(report.document(), ensure_ascii=False), *cells]
    )


def test_a_changed_rule_is_planned_applied_and_taken_back(engine: sa.Engine, settings: Settings, softer: None) -> None:
    before = published(engine)
    backfill_id, report = planned(engine, settings)
    assert published(engine) == before
    moved = report.units.filter(column="accepted").select("name", "before", "after").rows()
    assert moved == [("Город Томск", "50", "51")]
    assert report.totals.filter(column="accepted").select("before", "after").rows() == [("244", "245")]
    assert report.findings.select("rule", "severity", "before", "after").rows() == [
        ("RDY-010", "error", 1, 0),
        ("RDY-010", "warning", 0, 1),
    ]
    assert report.totals.filter(mart="readiness_region", column="completeness").height == 1
    assert report.units.filter(column="completeness").is_empty(), "what a date says as a whole is told once"
    assert report.deliveries.height == 1
    apply_backfill(engine, settings, backfill_id)
    assert published(engine) != before
    with engine.connect() as connection:
        told = mart(connection, "corrections", DAY).filter(grain="school", metric="status")
    assert told.select("was", "became", "cause", "reason").rows() == [("rejected", "accepted", "backfill", REASON)]
    revert_backfill(engine, settings, backfill_id)
    assert published(engine) == before
    assert broken_laws(settings) == []


def test_a_report_is_read_by_people_and_by_programs(engine: sa.Engine, settings: Settings, softer: None) -> None:
    _, report = planned(engine, settings)
    assert "| Город Томск | 08.09.2023 | Доля верных отчётов | 83,3 % | 85,0 % |" in report.markdown()
    assert "Отчёт о готовности_Томск" not in report.markdown()  # a file's name may hold a person's
    assert report.tables()["Файлы"]["Принято строк"].to_list() == ["50 → 51"]
    sheet = openpyxl.load_workbook(io.BytesIO(report.workbook()))["Отчётные единицы"]
    rows = [row[1:] for row in sheet.iter_rows(values_only=True)]
    assert ("Город Томск", "08.09.2023", "Верный отчёт", 50, 51) in rows
    assert ("Город Томск", "08.09.2023", "Доля верных отчётов", "83,3 %", "85,0 %") in rows
    (rate,) = [each for each in report.document()["units"] if each["column"] == "accepted_rate"]
    assert (rate["as_of"], rate["before"], rate["after"]) == ("2023-09-08", pytest.approx(50 / 60), 0.85)
    (level,) = [each for each in report.document()["cells"] if each["column"] == "level"]
    assert (level["before"], level["after"]) == (None, "basic")
    told = everything_told(report)
    assert "000000" not in told
    assert "базовый" in told
    shown = io.StringIO()
    report.show(Console(file=shown, width=116))
    assert max(map(len, shown.getvalue().splitlines())) <= 116


def test_an_export_of_pupils_is_read_again(engine: sa.Engine, settings: Settings, softer: None) -> None:
    before, kept = published(engine), pupils(engine)
    dropped, _ = planned(engine, settings, "registration_export")
    (proposed,) = pupils(engine).keys() - kept.keys()
    assert pupils(engine) == kept | {proposed: kept[max(kept)] + 2}, "with those of the third grade"
    cancel(engine, dropped)
    assert pupils(engine) == kept

    backfill_id, report = planned(engine, settings, "registration_export")
    assert published(engine) == before
    assert report.schools.filter(column="actual_pupils").height > 0
    assert report.cells.is_empty()
    assert_nowhere(everything_told(report), "the report")
    apply_backfill(engine, settings, backfill_id)
    assert published(engine) != before
    revert_backfill(engine, settings, backfill_id)
    assert published(engine) == before
    assert broken_laws(settings) == []


def test_reading_nothing_new_changes_nothing(engine: sa.Engine, settings: Settings) -> None:
    before, kept = published(engine), pupils(engine)
    backfill_id = plan(engine, settings, requested([], [], SINCE, DAY, "Проверка чтения"))
    assert pupils(engine) == kept
    apply_backfill(engine, settings, backfill_id)
    assert published(engine) == before
    with engine.connect() as connection:
        told = backfills(connection, backfill_id).row(0, named=True)
    assert (told["status"], told["deliveries"], told["same"], told["changed"]) == ("applied", 26, 26, 0)
    assert told["figures"] == 0
    assert broken_laws(settings) == []


def test_bytes_that_are_gone_are_told(engine: sa.Engine, settings: Settings) -> None:
    next(path for path in settings.archive.rglob("*") if path.is_file()).unlink()
    with pytest.raises(Refused, match="no longer in the archive"):
        plan(engine, settings, requested([], [], SINCE, DAY, "Проверка архива"))
    with engine.connect() as connection:
        assert backfills(connection)["status"].to_list() == ["cancelled"]  # nothing stays open over these slices
    assert broken_laws(settings) == ["archive_holds_the_bytes"]


def test_the_register_of_then_on_request(engine: sa.Engine, settings: Settings) -> None:
    """An officer let a register through that lacks a school; by what was known before it, a report is as it was."""
    assert settings.database_url is not None
    with engine.connect() as connection:
        then = connection.scalar(sa.text("SELECT clock_timestamp()"))
    assert isinstance(then, dt.datetime)
    region = tomsk()
    gone = region.schools.filter(pl.col("subordination") == "kedrovy")["school_code"][0]
    object.__setattr__(region, "schools", region.schools.filter(pl.col("school_code") != gone))
    corrected = settings.inbox / "department" / "Реестр школ 2023-09-01 исправлено.xlsx"
    corrected.write_bytes(register_file(region))
    (outcome,) = ingest([corrected], Options(), settings)
    assert (outcome.verdict, [each.rule for each in outcome.findings]) == ("held", ["COM-070"])
    assert outcome.delivery_id is not None
    decide_and_publish(settings, outcome.delivery_id, "current", "Офицер", "Школа закрыта.")

    asked = (["readiness_report"], ["kedrovy"], DAY, DAY)
    as_then = plan(engine, settings, requested(*asked, "Как знали тогда", register_known_at=then))
    with engine.connect() as connection:
        told = backfills(connection, as_then).row(0, named=True)
    assert (told["same"], told["changed"], told["register_known_at"]) == (1, 0, then)
    cancel(engine, as_then)
    backfill_id = plan(engine, settings, requested(*asked, "Как знаем теперь"))
    with engine.connect() as connection:
        report = report_of(connection, backfill_id)
    assert (report.request["same"], report.request["changed"]) == (0, 1)
    assert report.deliveries.row(0, named=True)["loaded_after"] == report.deliveries["loaded_before"][0] - 1
    cancel(engine, backfill_id)
    nobody = dt.datetime(2023, 1, 1, tzinfo=dt.UTC)
    with pytest.raises(Refused, match="no register of schools was known by 2023-01-01"):
        plan(engine, settings, requested(*asked, "Раньше всякого реестра", register_known_at=nobody))


def test_a_unit_has_the_code_of_its_day(engine: sa.Engine, settings: Settings, softer: None) -> None:
    """Кедровый: 69707000 until 2024, 69507000 after; one reporting unit throughout."""
    later = dt.date(2025, 9, 8)
    with engine.begin() as connection:
        connection.execute(
            sa.text("INSERT INTO ops.publication (region, as_of, published_at) VALUES ('69', :day, clock_timestamp())"),
            {"day": later},
        )
    backfill_id = plan(engine, settings, requested([], [], SINCE, DAY, REASON))
    apply_backfill(engine, settings, backfill_id)
    with engine.connect() as connection:
        found = {
            day: mart(connection, "readiness_by_municipality", day)
            .filter(reporting_unit="kedrovy")
            .select("oktmo", "reporting_unit_name")
            .row(0)
            for day in (DAY, later)
        }
    assert found == {
        DAY: ("69707000", "Город Кедровый"),
        later: ("69507000", "Муниципальный округ Кедровый"),
    }
