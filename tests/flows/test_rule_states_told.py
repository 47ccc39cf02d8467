"""A region puts a rule aside in mid-campaign: receipts of new files say so, what was judged waits for a backfill."""

from __future__ import annotations

import datetime as dt
import os
import shutil
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from changing import Inputs

from contracts.forms import FORMS
from contracts.versions import rule_versions as versions
from flows.backfills.steps import apply_backfill, plan, requested, revert_backfill
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from flows.runs.status import status
from warehouse.marts.published import mart

DAY = dt.date(2023, 9, 8)
SENT = dt.datetime(2023, 9, 8, 5, tzinfo=dt.UTC)
LINE = {
    "rule": "RDY-010", "form": "", "campaign": "readiness-2023", "valid_from": "", "valid_to": "", "state": "aside",
    "reason": "Ответственных назначат в октябре", "decided_by": "приказ № 7",
}  # fmt: skip


@pytest.fixture
def as_it_is(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, inputs: Inputs) -> None:
    """From which date the rules of the project judge is no matter here: those of now judge every date."""
    project = versions.listed()
    monkeypatch.setattr(versions, "FILE", tmp_path / "versions.csv")
    marks = {form.name: versions.rules_of(form) for form in FORMS}
    now = [versions.Version("as-it-is", name, versions.FIRST_DAY, mark, "Как есть.") for name, mark in marks.items()]
    versions.write([*project, *now])


def failures(engine: sa.Engine) -> dict[str, str]:
    """Rule → severity, of the report of Tomsk."""
    with engine.connect() as connection:
        found = mart(connection, "rule_failures", DAY).filter(form="readiness_report", sender="tomsk_city")
    return dict(found.select("rule", "severity").iter_rows())


def accepted(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        found = mart(connection, "readiness_by_municipality", DAY).filter(reporting_unit="tomsk_city")
    return int(found["accepted"].item())


def text_of(path: Path) -> str:
    page = openpyxl.load_workbook(path).worksheets[0]
    return "\n".join(str(value) for row in page.iter_rows(values_only=True) for value in row if value is not None)


def older(settings: Settings) -> set[str]:
    """Senders of whom status says that older rules judged them."""
    told = status(settings)
    assert told is not None
    return set(told.older["sender"])


def sent_again(report: Path, folder: Path) -> None:
    """The same report under another name, with a mark in its workbook's properties that makes it another file."""
    book = openpyxl.load_workbook(report)
    book.properties.title = "ещё раз"
    folder.mkdir(parents=True, exist_ok=True)
    book.save(folder / "Отчёт ещё раз 08.09.2023.xlsx")
    moment = (SENT + dt.timedelta(hours=1)).timestamp()
    os.utime(folder / "Отчёт ещё раз 08.09.2023.xlsx", (moment, moment))


def test_a_rule_put_aside_in_mid_campaign(
    settings: Settings, engine: sa.Engine, region_files: Path, inputs: Inputs, as_it_is: None
) -> None:
    """Slow: a night, a plan, its application and its revert, and one file more."""
    for sender in ("department", "tomsk_city"):
        shutil.copytree(region_files / sender, settings.inbox / sender)
    (report,) = (settings.inbox / "tomsk_city").glob("*.xlsx")
    os.utime(report, (SENT.timestamp(), SENT.timestamp()))
    ingest([settings.inbox], Options(), settings)
    before, schools = failures(engine), accepted(engine)
    assert before["RDY-010"] == "error" and "COM-120" not in before

    inputs.write("rule_states", [LINE])
    inputs.list("2023-09", dt.date(2023, 9, 1), "Ответственных назначат в октябре.")
    ingest([], Options(), settings)
    assert (failures(engine), accepted(engine)) == (before, schools), "what was judged stays"
    assert older(settings) == {"tomsk_city"}

    number = plan(engine, settings, requested(["readiness_report"], [], DAY, DAY, "Правило отложено"))
    apply_backfill(engine, settings, number)
    after = failures(engine)
    assert "RDY-010" not in after and after["COM-120"] == "note" and accepted(engine) > schools
    assert older(settings) == set()
    revert_backfill(engine, settings, number)
    assert (failures(engine), accepted(engine)) == (before, schools)

    sent_again(report, settings.inbox / "tomsk_city")
    outcomes = ingest([settings.inbox], Options(), settings)
    (again,) = [each for each in outcomes if not each.is_repeat]
    (note,) = [finding for finding in again.findings if finding.rule == "COM-120"]
    assert note.value == "RDY-010" and not any(finding.rule == "RDY-010" for finding in again.findings)
    (receipt,) = (settings.outbox / "tomsk_city").glob(f"*{again.sha256[:7]}*")
    told = text_of(receipt)
    said = "Правило RDY-010 отложено на кампанию «Готовность к реализации Профминимума, 2023/2024»: "
    assert f"{said}Ответственных назначат в октябре (приказ № 7). " in told and "Указано: RDY-010" not in told
    assert accepted(engine) > schools
