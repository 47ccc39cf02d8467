"""Receipts in the outbox, and a receipt that is sent back as a delivery."""

from __future__ import annotations

import datetime as dt
import io
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from evidence import picked
from packs import REGION

from contracts.receipt import SHEET, TITLE
from contracts.texts import phrases
from documents.receipts.styles import MARKS
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.incoming import Options
from flows.intake.outcome import Outcome
from flows.outbox.receipts import write_receipts
from flows.outbox.written_again import write_receipt
from flows.runs.ingest import ingest
from warehouse.incidents.condition import conditions, find

Run = Callable[..., "subprocess.CompletedProcess[str]"]
AS_OF = dt.date(2023, 9, 8)
WAYS = ("absent", "large", "likeness", "pupils", "rebuilt", "unknown", "unread")
IN_TIME = dt.datetime(2023, 9, 9, 5, tzinfo=dt.UTC)


def receipts(settings: Settings) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in sorted(settings.outbox.rglob("*.xlsx"))}


def found_in(outcome: Outcome) -> list[tuple[Any, ...]]:
    return sorted((each.rule, each.cell, each.value, each.expected) for each in outcome.findings)


def text_of(path: Path) -> str:
    page = openpyxl.load_workbook(path).worksheets[0]
    return "\n".join(str(value) for row in page.iter_rows(values_only=True) for value in row if value is not None)


def sent(settings: Settings, data: bytes, sender: str, name: str) -> Path:
    path = settings.inbox / sender / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    os.utime(path, (IN_TIME.timestamp(), IN_TIME.timestamp()))
    return path


def test_every_delivery_gets_a_receipt_and_keeps_it(settings: Settings, region_inbox: Path) -> None:
    sent(settings, b"%PDF-1.7 \n%\xe2\xe3", "bakcharsky", "письмо.pdf")
    sent(settings, b"", "никто", "пустой.xlsx")
    outcomes = ingest([region_inbox], Options(), settings)
    first = receipts(settings)
    assert len(first) == len(outcomes) == 28
    assert {path.parent.name for path in first} == {each.place for each in outcomes}
    for outcome in outcomes:
        (path,) = settings.outbox.glob(f"*/*.{outcome.sha256[:7]}.квитанция.xlsx")
        text = text_of(path)
        rows = outcome.rows
        balance = (
            f"прочитано {rows.read} = принято {rows.loaded} + отложено {rows.quarantined} + не данные {rows.not_data}"
        )
        assert text.startswith(TITLE) and balance in text
        ways = {None: "unknown", "registration_export": "pupils"}
        told = {way for way in WAYS if phrases()[f"receipt.way.{way}"] in text}
        assert told == {ways[outcome.form]} if outcome.form in ways else told <= {"likeness"}
        assert path.name.startswith(Path(outcome.file).stem)
        assert all(each.rule in text for each in outcome.findings)
    changed = {path: path.stat().st_mtime_ns for path in first}
    again = ingest([region_inbox], Options(), settings)
    assert all(each.is_repeat for each in again)
    assert {path: path.stat().st_mtime_ns for path in receipts(settings)} == changed


def test_a_receipt_names_the_senders_schools(settings: Settings, region_files: Path) -> None:
    files = picked(region_files, "department/Реестр", "tomsky_district")
    _, outcome = ingest(list(files.values()), Options(), settings)
    text = text_of(next(settings.outbox.glob("tomsky_district/*")))
    for said in ("не принят: 3", "сведений нет: 3", "отчёт которых принят: 29", "Томский муниципальный район"):
        assert said in text
    assert outcome.rows.quarantined == 3


def test_an_unmended_receipt_sent_back_has_the_same_findings(settings: Settings, region_files: Path) -> None:
    files = picked(region_files, "department/Реестр", "tomsky_district", "kargasoksky")
    _, *before = ingest(list(files.values()), Options(), settings)
    returned = [sent(settings, data, path.parent.name, path.name) for path, data in receipts(settings).items()]
    after = {each.sender: each for each in ingest(returned, Options(), settings) if each.form == "readiness_report"}
    for outcome in before:
        again = after[outcome.sender]
        assert found_in(again) == found_in(outcome)
        assert (again.verdict, again.rows.loaded) == (outcome.verdict, outcome.rows.loaded)
        assert (again.as_of, again.layout) == (outcome.as_of, outcome.layout)
        assert not again.is_repeat


def test_a_mended_receipt_is_accepted_and_replaces(settings: Settings, engine: sa.Engine, region_files: Path) -> None:
    files = picked(region_files, "department/Реестр", "bakcharsky")
    _, before = ingest(list(files.values()), Options(), settings)
    assert before.verdict == "partial"
    (path,) = settings.outbox.glob("bakcharsky/*")
    book = openpyxl.load_workbook(path)
    for found in before.findings:
        if found.severity == "error":
            book[found.sheet][found.cell] = float(found.expected)
    data = io.BytesIO()
    book.save(data)
    (after,) = ingest([sent(settings, data.getvalue(), "bakcharsky", path.name)], Options(), settings)
    assert (after.verdict, after.sender, after.as_of) == ("accepted", "bakcharsky", AS_OF)
    with engine.connect() as connection:
        statuses = connection.execute(
            sa.text("SELECT status FROM ops.reading WHERE sender = 'bakcharsky' ORDER BY reading_id")
        ).scalars()
        assert statuses.all() == ["superseded", "current"]
    (mended,) = set(settings.outbox.glob("bakcharsky/*")) - {path}
    assert mended.name.startswith("profmin bakcharsky 2023-09-08.") and mended.name.count("квитанция") == 1
    book = openpyxl.load_workbook(mended)
    assert book.sheetnames.count(SHEET) == 1
    fills = {cell.fill.fgColor.rgb for row in book.worksheets[1].iter_rows() for cell in row}
    assert MARKS["error"] not in fills
    assert f"Этот файл заменил принятый ранее «{files['bakcharsky'].name}»" in text_of(mended)


def test_a_delivery_that_waits_says_what_still_holds(settings: Settings, region_files: Path) -> None:
    files = picked(region_files, "department/Реестр", "bakcharsky")
    ingest(list(files.values()), Options(), settings)
    book = openpyxl.load_workbook(files["bakcharsky"])
    page = book.worksheets[0]
    page.delete_rows(6, 5)
    data = io.BytesIO()
    book.save(data)
    (outcome,) = ingest([sent(settings, data.getvalue(), "bakcharsky", files["bakcharsky"].name)], Options(), settings)
    assert (outcome.verdict, outcome.status) == ("held", "held")
    text = text_of(next(settings.outbox.glob(f"bakcharsky/*.{outcome.sha256[:7]}.*")))
    assert f"Пока действует принятый ранее файл «{files['bakcharsky'].name}»" in text
    assert "Файл получен и ждёт решения сотрудника мониторинга, пока он не действует." in text
    assert "в действующем файле на 08.09.2023: 6" in text
    assert "он примет файл" in text and "Принято" not in text


def test_what_is_overdue_is_told_until_it_comes(settings: Settings, region_files: Path) -> None:
    files = picked(region_files, "department/Реестр", "asinovsky", "kedrovy")
    late = AS_OF + dt.timedelta(days=4)
    ingest([files["department/Реестр"], files["asinovsky"]], Options(), settings)
    assert not list(settings.outbox.rglob("*не получен*")), "the deadline has not passed on the dates of these files"
    register = sent(
        settings, files["department/Реестр"].read_bytes() + b" ", "department", "Реестр школ 2023-09-12.xlsx"
    )
    ingest([register], Options(as_of=late), settings)
    missing = {path.parent.name: path for path in settings.outbox.rglob("*не получен*")}
    assert len(missing) == 20 and "asinovsky" not in missing
    text = text_of(missing["kedrovy"])
    assert "Не получено" in text and "срок сдачи 11.09.2023" in text and "сведений нет: 2" in text
    sent(settings, files["kedrovy"].read_bytes(), "kedrovy", files["kedrovy"].name)
    ingest([settings.inbox / "kedrovy"], Options(), settings)
    assert not missing["kedrovy"].exists()
    assert len(list(settings.outbox.rglob("*не получен*"))) == 19


def test_a_receipt_that_fails_fails_nothing_else(
    settings: Settings, region_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import flows.outbox.receipts

    files = picked(region_files, "department/Реестр", "asinovsky", "kedrovy")
    right = flows.outbox.receipts.make_receipt

    def wrong(receipt: Any, *rest: Any) -> bytes:
        if receipt.sender == "asinovsky":
            raise ZeroDivisionError("Секретов Тайник")
        return right(receipt, *rest)

    monkeypatch.setattr(flows.outbox.receipts, "make_receipt", wrong)
    outcomes = ingest(list(files.values()), Options(), settings)
    assert [each.verdict for each in outcomes] == ["accepted"] * 3
    assert {path.parent.name for path in receipts(settings)} == {"department", "kedrovy"}
    monkeypatch.undo()
    ingest(list(files.values()), Options(), settings)
    assert {path.parent.name for path in receipts(settings)} == {"department", "kedrovy", "asinovsky"}


def test_receipts_of_many_readings_take_few_statements(
    settings: Settings, engine: sa.Engine, region_inbox: Path
) -> None:
    outcomes = ingest([region_inbox], Options(), settings)
    shutil.rmtree(settings.outbox)
    statements: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *each: statements.append(each[2]))
    assert len(write_receipts(engine, settings, REGION, outcomes, AS_OF)) == 26
    # The eleventh asks what is answered by equal facts under another name, the twelfth what others say of files,
    # the rest what senders have explained, and what came of the receipts that came back.
    assert len(statements) <= 15


def test_a_receipt_is_written_again_when_asked(settings: Settings, profmin: Run, region_files: Path) -> None:
    files = picked(region_files, "department/Реестр", "bakcharsky")
    _, outcome = ingest(list(files.values()), Options(), settings)
    (path,) = settings.outbox.glob("bakcharsky/*")
    data = path.read_bytes()
    path.unlink()
    ran = profmin("receipt", outcome.delivery_id, settings=settings)
    assert (ran.returncode, ran.stdout.strip()) == (0, str(path)), ran.stderr
    assert path.read_bytes() == data
    for asked in (outcome.sha256[:9], files["bakcharsky"].name):
        to = settings.home / f"{asked[:4]}.xlsx"
        assert write_receipt(settings, asked, to) == to
        assert to.read_bytes() == data
    assert write_receipt(settings, outcome.sha256, settings.home) == settings.home / path.name
    for asked in ("0", "нет такого.xlsx", "f" * 64):
        with pytest.raises(UsageError, match="нет; назовите номер"):
            write_receipt(settings, asked, None)


def test_a_receipt_that_cannot_be_written_holds_up_no_other_and_is_an_incident(
    settings: Settings, engine: sa.Engine, region_files: Path
) -> None:
    files = picked(region_files, "department/Реестр", "asinovsky", "kedrovy")
    (settings.outbox / "asinovsky").write_text("a file in place of the folder")
    outcomes = ingest(list(files.values()), Options(), settings)
    assert [each.verdict for each in outcomes] == ["accepted"] * 3
    assert {path.parent.name for path in receipts(settings)} == {"department", "kedrovy"}
    (found,) = wrong(engine, "receipt_not_written").values()
    assert (found["receipts"], found["first"]) == (1, f"asinovsky/{outcomes[1].sha256[:7]}")
    (settings.outbox / "asinovsky").unlink()
    ingest([], Options(), settings)
    assert {path.parent.name for path in receipts(settings)} == {"department", "kedrovy", "asinovsky"}
    assert wrong(engine, "receipt_not_written") == {}


def wrong(engine: sa.Engine, name: str) -> dict[str, dict[str, Any]]:
    with engine.begin() as connection:
        find(connection, "69", IN_TIME, IN_TIME.date(), [conditions()[name]], 25)
        found = connection.execute(sa.text("SELECT subject, details FROM pg_temp.incident_found"))
        return {row.subject: row.details for row in found}
