"""Files that are still being written are left alone until they are whole, and never for good."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import sqlalchemy as sa
from evidence import picked
from packs import REGION

from flows.home.settings import Settings
from flows.intake.incoming import Incoming, Options, discover
from flows.intake.intake import Intake
from flows.intake.outcome import Outcome
from flows.intake.receiving import receive_new
from flows.intake.settling import PATIENCE, is_written_to, unsettled
from flows.intake.take_in import take_in
from flows.runs.ingest import ingest

SLOWLY = """
import os, sys, time
source, target, pieces, pause, closing = sys.argv[1], sys.argv[2], int(sys.argv[3]), float(sys.argv[4]), sys.argv[5]
data = open(source, "rb").read()
size = -(-len(data) // pieces)
parts = [data[start:start + size] for start in range(0, len(data), size)]
file = open(target, "wb", buffering=0)
for part in parts[:-1]:
    file.write(part)
    if closing == "closing":
        file.close()
    print("a part", flush=True)
    time.sleep(pause)
    if closing == "closing":
        file = open(target, "ab", buffering=0)
sys.stdin.readline()
file.write(parts[-1])
file.close()
os.utime(target, (1_694_160_000, 1_694_160_000))
print("whole", flush=True)
"""


@contextmanager
def slow_copy(
    source: Path, target: Path, pieces: int = 4, pause: float = 0.0, closing: str = "open"
) -> Iterator[Callable[[], None]]:
    """Another process copies a file piece by piece and sets its time back at the end, as copiers do.

    The block begins after the first piece; the yielded function lets it write the last one.
    """
    arguments = [sys.executable, "-c", SLOWLY, str(source), str(target), str(pieces), str(pause), closing]
    with subprocess.Popen(arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as copier:
        assert copier.stdin
        assert copier.stdout
        assert copier.stdout.readline() == "a part\n"

        def finish() -> None:
            assert copier.stdin
            assert copier.stdout
            copier.stdin.write("\n")
            copier.stdin.flush()
            for line in copier.stdout:
                if line == "whole\n":
                    break
            assert copier.wait() == 0

        yield finish
        copier.kill()


@pytest.fixture
def files(settings: Settings, region_files: Path) -> dict[str, Path]:
    """The register in the inbox, and a report beside it that is to come."""
    found = picked(region_files, "department/Реестр", "asinovsky")
    folder = settings.inbox / "department"
    folder.mkdir()
    shutil.copy2(found["department/Реестр"], folder)
    (settings.inbox / "asinovsky").mkdir()
    return found


def look(engine: sa.Engine, settings: Settings) -> list[Outcome]:
    intake = Intake(engine, settings, REGION, Options(), None)
    return take_in(intake, receive_new(intake, discover(settings.inbox)))


def aged(monkeypatch: pytest.MonkeyPatch, seconds: float) -> None:
    """Let so many seconds pass: the time of a file's last change cannot be set."""
    now = time.time
    monkeypatch.setattr(time, "time", lambda: now() + seconds)


def left(path: Path, seconds: float = 0.0) -> str | None:
    return unsettled([Incoming(path, None)], seconds).get(path)


def test_a_file_that_is_being_copied_is_left_and_then_taken_in_whole(
    engine: sa.Engine, settings: Settings, files: dict[str, Path], caplog: pytest.LogCaptureFixture
) -> None:
    source = files["asinovsky"]
    target = settings.inbox / "asinovsky" / source.name
    with slow_copy(source, target) as finish:
        caplog.set_level("WARNING", "profmin")
        (register,) = look(engine, settings)
        assert register.form == "school_register"
        assert "a new file of asinovsky is left for the next look: a program writes to it" in caplog.text
        assert source.name not in caplog.text, "the name of a file may be that of a pupil"
        finish()
    (report,) = look(engine, settings)
    assert (report.file, report.verdict) == (source.name, "accepted")
    assert look(engine, settings) == []
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM ops.delivery")) == 2, "no part became a delivery"


def test_a_file_that_grows_by_pieces_is_seen_by_the_second_look(
    settings: Settings, tmp_path: Path, files: dict[str, Path]
) -> None:
    source, target = tmp_path / "source.csv", tmp_path / "report.csv"
    source.write_text("строка\n" * 1000)
    with slow_copy(source, target, pieces=40, pause=0.05, closing="closing") as finish:
        assert left(target, 0.5) == "it is growing"
        finish()
    assert target.read_bytes() == source.read_bytes()
    assert left(target) is None


def test_a_workbook_without_its_end_is_left_and_in_the_end_refused(
    engine: sa.Engine, settings: Settings, files: dict[str, Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    data = files["asinovsky"].read_bytes()
    target = settings.inbox / "asinovsky" / "отчёт.xlsx"
    target.write_bytes(data[: len(data) // 2])
    assert [outcome.form for outcome in look(engine, settings)] == ["school_register"]
    assert left(target) == "its end is missing"
    aged(monkeypatch, PATIENCE)
    (refused,) = look(engine, settings)
    assert (refused.file, refused.verdict) == ("отчёт.xlsx", "refused")


@pytest.mark.parametrize("lock", ["~$report.xlsx", ".~lock.report.xlsx#"])
def test_a_file_that_somebody_edits_waits_but_not_for_ever(
    tmp_path: Path, lock: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    book = tmp_path / "report.xlsx"
    book.write_bytes(b"PK\x03\x04 ... PK\x05\x06" + bytes(18))
    assert left(book) is None
    (tmp_path / lock).write_bytes(b"user")
    assert left(book) == "an office program has it open"
    assert [each.path for each in discover(tmp_path)] == [book]
    aged(monkeypatch, PATIENCE)
    assert left(book) is None


def test_an_empty_file_waits_but_not_for_ever(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path := tmp_path / "a.csv").touch()
    assert left(path) == "it is empty so far"
    aged(monkeypatch, PATIENCE)
    assert left(path) is None


def test_a_clock_of_another_machine_keeps_no_file_away(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (path := tmp_path / "a.csv").touch()
    aged(monkeypatch, -2 * PATIENCE)
    began = time.monotonic()
    assert left(path, 1.0) is None
    assert time.monotonic() - began < 0.5


def test_the_kernel_knows_who_writes(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    with path.open("wb") as file:
        assert is_written_to(path)
        file.write(b"1")
    assert not is_written_to(path)
    with path.open("rb"):
        assert not is_written_to(path), "who only reads it does not keep it away"


def test_a_writer_that_comes_meanwhile_neither_waits_nor_ends_us(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_bytes(b"1")
    writes = f"import time\nend = time.time() + 1\nwhile time.time() < end: open({str(path)!r}, 'ab').close()"
    writer = subprocess.Popen([sys.executable, "-c", writes])
    looks = 0
    while writer.poll() is None:
        is_written_to(path)
        looks += 1
    assert writer.returncode == 0
    assert looks > 100


def test_a_run_waits_once_and_only_for_files_that_changed_just_now(tmp_path: Path) -> None:
    many = [Incoming(tmp_path / f"{number}.csv", None) for number in range(300)]
    for each in many:
        each.path.write_text("1")
    began = time.monotonic()
    assert unsettled(many, 0.6) == {}
    assert 0.2 < time.monotonic() - began < 1.0, "one wait for all of them"
    time.sleep(0.6)
    began = time.monotonic()
    assert unsettled(many, 0.6) == {}
    assert time.monotonic() - began < 0.3, "they have settled"


def test_a_file_that_goes_or_cannot_be_read_does_not_stop_the_look(tmp_path: Path) -> None:
    (tmp_path / "b.csv").write_text("1")
    assert unsettled([Incoming(tmp_path / "a.csv", None), Incoming(tmp_path / "b.csv", None)], 0.05) == {}


def test_who_names_a_file_does_not_wait(settings: Settings, files: dict[str, Path]) -> None:
    target = settings.inbox / "asinovsky" / files["asinovsky"].name
    data = files["asinovsky"].read_bytes()
    with target.open("wb", buffering=0) as file:
        file.write(data)
        register = next((settings.inbox / "department").iterdir())
        assert [outcome.verdict for outcome in ingest([register, target], Options(), settings)] == ["accepted"] * 2


def test_a_time_that_was_set_back_makes_no_file_old(tmp_path: Path) -> None:
    (path := tmp_path / "a.xlsx").write_bytes(b"PK\x03\x04 half")
    os.utime(path, (1_694_160_000, 1_694_160_000))
    assert left(path) == "its end is missing"
