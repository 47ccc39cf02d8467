"""What a rule across forms says is told with the file, in its receipt, and no more when the other file is replaced."""

from __future__ import annotations

import datetime as dt
import io
import os
import shutil
from pathlib import Path

import openpyxl

from contracts.texts import phrases
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.intake.outcome import Outcome
from flows.runs.ingest import ingest

SENT = dt.datetime(2023, 9, 30, 5, tzinfo=dt.UTC)
LIST = """ИНН партнёра;Наименование партнёра;Вид партнёра;Номер соглашения;Дата соглашения;Действует до
0000001011;ООО «Лесной завод»;предприятие;12-С;04.09.2023;31.08.2024
"""


def sent(settings: Settings, name: str, data: bytes, hours: int = 0) -> Path:
    path = settings.inbox / "chainsky" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    moment = (SENT + dt.timedelta(hours=hours)).timestamp()
    os.utime(path, (moment, moment))
    return path


def stating(report: Path, agreements: int) -> bytes:
    """The report with another number of agreements in each of its rows."""
    book = openpyxl.load_workbook(report)
    page = book.worksheets[0]
    heading = next(
        cell for row in page.iter_rows() for cell in row if isinstance(cell.value, str) and "оглашени" in cell.value
    )
    for row in page.iter_rows(min_row=heading.row + 1, min_col=heading.column, max_col=heading.column):
        for cell in row:
            if str(cell.value).isdigit():
                cell.value = agreements
    made = io.BytesIO()
    book.save(made)
    return made.getvalue()


def told(outcome: Outcome) -> list[str]:
    return [finding.message for finding in outcome.findings if finding.rule == "AG-007"]


def text_of(path: Path) -> str:
    page = openpyxl.load_workbook(path).worksheets[0]
    return "\n".join(str(value) for row in page.iter_rows(values_only=True) for value in row if value is not None)


def test_a_finding_across_forms_is_told_and_taken_back(settings: Settings, region_files: Path) -> None:
    """Slow: takes in the register, a report and a list of agreements, then one of them twice more."""
    shutil.copytree(region_files / "department", settings.inbox / "department")
    (report,) = (region_files / "chainsky").glob("*.xlsx")
    sent(settings, report.name, stating(report, 2))
    listed = sent(settings, "Соглашения 30.09.2023.csv", LIST.encode())
    outcomes = ingest([settings.inbox], Options(), settings)
    outcome = next(outcome for outcome in outcomes if outcome.form == "partner_agreements")
    assert outcome.verdict == "accepted" and len(told(outcome)) == 8
    stated = phrases()["across.other"].format(told="не меньше 2", file=report.name, day="08.09.2023")
    assert all(stated in message and f"«{listed.name}» от 30.09.2023" in message for message in told(outcome))
    (receipt,) = (settings.outbox / "chainsky").glob(f"*{outcome.sha256[:7]}*")
    before = text_of(receipt)
    assert "AG-007" in before and stated in before

    corrected = sent(settings, "Отчёт исправленный 08.09.2023.xlsx", stating(report, 1), hours=1)
    again, _ = ingest([listed, corrected], Options(), settings)
    assert again.is_repeat and told(again) == []
    assert "AG-007" not in text_of(receipt)
