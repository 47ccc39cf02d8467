"""What a night has to work on: the files that are new in the inbox, and what was received and not read yet."""

from __future__ import annotations

import os
import shutil
import subprocess
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
import sqlalchemy as sa
from evidence import picked
from packs import REGION

from flows.home.connection import warehouse
from flows.home.faults import Fault
from flows.home.settings import Settings
from flows.intake import intake as intakes
from flows.intake import loading, receiving
from flows.intake.incoming import Incoming, Options, discover
from flows.intake.intake import Intake
from flows.intake.outcome import Outcome
from flows.intake.publishing import COPIES, keep_classes, keep_register
from flows.intake.receiving import receive, receive_new
from flows.intake.take_in import take_in
from flows.outbox import receipts as outbox
from flows.runs.ingest import ingest
from flows.runs.record import recorded_run
from warehouse.core.slices import Timeout, holding
from warehouse.deliveries.received import finish_run, start_run

Run = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def report(settings: Settings, region_files: Path) -> Path:
    """The register and one report in the inbox; the report's path."""
    files = picked(region_files, "department/Реестр", "asinovsky")
    for path in files.values():
        folder = settings.inbox / path.parent.name
        folder.mkdir()
        shutil.copy2(path, folder)
    return settings.inbox / "asinovsky" / files["asinovsky"].name


def night(engine: sa.Engine, settings: Settings) -> list[Outcome]:
    intake = Intake(engine, settings, REGION, Options(), None)
    return take_in(intake, receive_new(intake, discover(settings.inbox)))


def arrivals(engine: sa.Engine) -> int:
    with engine.connect() as connection:
        return int(connection.scalar(sa.text("SELECT count(*) FROM ops.arrival")) or 0)


def test_an_archive_elsewhere_that_is_not_mounted_is_a_failure(
    engine: sa.Engine, settings: Settings, report: Path, tmp_path: Path
) -> None:
    """Its folder is empty, and other machines have filled the disk that should be there."""
    elsewhere = settings.model_copy(update={"archive": tmp_path / "elsewhere"})
    elsewhere.prepare()
    night(engine, elsewhere)
    report.rename(report.with_stem("другой"))
    shutil.rmtree(elsewhere.archive)
    elsewhere.archive.mkdir()
    with pytest.raises(Fault, match="PROFMIN_ARCHIVE"):
        night(engine, elsewhere)
    assert list(elsewhere.archive.iterdir()) == []


def test_an_inbox_as_it_was_is_not_read_again(
    engine: sa.Engine, settings: Settings, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert [outcome.verdict for outcome in night(engine, settings)] == ["accepted", "accepted"]
    before = arrivals(engine)
    monkeypatch.setattr(receiving, "archive", lambda file, _: pytest.fail(f"{file} was received again"))
    assert night(engine, settings) == []
    assert arrivals(engine) == before
    assert report.exists()


def test_a_file_written_again_is_read_even_if_its_time_and_size_are_set_back(
    engine: sa.Engine, settings: Settings, report: Path
) -> None:
    night(engine, settings)
    then, data = report.stat(), report.read_bytes()
    report.write_bytes(data[:-1] + bytes([data[-1] ^ 1]))
    os.utime(report, ns=(then.st_atime_ns, then.st_mtime_ns))
    (outcome,) = night(engine, settings)
    assert (outcome.file, outcome.is_repeat) == (report.name, False)


def test_the_same_facts_under_another_name_are_recorded_and_not_stored_again(
    engine: sa.Engine, settings: Settings, report: Path
) -> None:
    night(engine, settings)
    shutil.copy2(report, report.with_name("ещё раз.xlsx"))
    (outcome,) = night(engine, settings)
    assert (outcome.file, outcome.is_repeat, outcome.verdict) == ("ещё раз.xlsx", True, "accepted")
    with engine.connect() as connection:
        named = "SELECT file_name FROM ops.delivery WHERE same_as IS NOT NULL"
        assert connection.scalars(sa.text(named)).all() == ["ещё раз.xlsx"]
        assert connection.scalar(sa.text("SELECT count(*) FROM ops.reading")) == 2


def test_a_delivery_that_failed_is_read_by_the_next_night_without_its_file(
    engine: sa.Engine, settings: Settings, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    right = loading.load_many

    def broken(engine: sa.Engine, pairs: list[tuple[object, int]], *rest: object) -> object:
        if any(reading.sender == "asinovsky" for reading, _ in pairs):  # type: ignore[attr-defined]
            raise Fault("the disk is full")
        return right(engine, pairs, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(loading, "load_many", broken)
    assert {outcome.sender: outcome.verdict for outcome in night(engine, settings) if outcome.verdict is None}
    report.unlink()
    monkeypatch.undo()
    (outcome,) = night(engine, settings)
    assert (outcome.file, outcome.folder, outcome.verdict) == (report.name, "asinovsky", "accepted")
    assert night(engine, settings) == []


def test_what_older_rules_refused_is_read_again_without_its_file(
    engine: sa.Engine, settings: Settings, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(engine, settings)
    (settings.inbox / "asinovsky" / "меню.csv").write_text("Блюдо;Цена\nКаша;10\n", encoding="utf-8")
    (refused,) = night(engine, settings)
    assert refused.verdict == "refused"
    (settings.inbox / "asinovsky" / "меню.csv").unlink()
    assert night(engine, settings) == []
    for module in (intakes, receiving):
        monkeypatch.setattr(module, "contract_version", lambda _region: "newer rules")
    (again,) = night(engine, settings)
    assert (again.file, again.verdict, again.is_repeat) == ("меню.csv", "refused", False)
    assert again.reading_id != refused.reading_id


def test_an_archive_that_was_not_unpacked_is_unpacked_by_the_next_night(
    engine: sa.Engine, settings: Settings, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = settings.inbox / "asinovsky" / "отчёты.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(report, report.name)
    report.unlink()

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(receiving, "unpack", killed)
    with pytest.raises(KeyboardInterrupt):
        night(engine, settings)
    monkeypatch.undo()
    packed.unlink()
    for register in (settings.inbox / "department").iterdir():
        assert receive(Intake(engine, settings, REGION, Options(), None), [Incoming(register, "department")])
    outcomes = {outcome.file: outcome.verdict for outcome in night(engine, settings)}
    assert outcomes[f"отчёты.zip/{report.name}"] == "accepted"
    assert night(engine, settings) == []


def test_a_delivery_that_was_loaded_and_not_answered_is_answered_by_the_next_run(
    engine: sa.Engine, settings: Settings, report: Path
) -> None:
    night(engine, settings)
    assert list(settings.outbox.rglob("*.xlsx")) == []
    assert ingest([], Options(), settings) == []
    written = {path.parent.name: path.stat().st_mtime_ns for path in settings.outbox.rglob("*.квитанция.xlsx")}
    assert set(written) == {"asinovsky", "department"}
    ingest([], Options(), settings)
    assert {path.parent.name: path.stat().st_mtime_ns for path in settings.outbox.rglob("*.квитанция.xlsx")} == written
    assert report.exists()


def test_a_run_that_could_not_write_receipts_owes_them(
    engine: sa.Engine, settings: Settings, report: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    night(engine, settings)
    monkeypatch.setattr(outbox, "make_receipt", lambda *_: 1 // 0)
    ingest([], Options(), settings)
    assert list(settings.outbox.rglob("*.квитанция.xlsx")) == []
    monkeypatch.undo()
    ingest([], Options(), settings)
    assert len(list(settings.outbox.rglob("*.квитанция.xlsx"))) == 2
    assert report.exists()


def test_options_speak_of_files_that_are_named(settings: Settings, profmin: Run) -> None:
    done = profmin("ingest", "--form", "readiness_report", settings=settings)
    assert (done.returncode, done.stderr.strip()) == (
        2, "profmin: назовите файлы, о которых говорят --form, --sender или --as-of",
    )  # fmt: skip


def test_a_file_that_goes_away_meanwhile_is_named_and_holds_nothing_up(
    engine: sa.Engine, settings: Settings, report: Path
) -> None:
    intake = Intake(engine, settings, REGION, Options(), None)
    found = discover(settings.inbox)
    report.unlink()
    told = take_in(intake, receive_new(intake, found))
    assert sorted((outcome.file, outcome.verdict) for outcome in told if outcome.verdict is None) == [
        (report.name, None)
    ]
    assert len(told) == 2


@pytest.mark.parametrize(
    ("ended", "is_taken_up"),
    [
        (["completed"], False),
        (["completed", "crashed"], True),
        (["failed"], True),
        (["failed", "failed"], True),
        (["failed", "failed", "failed"], False),
        (["failed", "failed", "failed", "crashed"], True),
        (["failed", "failed", "failed", "completed"], False),
        (["failed", "failed", "failed", "completed", "failed"], True),
    ],
    ids=lambda each: " ".join(each) if isinstance(each, list) else "",
)
def test_what_a_run_left_unread_is_taken_up_by_the_next_look(
    engine: sa.Engine, settings: Settings, report: Path, ended: list[str], is_taken_up: bool
) -> None:
    """Of a run that was stopped at once; of one that failed by itself a third time and then by the night."""
    from flows.inbox import regions_with_news  # it imports Prefect, which few workers need

    with warehouse(settings):
        receive_new(Intake(engine, settings, REGION, Options(), None), discover(settings.inbox))
    with engine.begin() as connection:
        for state in ended:
            finish_run(connection, start_run(connection, "inbox", None, region="69"), state)
    assert bool(regions_with_news(settings)) is is_taken_up
    report.with_name("новый.csv").write_text("Школа;Класс\n", encoding="utf-8")
    assert regions_with_news(settings)


@pytest.mark.parametrize("keep", [keep_register, keep_classes])
def test_copies_of_all_regions_are_read_and_written_by_one_at_a_time(
    engine: sa.Engine, settings: Settings, keep: Callable[[sa.Engine, Settings], None]
) -> None:
    impatient = settings.model_copy(update={"lock_seconds": 1})
    with warehouse(settings):
        with holding(engine, [COPIES]), pytest.raises(Timeout, match=COPIES):
            keep(engine, impatient)
        keep(engine, impatient)


@pytest.mark.parametrize(
    ("error", "state"), [(SystemExit(1), "crashed"), (KeyboardInterrupt(), "crashed"), (ValueError(), "failed")]
)
def test_a_run_that_is_told_to_stop_does_not_fail(
    engine: sa.Engine, settings: Settings, error: BaseException, state: str
) -> None:
    with warehouse(settings), pytest.raises(type(error)), recorded_run(engine, settings, "inbox", REGION, None, None):
        raise error
    with engine.connect() as connection:
        assert connection.scalars(sa.text("SELECT state FROM ops.run")).all() == [state]
