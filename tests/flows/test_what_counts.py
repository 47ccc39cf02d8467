"""What a delivery is and which one counts: bytes and circumstances, the newest word, whose it is, when it came.

Slow: nights of the whole region.
"""

from __future__ import annotations

import datetime as dt
import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from evidence import copied, picked
from packs import REGION

from flows.home.settings import Settings
from flows.intake.dry_run import check
from flows.intake.incoming import Options, discover
from flows.intake.intake import Intake
from flows.intake.outcome import Outcome
from flows.intake.receiving import receive_new
from flows.intake.take_in import take_in
from flows.runs.ingest import ingest

CASE = Path(__file__).parent / "data" / "renamed"
WRONG_DATE, RIGHT_DATE = "1 Шегарский отправлено 12.09.2023.xlsx", "2 Шегарский 08.09.2023.xlsx"
NO_DATE, WITH_DATE = "3 Шегарский без даты.xlsx", "4 Шегарский готовность 08.09.2023.xlsx"


@pytest.fixture(scope="module")
def lived(databases: Any, region_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A home with the register of schools. No channel vouches for the times of its files, as is the default."""
    with databases.fresh() as url:
        made = Settings(home=tmp_path_factory.mktemp("lived") / "home", database_url=url)
        made.prepare()
        ingest(list(picked(region_files, "department/Реестр").values()), Options(), made)
        yield made


@pytest.fixture
def plain(databases: Any, lived: Settings, tmp_path: Path) -> Iterator[Settings]:
    """A copy of that home for one test."""
    with copied(databases, lived, tmp_path / "home") as made:
        yield made


@pytest.fixture
def settings(plain: Settings) -> Settings:
    """The same; the inbox and who names files vouch for their times."""
    return plain.model_copy(update={"vouched_channels": "inbox,ingest"})


def put(settings: Settings, source: Path, folder: str, name: str | None = None) -> Path:
    """A copy of a file in an inbox folder, with the time of now."""
    path = settings.inbox / folder / (name or source.name)
    path.parent.mkdir(exist_ok=True)
    shutil.copyfile(source, path)
    return path


def night(settings: Settings) -> list[Outcome]:
    return ingest([], Options(), settings)


def rows(engine: sa.Engine, statement: str) -> list[tuple[object, ...]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(statement))]


def count(engine: sa.Engine, table: str) -> object:
    return rows(engine, f"SELECT count(*) FROM {table}")[0][0]


def told(outcomes: list[Outcome]) -> list[tuple[str | None, int, bool]]:
    return [(each.verdict, each.rows.loaded, each.is_repeat) for each in outcomes]


def rules(outcome: Outcome) -> set[str]:
    return {finding.rule for finding in outcome.findings}


@pytest.fixture
def shegarsky(region_files: Path) -> Path:
    return picked(region_files, "shegarsky")["shegarsky"]


@pytest.fixture
def asinovsky(region_files: Path) -> Path:
    return picked(region_files, "asinovsky")["asinovsky"]


def test_a_file_renamed_as_the_receipt_says_is_judged_by_its_new_name(plain: Settings, engine: sa.Engine) -> None:
    verdicts = []
    for name in (WRONG_DATE, RIGHT_DATE, NO_DATE, WITH_DATE):
        put(plain, CASE / name, "shegarsky")
        (outcome,) = night(plain)
        verdicts.append((outcome.verdict, outcome.rows.loaded))
    assert verdicts == [("refused", 0), ("accepted", 12), ("refused", 0), ("accepted", 12)]


def test_a_file_moved_into_the_right_folder_is_judged_by_it(
    plain: Settings, engine: sa.Engine, shegarsky: Path
) -> None:
    wrong = put(plain, shegarsky, "asinovsky")
    (refused,) = night(plain)
    assert (refused.verdict, refused.sender, "COM-016" in rules(refused)) == ("refused", "asinovsky", True)
    wrong.rename(put(plain, shegarsky, "shegarsky"))
    (moved,) = night(plain)
    assert told([moved]) == [("accepted", 12, False)]
    assert count(engine, "ops.delivery") == 3
    assert len(list(plain.archive.rglob(moved.sha256))) == 1


def test_the_same_file_again_changes_nothing(plain: Settings, engine: sa.Engine, shegarsky: Path) -> None:
    put(plain, shegarsky, "shegarsky")
    (first,) = night(plain)
    put(plain, shegarsky, "shegarsky")
    (again,) = night(plain)
    assert told([first, again]) == [("accepted", 12, False), ("accepted", 12, True)]
    assert (again.delivery_id, again.reading_id) == (first.delivery_id, first.reading_id)
    assert (count(engine, "ops.delivery"), count(engine, "ops.arrival")) == (2, 3)


def test_equal_facts_under_another_name_are_kept_once(plain: Settings, engine: sa.Engine, shegarsky: Path) -> None:
    put(plain, shegarsky, "shegarsky")
    (first,) = night(plain)
    stored = [count(engine, table) for table in ("ops.reading", "ops.raw_row", "core.readiness_report_fact")]
    since = rows(engine, "SELECT min(received_at) FROM ops.reading_known('infinity') WHERE sender = 'shegarsky'")
    put(plain, shegarsky, "shegarsky", "Шегарский ещё раз 08.09.2023.xlsx")
    (second,) = night(plain)
    assert (second.verdict, second.rows, second.is_repeat) == (first.verdict, first.rows, True)
    assert second.delivery_id != first.delivery_id and second.reading_id == first.reading_id
    assert (count(engine, "ops.delivery"), count(engine, "ops.arrival")) == (3, 3)
    assert [count(engine, table) for table in ("ops.reading", "ops.raw_row", "core.readiness_report_fact")] == stored
    assert len(list(plain.archive.rglob(first.sha256))) == 1
    assert (
        rows(engine, "SELECT min(received_at) FROM ops.reading_known('infinity') WHERE sender = 'shegarsky'") == since
    )
    (answer,) = plain.outbox.glob("shegarsky/Шегарский ещё раз*.квитанция.xlsx")
    said = [str(cell.value) for row in openpyxl.load_workbook(answer).worksheets[0].iter_rows() for cell in row]
    assert any("Те же сведения уже приняты" in text and shegarsky.name in text for text in said)
    assert night(plain) == []


def shortened(source: Path, path: Path, day: str) -> Path:
    """The report for another day, so that its bytes are others."""
    book = openpyxl.load_workbook(source)
    for sheet in book:
        for row in sheet.iter_rows(max_row=6):
            for cell in row:
                if isinstance(cell.value, str) and "08.09.2023" in cell.value:
                    cell.value = cell.value.replace("08.09.2023", day)
    book.save(path)
    return path


def test_older_bytes_sent_again_after_another_file_count_again(
    plain: Settings, engine: sa.Engine, shegarsky: Path, tmp_path: Path
) -> None:
    other = shortened(shegarsky, tmp_path / "Шегарский 15.09.2023.xlsx", "15.09.2023")
    put(plain, shegarsky, "shegarsky")
    night(plain)
    put(plain, other, "shegarsky")
    assert told(night(plain)) == [("accepted", 12, False)]
    put(plain, shegarsky, "shegarsky")
    (again,) = night(plain)
    assert told([again]) == [("accepted", 12, False)]
    (note,) = [finding for finding in again.findings if finding.rule == "COM-077"]
    assert note.severity == "note" and other.name in note.message
    current = "SELECT as_of FROM ops.reading WHERE sender = 'shegarsky' AND status = 'current'"
    assert rows(engine, current) == [(dt.date(2023, 9, 8),)]
    put(plain, shegarsky, "shegarsky")
    assert told(night(plain)) == [("accepted", 12, True)]


def test_the_former_file_put_back_under_its_name_counts_again(
    plain: Settings, engine: sa.Engine, shegarsky: Path, tmp_path: Path
) -> None:
    name = "Шегарский.xlsx"
    for source in (shegarsky, shortened(shegarsky, tmp_path / name, "08.09.2023"), shegarsky):
        put(plain, source, "shegarsky", name)
        (outcome,) = night(plain)
        assert (outcome.verdict, outcome.rows.loaded, outcome.counts) == ("accepted", 12, True)
    assert "COM-077" in rules(outcome)


def test_two_files_of_one_name_sent_again_change_nothing(
    plain: Settings, engine: sa.Engine, shegarsky: Path, tmp_path: Path
) -> None:
    folders = [tmp_path / day / "shegarsky" for day in ("08", "15")]
    for folder in folders:
        folder.mkdir(parents=True)
    shutil.copyfile(shegarsky, folders[0] / shegarsky.name)
    shortened(shegarsky, folders[1] / shegarsky.name, "08.09.2023")
    ingest(folders, Options(), plain)
    readings = count(engine, "ops.reading")
    assert all(each.is_repeat for each in ingest(folders, Options(), plain))
    assert count(engine, "ops.reading") == readings


def test_a_whole_folder_sent_again_changes_nothing(
    plain: Settings, engine: sa.Engine, shegarsky: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "почта" / "shegarsky"
    folder.mkdir(parents=True)
    shutil.copyfile(shegarsky, folder / shegarsky.name)
    shortened(shegarsky, folder / "Шегарский 15.09.2023.xlsx", "15.09.2023")
    first = ingest([folder], Options(), plain)
    readings = count(engine, "ops.reading")
    again = ingest([folder], Options(), plain)
    assert [each.verdict for each in again] == [each.verdict for each in first] == ["accepted", "accepted"]
    assert all(each.is_repeat for each in again) and count(engine, "ops.reading") == readings


def test_a_refused_file_sent_again_is_the_same_until_something_newer_came(
    plain: Settings, engine: sa.Engine, shegarsky: Path
) -> None:
    put(plain, CASE / WRONG_DATE, "shegarsky")
    (first,) = night(plain)
    put(plain, CASE / WRONG_DATE, "shegarsky")
    (again,) = night(plain)
    assert (again.is_repeat, again.delivery_id) == (True, first.delivery_id)
    put(plain, CASE / RIGHT_DATE, "shegarsky")
    night(plain)
    put(plain, CASE / WRONG_DATE, "shegarsky")
    (anew,) = night(plain)
    assert (anew.verdict, anew.is_repeat, anew.delivery_id == first.delivery_id) == ("refused", False, False)


def test_equal_bytes_of_two_nights_are_two_slices(plain: Settings, engine: sa.Engine, region_files: Path) -> None:
    book = openpyxl.load_workbook(next((region_files / "regional_operator").glob("Сводный*")))
    for sheet in book:
        for row in sheet.iter_rows(max_row=5):
            for cell in row:
                if isinstance(cell.value, str) and "2023" in cell.value:
                    cell.value = None
    for day in ("2023-09-08", "2023-09-09"):
        path = plain.inbox / "regional_operator" / f"Выгрузка {day}.xlsx"
        if day == "2023-09-08":
            path.parent.mkdir()
            book.save(path)
            kept = path
        else:
            shutil.copyfile(kept, path)
        (outcome,) = night(plain)
        assert (outcome.verdict, str(outcome.as_of), outcome.is_repeat) == ("accepted", day, False)
    slices = "SELECT count(DISTINCT slice) FROM ops.reading WHERE form = 'registration_export' AND status = 'current'"
    assert rows(engine, slices) == [(2,)]
    assert count(engine, "restricted.pupil_reading") == 2


def test_the_date_that_an_operator_states_is_a_circumstance(plain: Settings, engine: sa.Engine, tmp_path: Path) -> None:
    file = tmp_path / "без даты.xlsx"
    shutil.copyfile(CASE / NO_DATE, file)
    for day in (dt.date(2023, 9, 7), dt.date(2023, 9, 8), dt.date(2023, 9, 8)):
        (outcome,) = ingest([file], Options(as_of=day, sender="shegarsky"), plain)
        assert (outcome.verdict, outcome.as_of) == ("accepted", day)
    assert outcome.is_repeat
    known = "SELECT as_of FROM ops.reading_known('infinity') WHERE sender = 'shegarsky' ORDER BY 1"
    assert rows(engine, known) == [(dt.date(2023, 9, 7),), (dt.date(2023, 9, 8),)]


def test_receipt_is_when_we_saw_the_file(plain: Settings, engine: sa.Engine, shegarsky: Path) -> None:
    path = put(plain, shegarsky, "shegarsky")
    os.utime(path, (1_694_160_000, 1_694_160_000))
    before = dt.datetime.now(dt.UTC) - dt.timedelta(minutes=1)
    night(plain)
    ((received_at, claimed_at, came_at),) = rows(
        engine,
        "SELECT received_at, claimed_at, ops.came_at(d) FROM ops.delivery d WHERE sender_folder = 'shegarsky'",
    )
    assert before < received_at == came_at  # type: ignore[operator]
    assert claimed_at == dt.datetime.fromtimestamp(1_694_160_000, dt.UTC)


def test_a_claim_decides_only_where_its_channel_vouches_for_it(
    settings: Settings, engine: sa.Engine, shegarsky: Path
) -> None:
    path = put(settings, shegarsky, "shegarsky")
    os.utime(path, (1_694_160_000, 1_694_160_000))
    (outcome,) = night(settings)
    assert "COM-063" not in rules(outcome)
    ((came_at,),) = rows(engine, "SELECT ops.came_at(d) FROM ops.delivery d WHERE sender_folder = 'shegarsky'")
    assert came_at == dt.datetime.fromtimestamp(1_694_160_000, dt.UTC)


@pytest.mark.parametrize("vouched", [None, "inbox"])
def test_a_file_from_the_future_is_named_and_came_now(
    settings: Settings, engine: sa.Engine, shegarsky: Path, vouched: str | None
) -> None:
    path = put(settings, shegarsky, "shegarsky")
    os.utime(path, (4_000_000_000, 4_000_000_000))
    (outcome,) = night(settings.model_copy(update={"vouched_channels": vouched}))
    (found,) = [finding for finding in outcome.findings if finding.rule == "COM-075"]
    assert (outcome.verdict, found.severity, found.value) == ("accepted", "warning", "02.10.2096 14:06")
    assert rows(engine, "SELECT count(*) FROM ops.delivery WHERE counts_at > now()") == [(0,)]


def test_a_file_from_before_its_own_date_is_named(plain: Settings, shegarsky: Path) -> None:
    path = put(plain, shegarsky, "shegarsky")
    os.utime(path, (1_693_900_000, 1_693_900_000))
    (outcome,) = night(plain)
    (found,) = [finding for finding in outcome.findings if finding.rule == "COM-076"]
    assert (outcome.verdict, found.severity) == ("accepted", "warning")
    assert "05.09.2023" in found.message and "08.09.2023" in found.message


@pytest.mark.parametrize("folder", ["", "Шегарский", "shegarsky2"])
def test_nobodys_folder_is_refused_with_a_sentence(
    plain: Settings, engine: sa.Engine, shegarsky: Path, folder: str
) -> None:
    put(plain, shegarsky, folder)
    (outcome,) = night(plain)
    assert (outcome.verdict, outcome.sender, "COM-078" in rules(outcome)) == ("refused", None, True)
    message = next(finding.message for finding in outcome.findings if finding.rule == "COM-078")
    assert (folder or "вне папок") in message and "shegarsky" in message
    assert [path.parent.name for path in plain.outbox.rglob("*.квитанция.xlsx") if "Шегар" in path.name] == [
        "unknown_sender"
    ]
    (dry,) = check([plain.inbox / folder / shegarsky.name], Options(), plain)
    assert "COM-078" in rules(dry)


def test_a_setting_lets_the_content_name_the_sender(plain: Settings, shegarsky: Path) -> None:
    put(plain, shegarsky, "")
    (outcome,) = night(plain.model_copy(update={"content_names_sender": True}))
    assert (outcome.verdict, outcome.sender) == ("accepted", "shegarsky")


def test_what_an_operator_names_may_say_itself_whose_it_is(plain: Settings, shegarsky: Path, tmp_path: Path) -> None:
    file = tmp_path / shegarsky.name
    shutil.copyfile(shegarsky, file)
    (outcome,) = ingest([file], Options(), plain)
    assert (outcome.verdict, outcome.sender) == ("accepted", "shegarsky")


def test_content_that_names_another_sender_is_answered_to_the_owner_of_the_folder(
    plain: Settings, engine: sa.Engine, region_files: Path, shegarsky: Path
) -> None:
    files = [shegarsky, *(region_files / "regional_operator").iterdir(), *(region_files / "department").iterdir()]
    for file in files:
        put(plain, file, "kedrovy")
    outcomes = night(plain)
    assert {each.file: (each.verdict, each.place, each.sender) for each in outcomes} == {
        file.name: ("refused", "kedrovy", "kedrovy") for file in files
    }
    assert all(rules(each) & {"COM-016", "COM-021"} for each in outcomes)
    answered = {path.parent.name for path in plain.outbox.rglob("*.квитанция.xlsx")} - {"department"}
    assert "kedrovy" in answered and "shegarsky" not in {
        path.parent.name for path in plain.outbox.rglob("*.xlsx") if "не получен" not in path.name
    }


def test_files_of_one_look_count_by_their_dates(
    plain: Settings, engine: sa.Engine, shegarsky: Path, tmp_path: Path
) -> None:
    """«15.09» stands before «29.08» in no alphabet; the later date of two files that came together counts."""
    put(plain, shortened(shegarsky, tmp_path / "А 15.09.2023.xlsx", "15.09.2023"), "shegarsky")
    put(plain, shegarsky, "shegarsky", "Я 08.09.2023.xlsx")
    intake = Intake(engine, plain, REGION, Options(), None)
    take_in(intake, receive_new(intake, discover(plain.inbox)))
    current = "SELECT as_of FROM ops.reading WHERE sender = 'shegarsky' AND status = 'current'"
    assert rows(engine, current) == [(dt.date(2023, 9, 15),)]


def test_the_same_words_another_day_are_another_statement(settings: Settings, engine: sa.Engine) -> None:
    path = settings.inbox / "regional_operator" / "нечего.txt"
    path.parent.mkdir(exist_ok=True)
    for day, is_repeat in ((7, False), (7, True), (8, False)):
        path.unlink(missing_ok=True)
        path.write_text("Выгрузка: данных нет", encoding="utf-8")
        came = dt.datetime(2023, 9, day, 9, tzinfo=dt.UTC).timestamp()
        os.utime(path, (came, came))
        (outcome,) = night(settings)
        assert (outcome.verdict, outcome.is_repeat) == ("accepted", is_repeat)
    stated = rows(engine, "SELECT as_of FROM ops.statement WHERE withdrawn_at IS NULL ORDER BY 1")
    assert stated == [(dt.date(2023, 9, 6),), (dt.date(2023, 9, 7),)]


def test_a_register_that_stands_is_named_by_what_would_replace_it(
    plain: Settings, engine: sa.Engine, region_files: Path, tmp_path: Path
) -> None:
    """Held or refused, of a later day or an earlier one: it is never said that no register counts."""
    (path,) = picked(region_files, "department/Реестр").values()
    outcomes = []
    for day, rows_lost in (("02.09.2023", 6), ("03.09.2023", 200), ("31.08.2023", 6)):
        book = openpyxl.load_workbook(path)
        book.worksheets[0].delete_rows(60, rows_lost)
        book.worksheets[0]["A2"] = f"по состоянию на {day}"
        book.save(tmp_path / f"Реестр {day}.xlsx")
        outcomes += ingest([tmp_path / f"Реестр {day}.xlsx"], Options(), plain)
    assert outcomes[0].verdict == "held"
    assert not any(each.counts for each in outcomes)
    assert all("Реестр школ 2023-09-01.xlsx" in (each.in_force or "") for each in outcomes)


def test_an_outcome_says_what_counts_now(
    settings: Settings, engine: sa.Engine, shegarsky: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from flows.cli.terminal import console, show_outcomes

    newer = put(settings, shortened(shegarsky, tmp_path / "Шегарский 15.09.2023.xlsx", "15.09.2023"), "shegarsky")
    os.utime(newer, (1_694_700_000, 1_694_700_000))
    (first,) = night(settings)
    assert (first.counts, first.in_force) == (True, "Действует этот файл.")
    older = put(settings, shegarsky, "shegarsky")
    os.utime(older, (1_694_160_000, 1_694_160_000))
    (late,) = night(settings)
    assert (late.verdict, late.counts) == ("accepted", False)
    assert late.in_force and newer.name in late.in_force
    assert late.document(with_ids=True)["in_force"] == late.in_force
    show_outcomes(console(), [late])
    printed = " ".join(capsys.readouterr().out.split())
    assert "принято" not in printed and "без ошибок" in printed and "не действует" in printed and newer.name in printed
    (receipt,) = settings.outbox.glob(f"shegarsky/*{late.sha256[:7]}*")
    assert receipt.exists()
    put(settings, CASE / WRONG_DATE, "shegarsky")
    (refused,) = night(settings)
    assert (refused.verdict, refused.counts) == ("refused", False) and newer.name in (refused.in_force or "")
