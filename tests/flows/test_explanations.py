"""Warnings that senders explain: the receipt goes back filled in, its words are kept, decided of, and told."""

from __future__ import annotations

import datetime as dt
import io
import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from evidence import picked
from openpyxl.worksheet.worksheet import Worksheet

from contracts.explanation import LONGEST, MARK
from contracts.receipt import SHEET
from contracts.texts import phrases
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.intake.outcome import Outcome
from flows.runs.decide import decide_of_explanations
from flows.runs.ingest import ingest
from flows.upkeep.doctor import examine
from warehouse.marts.published import mart

IN_TIME = dt.datetime(2023, 9, 9, 5, tzinfo=dt.UTC)
QUARANTINE = "Собрание в октябре: карантин"
UNIT = "kargasoksky"
Run = Callable[..., "subprocess.CompletedProcess[str]"]
Fill = Callable[[Worksheet], None]


def sent(settings: Settings, data: bytes, sender: str, name: str, minutes: int = 0) -> Path:
    path = settings.inbox / sender / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    moment = (IN_TIME + dt.timedelta(minutes=minutes)).timestamp()
    os.utime(path, (moment, moment))
    return path


def rows(engine: sa.Engine, statement: str) -> list[Any]:
    with engine.connect() as connection:
        return [row[0] if len(row) == 1 else tuple(row) for row in connection.execute(sa.text(statement))]


def receipt_of(settings: Settings, sender: str, outcome: Outcome) -> bytes:
    (path,) = settings.outbox.glob(f"{sender}/*.{outcome.sha256[:7]}.квитанция.xlsx")
    return path.read_bytes()


def marked(page: Worksheet, kind: str = "warning") -> Iterator[tuple[int, int]]:
    """Row and column of the marks on a sheet."""
    for row in page.iter_rows():
        for cell in row:
            match = MARK.fullmatch(str(cell.value))
            if match and kind in (match[1], match[4]):
                yield cell.row, cell.column


def filled(
    data: bytes, text: str | None = QUARANTINE, *, changed: Fill | None = None, only: int | None = None
) -> bytes:
    """A receipt with a text beside each of its warnings, or the first of them."""
    book = openpyxl.load_workbook(io.BytesIO(data))
    page = book[SHEET]
    for row, column in list(marked(page))[:only]:
        page.cell(row, column - 1).value = text
    if changed:
        changed(page)
    saved = io.BytesIO()
    book.save(saved)
    return saved.getvalue()


def text_of(data: bytes) -> str:
    page = openpyxl.load_workbook(io.BytesIO(data))[SHEET]
    return "\n".join(str(value) for row in page.iter_rows(values_only=True) for value in row if value is not None)


@pytest.fixture
def taken(settings: Settings, region_files: Path) -> Outcome:
    files = picked(region_files, "department/Реестр", UNIT)
    _, outcome = ingest(list(files.values()), Options(), settings)
    assert any(each.severity == "warning" for each in outcome.findings)
    return outcome


def test_an_explanation_comes_back_and_stays_with_its_finding(
    settings: Settings, engine: sa.Engine, taken: Outcome
) -> None:
    """Slow: five deliveries, a decision and its publication."""
    first = receipt_of(settings, UNIT, taken)
    assert phrases()["receipt.next.explain"] in text_of(first)
    (back,) = ingest([sent(settings, filled(first), UNIT, "ответ.xlsx")], Options(), settings)
    assert (back.status, back.is_repeat, back.failure) == ("same", True, None), "who explains sends no data"
    assert rows(engine, "SELECT count(*) FROM ops.reading WHERE sender = 'kargasoksky'") == [1]
    assert rows(engine, "SELECT sender, form, span, rule, explanation FROM ops.explanation ORDER BY rule") == [
        (UNIT, "readiness_report", "readiness-2023", rule, QUARANTINE) for rule in ("RDY-012", "RDY-016")
    ]
    told = text_of(receipt_of(settings, UNIT, back))
    assert phrases()["receipt.came_of.taken"].format(count=2) in told
    assert told.count(phrases()["receipt.explanation.waits"]) == 2

    # A mended file: what is said stays with the finding that stays; the old receipt does not bring the old data back.
    book = openpyxl.load_workbook(io.BytesIO(receipt_of(settings, UNIT, back)))
    table = book.worksheets[1]
    table["R9"].value = 5
    table["P13"].value = "17-о"
    saved = io.BytesIO()
    book.save(saved)
    (mended,) = ingest([sent(settings, saved.getvalue(), UNIT, "исправлено.xlsx", 5)], Options(), settings)
    assert (mended.verdict, mended.status) == ("accepted", "current")
    told = text_of(receipt_of(settings, UNIT, mended))
    assert told.count(QUARANTINE) == told.count(phrases()["receipt.explanation.waits"]) == 1
    late = filled(first, "Другие слова")
    (old,) = ingest([sent(settings, late, UNIT, "старая квитанция.xlsx", 9)], Options(), settings)
    assert old.status == "same" and rows(
        engine, "SELECT d.file_name FROM ops.reading r JOIN ops.delivery d USING (delivery_id)"
        " WHERE r.sender = 'kargasoksky' AND r.status = 'current'",
    ) == ["исправлено.xlsx"]  # fmt: skip
    told = text_of(receipt_of(settings, UNIT, old))
    assert phrases()["receipt.came_of.mended"].format(count=1) in told
    assert "Уже принят более новый файл «исправлено.xlsx»" in told
    held = "SELECT rule, explanation FROM ops.explanation WHERE gone_at = 'infinity' ORDER BY rule"
    assert rows(engine, held) == [("RDY-012", "Другие слова"), ("RDY-016", "Другие слова")]

    # Sent again, under another name or returned as it came back: nothing new.
    again = ingest([sent(settings, late, UNIT, "ещё раз.xlsx", 12)], Options(), settings)
    known = filled(receipt_of(settings, UNIT, mended), changed=lambda page: None, only=0)
    again += ingest([sent(settings, known, UNIT, "как пришла.xlsx", 13)], Options(), settings)
    assert [each.failure for each in again] == [None, None]
    assert rows(engine, held) == [("RDY-012", "Другие слова"), ("RDY-016", "Другие слова")]
    assert rows(engine, "SELECT count(*) FROM ops.explanation") == [4]


def test_an_officer_decides_and_the_sender_is_told(
    settings: Settings, engine: sa.Engine, taken: Outcome, profmin: Run
) -> None:
    """Slow: commands, each with its publication."""
    receipt = filled(receipt_of(settings, UNIT, taken))
    (back,) = ingest([sent(settings, receipt, UNIT, "ответ.xlsx")], Options(), settings)
    waiting = profmin("incidents", "explain", settings=settings)
    assert waiting.stdout.count(QUARANTINE) == 2 and "ждёт решения" in waiting.stdout
    first, second = (
        each["explanation_id"]
        for each in json.loads(profmin("incidents", "explain", "--json", settings=settings).stdout)
    )
    done = profmin("incidents", "explain", "accept", str(first), "--by", "Петрова", settings=settings)
    assert f"Пояснения: {first} — принято." in done.stdout and "опубликованы" in done.stdout
    again = profmin("incidents", "explain", "accept", str(first), "--by", "Петрова", settings=settings)
    assert "ничего не изменилось" in again.stdout
    done = profmin(
        "incidents", "explain", "refuse", str(second), "--reason", "Смена одна.", "--by", "Петрова", settings=settings
    )
    assert "отклонено" in done.stdout
    for outcome in (taken, back):
        told = text_of(receipt_of(settings, UNIT, outcome))
        assert "Пояснение принято" in told and "Пояснение не принято" in told and "Смена одна." in told
    assert "Решения не ждёт ни одно пояснение." in profmin("incidents", "explain", "list", settings=settings).stdout
    assert (
        json.loads(profmin("incidents", "explain", "--all", "--json", settings=settings).stdout)[1]["reason"]
        == "Смена одна."
    )
    failures = json.loads(profmin("mart", "rule_failures", "--format", "json", settings=settings).stdout)
    of_unit = {row["rule"]: row for row in failures if row["sender"] == UNIT and row["severity"] == "warning"}
    assert {rule: (row["explained"], row["explained_accepted"]) for rule, row in of_unit.items()} == {
        "RDY-012": (1, 1), "RDY-016": (0, 0),
    }  # fmt: skip
    assert profmin("incidents", "explain", "refuse", str(second), settings=settings).returncode == 2
    assert profmin("incidents", "explain", "accept", "777", settings=settings).returncode == 2


def test_a_receipt_without_a_table_is_words_alone(settings: Settings, engine: sa.Engine, taken: Outcome) -> None:
    first = receipt_of(settings, UNIT, taken)

    def without_tables(page: Worksheet) -> None:
        book = page.parent
        for sheet in book.worksheets[1:]:
            book.remove(sheet)

    alone = filled(first, changed=without_tables)
    (back,) = ingest([sent(settings, alone, UNIT, "только квитанция.xlsx")], Options(), settings)
    assert (back.verdict, back.sender, back.reading_id, back.failure) == ("accepted", UNIT, None, None)
    assert rows(engine, "SELECT count(*) FROM ops.explanation") == [2]
    assert text_of(receipt_of(settings, UNIT, taken)).count(QUARANTINE) == 2, "the receipt is written again"
    (answer,) = settings.outbox.glob(f"{UNIT}/только квитанция*.txt")
    assert "Новых пояснений: 2" in answer.read_text("utf-8-sig")
    (again,) = ingest([settings.inbox / UNIT / "только квитанция.xlsx"], Options(), settings)
    assert again.is_repeat and rows(engine, "SELECT count(*) FROM ops.explanation") == [2]
    assert [law for law in examine(settings) if law.times] == []


def test_a_receipt_of_another_says_nothing(
    settings: Settings, engine: sa.Engine, region_files: Path, taken: Outcome
) -> None:
    """Slow: it takes in the reports of two units."""
    (other,) = ingest(list(picked(region_files, "chainsky").values()), Options(), settings)
    foreign = filled(receipt_of(settings, UNIT, taken))
    (back,) = ingest([sent(settings, foreign, "chainsky", "чужая.xlsx")], Options(), settings)
    assert back.verdict == "refused" and rows(engine, "SELECT count(*) FROM ops.explanation") == [0]
    told = text_of(receipt_of(settings, "chainsky", back))
    assert phrases()["receipt.came_of.foreign"] in told
    assert rows(engine, "SELECT status FROM ops.reading WHERE sender = 'chainsky' AND verdict <> 'refused'") == [
        "current"
    ]
    assert other.verdict != "refused"
    (nobody,) = ingest([sent(settings, foreign, "никто", "ничья.xlsx")], Options(), settings)
    assert nobody.verdict == "refused" and rows(engine, "SELECT count(*) FROM ops.explanation") == [0]


def hostile(page: Worksheet) -> None:
    """Rows sorted away from their places, columns moved, marks lost and made up, words beside errors and nothing."""
    (row, column), (last, _) = marked(page)
    page.cell(row, column - 1).value = '=HYPERLINK("http://x";"карантин")'
    page.cell(last, column - 1).value = "@карантин " + "очень " * 200
    for error, _ in list(marked(page, "error")):
        page.cell(error, column - 1).value = "у нас так"
    page.cell(last + 3, column - 1).value = "и ещё"
    page.cell(last + 4, column).value = f"profmin-warning {'f' * 32} -"
    page.cell(last + 4, column - 1).value = "о том, чего нет"
    page.insert_rows(3, 2)
    page.insert_cols(2)
    for merged in list(page.merged_cells.ranges):
        page.merged_cells.remove(merged)


def test_a_receipt_is_trusted_no_further_than_it_goes(settings: Settings, engine: sa.Engine, taken: Outcome) -> None:
    data = filled(receipt_of(settings, UNIT, taken), "карантин", changed=hostile)
    (back,) = ingest([sent(settings, data, UNIT, "правлено.xlsx")], Options(), settings)
    said = rows(engine, "SELECT explanation FROM ops.explanation ORDER BY rule")
    assert len(said) == 1 and said[0].startswith("карантин очень") and len(said[0]) <= LONGEST
    told = text_of(receipt_of(settings, UNIT, back))
    assert "Пояснение к ошибке не принимается" in told and "COM-030" in told
    assert phrases()["receipt.came_of.astray"].format(count=2) in told
    assert phrases()["receipt.came_of.shortened"].format(count=1, longest=LONGEST) in told


def test_words_that_begin_like_a_formula_are_words(settings: Settings, engine: sa.Engine, taken: Outcome) -> None:
    def typed(page: Worksheet) -> None:
        for text, (row, column) in zip(("+7 дней: карантин", "'=1+1"), marked(page), strict=True):
            page.cell(row, column - 1).value = text
            page.cell(row, column - 1).data_type = "s"

    data = filled(receipt_of(settings, UNIT, taken), changed=typed)
    (back,) = ingest([sent(settings, data, UNIT, "ответ.xlsx")], Options(), settings)
    assert rows(engine, "SELECT explanation FROM ops.explanation ORDER BY rule") == ["7 дней: карантин", "1+1"]
    book = openpyxl.load_workbook(io.BytesIO(receipt_of(settings, UNIT, back)))
    cells = [book[SHEET].cell(row, column - 1) for row, column in marked(book[SHEET])]
    assert {(cell.data_type, cell.number_format) for cell in cells} == {("s", "@")}
    lists = {str(each.formula1) for each in book[SHEET].data_validations.dataValidation}
    assert len(lists) == 2 and all(each.startswith("$A$") for each in lists)


def test_words_come_with_their_delivery_or_not_at_all(settings: Settings, engine: sa.Engine, taken: Outcome) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE ops.returned_receipt ADD CONSTRAINT full_disk CHECK (taken < 1)"))

    def mended(page: Worksheet) -> None:
        page.parent.worksheets[1]["R9"].value = 5

    data = filled(receipt_of(settings, UNIT, taken), changed=mended)
    (failed,) = ingest([sent(settings, data, UNIT, "ответ.xlsx")], Options(), settings)
    counted = (
        "SELECT (SELECT count(*) FROM ops.reading WHERE sender = 'kargasoksky'), (SELECT count(*) FROM ops.explanation)"
    )
    assert failed.failure is not None and rows(engine, counted) == [(1, 0)]
    with engine.begin() as connection:
        connection.execute(sa.text("ALTER TABLE ops.returned_receipt DROP CONSTRAINT full_disk"))
    (done,) = ingest([settings.inbox / UNIT / "ответ.xlsx"], Options(), settings)
    assert (done.verdict, done.failure) == ("accepted", None) and rows(engine, counted) == [(2, 2)]


def test_words_of_senders_are_in_no_log_and_no_message(
    settings: Settings, engine: sa.Engine, taken: Outcome, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level("DEBUG")
    data = filled(receipt_of(settings, UNIT, taken), "Секретов Тайник болел")
    ingest([sent(settings, data, UNIT, "ответ.xlsx")], Options(), settings)
    assert rows(engine, "SELECT count(*) FROM ops.explanation") == [2]
    assert "Секретов" not in caplog.text
    logs = "".join(path.read_text() for path in settings.home.rglob("*.log*"))
    assert "Секретов" not in logs
    assert rows(engine, "SELECT count(*) FROM ops.message WHERE body LIKE '%Секретов%'") == [0]


@pytest.mark.skipif(shutil.which("soffice") is None, reason="LibreOffice is not here")
@pytest.mark.parametrize("ending", ["xlsx", "ods", "xls"])
def test_a_receipt_saved_by_libreoffice_is_known(
    settings: Settings, engine: sa.Engine, taken: Outcome, tmp_path: Path, ending: str
) -> None:
    """Slow: LibreOffice starts."""
    kept = tmp_path / "kept"
    kept.mkdir()
    path = tmp_path / "ответ.xlsx"
    path.write_bytes(filled(receipt_of(settings, UNIT, taken)))
    saving = ["soffice", f"-env:UserInstallation=file://{tmp_path}/profile", "--headless", "--convert-to", ending]
    subprocess.run([*saving, "--outdir", str(kept), str(path)], check=True, timeout=180)
    data = (kept / f"ответ.{ending}").read_bytes()
    ingest([sent(settings, data, UNIT, f"ответ.{ending}")], Options(), settings)
    assert rows(engine, "SELECT explanation FROM ops.explanation") == [QUARANTINE, QUARANTINE]


@pytest.mark.usefixtures("prefect_server")
def test_two_nights_of_a_dialogue(
    settings: Settings, engine: sa.Engine, region_files: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slow: three nights with a real Prefect."""
    from flows.nightly import nightly

    assert settings.database_url is not None
    monkeypatch.setenv("PROFMIN_DATABASE_URL", settings.database_url.get_secret_value())
    monkeypatch.setenv("PROFMIN_VOUCHED_CHANNELS", settings.vouched_channels or "")
    first, second, third = (dt.date(2023, 9, day) for day in (8, 9, 10))
    for place, path in picked(region_files, "department/Реестр", UNIT).items():
        sent(settings, path.read_bytes(), place.partition("/")[0], path.name, -24 * 60)
    (night,) = nightly(first, str(settings.home), return_state=True).result(raise_on_failure=False)
    (report,) = (each for each in night.outcomes if each.form == "readiness_report")
    sent(settings, filled(receipt_of(settings, UNIT, report), only=1), UNIT, "Ответ Каргасок.xlsx")
    (night,) = nightly(second, str(settings.home), return_state=True).result(raise_on_failure=False)
    (back,) = night.outcomes
    assert (back.status, back.failure) == ("same", None)
    (explanation,) = rows(engine, "SELECT explanation_id FROM ops.explanation")
    with engine.connect() as connection:
        known = connection.scalar(sa.text("SELECT clock_timestamp()"))
    decide_of_explanations(settings, [explanation], "refused", "Петрова", "Приказ есть.")
    (night,) = nightly(third, str(settings.home), return_state=True).result(raise_on_failure=False)
    assert night.outcomes == (), "nobody sent anything, and nothing waits"

    def shown(day: dt.date, moment: dt.datetime | None = None) -> list[int]:
        with engine.connect() as connection:
            health = mart(connection, "delivery_health", day, moment).filter(sender=UNIT, form="readiness_report")
        return list(health["warnings_explained"])

    assert [shown(day) for day in (first, second, third)] == [[0], [0], [0]], "refused, it counts again"
    assert [shown(day, known) for day in (first, second)] == [[1], [1]], "as it was known"
    told = text_of(receipt_of(settings, UNIT, back))
    assert "Пояснение не принято" in told and "Приказ есть." in told
