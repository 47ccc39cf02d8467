import datetime as dt
import hashlib
import os
import stat
from pathlib import Path

import pytest

from flows.intake.archive import archive
from flows.intake.incoming import Incoming, discover, named
from flows.intake.passed_by import deliveries, is_passed_by


def put(path: Path, text: str = "текст") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def test_discover_passes_by_what_is_no_delivery(tmp_path: Path) -> None:
    for name in ("b.xlsx", "asinovsky/a.csv", "asinovsky/old/c.csv", ".hidden", "asinovsky/~$a.xlsx",
                 "asinovsky/a.csv.part", ".git/x", "asinovsky/.a.swp"):  # fmt: skip
        put(tmp_path / name)
    found = [(str(each.path.relative_to(tmp_path)), each.folder) for each in discover(tmp_path)]
    assert found == [("asinovsky/a.csv", "asinovsky"), ("asinovsky/old/c.csv", "asinovsky"), ("b.xlsx", None)]


def test_an_inbox_that_is_gone_is_not_an_empty_one(tmp_path: Path) -> None:
    (tmp_path / "empty").mkdir()
    put(tmp_path / "file")
    assert discover(tmp_path / "empty") == []
    for name in ("absent", "file"):
        (found,) = discover(tmp_path / name)
        assert found.left_out is not None and found.left_out.why == "gone"


def test_a_folder_counts_inside_the_inbox_and_when_it_is_a_sender(tmp_path: Path) -> None:
    inside = put(tmp_path / "inbox" / "кто-то" / "a.csv")
    sender, other = put(tmp_path / "mail" / "asinovsky" / "b.csv"), put(tmp_path / "mail" / "downloads" / "c.csv")
    found = named([inside, sender, other, tmp_path / "mail"], tmp_path / "inbox")
    assert [(each.file, each.folder) for each in found] == [
        ("a.csv", "кто-то"),
        ("b.csv", "asinovsky"),
        ("c.csv", None),
    ]


def test_archive_keeps_bytes_once_and_closed(tmp_path: Path) -> None:
    kept = tmp_path / "archive"
    first, second = put(tmp_path / "a.csv"), put(tmp_path / "b.csv")
    os.utime(first, (1_694_160_000, 1_694_160_000))
    arrival = archive(Incoming(first, "asinovsky"), kept)
    sha256 = hashlib.sha256("текст".encode()).hexdigest()
    assert arrival.path == kept / sha256[:2] / sha256
    assert arrival.path.read_text() == "текст"
    assert (arrival.sha256, arrival.size, arrival.folder) == (sha256, 10, "asinovsky")
    assert arrival.claimed_at == dt.datetime(2023, 9, 8, 8, tzinfo=dt.UTC)
    assert stat.S_IMODE(arrival.path.stat().st_mode) == 0o600
    before = arrival.path.stat().st_mtime_ns
    assert archive(Incoming(second, None), kept).path == arrival.path
    assert arrival.path.stat().st_mtime_ns == before
    assert [path for path in kept.rglob("*") if path.is_file()] == [arrival.path]


def test_archive_that_fails_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    source = put(tmp_path / "a.csv")

    def full(_file: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space left"):
        archive(Incoming(source, None), tmp_path / "archive")
    assert [path for path in (tmp_path / "archive").rglob("*") if path.is_file()] == []


OWN_FILES = (
    "~$Отчёт.xlsx",
    ".~lock.Отчёт.ods#",
    "Thumbs.db",
    "desktop.ini",
    ".DS_Store",
    "._Отчёт.xlsx",
    "~WRL0001.tmp",
)


@pytest.mark.parametrize("name", OWN_FILES)
def test_a_file_of_a_program_is_told_in_one_line_even_when_it_is_named(name: str, tmp_path: Path) -> None:
    own, report = put(tmp_path / name), put(tmp_path / "Отчёт.xlsx")
    kept, notes = deliveries([own, report, tmp_path])
    assert kept == [report, tmp_path]
    assert notes == [f"{name}: служебный файл программы, а не отчёт; пропущен."]
    assert is_passed_by(("asinovsky", name))


@pytest.mark.parametrize("name", ["Отчёт.xlsx", "desktop.xlsx", "~отчёт.csv", "Thumbs.db.xlsx"])
def test_a_report_is_not_passed_by(name: str, tmp_path: Path) -> None:
    report = put(tmp_path / ".hidden folder" / name)  # where a named file lies does not matter
    assert deliveries([report]) == ([report], [])
    assert not is_passed_by((name,))
