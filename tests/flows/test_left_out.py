"""What lies in an inbox and is no file to take in: named in words, and the others go on."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from evidence import picked
from packs import REGION

from contracts.rules import LEFT_OUT
from flows.home.settings import Settings
from flows.intake.incoming import Incoming, NotTaken, Options, discover, opened
from flows.intake.intake import Intake
from flows.intake.outcome import Outcome, exit_code
from flows.intake.receiving import receive_new
from flows.intake.seen import news
from flows.runs.ingest import ingest
from warehouse.incidents.condition import conditions, find

Run = Callable[..., "subprocess.CompletedProcess[str]"]
NOW = dt.datetime(2023, 9, 8, 5, tzinfo=dt.UTC)


@pytest.fixture
def report(settings: Settings, region_files: Path) -> Path:
    """A good report in the inbox, beside a register."""
    files = picked(region_files, "department/Реестр", "asinovsky")
    for path in files.values():
        folder = settings.inbox / path.parent.name
        folder.mkdir()
        shutil.copy2(path, folder)
    return settings.inbox / "asinovsky" / files["asinovsky"].name


def said(outcomes: list[Outcome]) -> dict[str, tuple[str | None, list[str]]]:
    return {each.file: (each.verdict, [found.rule for found in each.findings]) for each in outcomes}


def incidents(engine: sa.Engine, name: str) -> dict[str, dict[str, object]]:
    with engine.begin() as connection:
        find(connection, "69", NOW, NOW.date(), [conditions()[name]], 25)
        found = connection.execute(sa.text("SELECT sender, subject, details FROM pg_temp.incident_found"))
        return {f"{row.sender or ''}|{row.subject}": row.details for row in found}


def test_links_and_special_files_are_named_and_not_opened(
    settings: Settings, engine: sa.Engine, report: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = tmp_path / "чужой.csv"
    secret.write_text("Секрет;1\n")
    (tmp_path / "чужая папка").mkdir()
    shutil.copy2(secret, tmp_path / "чужая папка")
    folder = report.parent
    (folder / "ссылка.csv").symlink_to(secret)
    (folder / "оборванная.csv").symlink_to(tmp_path / "нет")
    (settings.inbox / "kedrovy").symlink_to(tmp_path / "чужая папка")
    os.mkfifo(folder / "труба.xlsx")
    with socket.socket(socket.AF_UNIX) as made:
        with monkeypatch.context() as there:  # a socket's path is short: about 100 bytes
            there.chdir(folder)
            made.bind("гнездо.xlsx")
        outcomes = ingest([], Options(), settings)
    told = said(outcomes)
    for name in ("ссылка.csv", "оборванная.csv", "kedrovy", "труба.xlsx", "гнездо.xlsx"):
        assert told.pop(name) == ("refused", ["COM-082"]), name
    assert {verdict for verdict, _ in told.values()} == {"accepted"} and len(told) == 2
    assert exit_code(outcomes) == 4
    assert all(b"\xd0\xa1\xd0\xb5\xd0\xba\xd1\x80\xd0\xb5\xd1\x82" not in each.read_bytes()
               for each in settings.archive.rglob("*") if each.is_file())  # fmt: skip
    assert incidents(engine, "left_out")["|COM-082"]["files"] == 5
    (folder / "ссылка.csv").unlink()
    ingest([], Options(), settings)
    assert incidents(engine, "left_out")["|COM-082"]["files"] == 4


def test_an_incident_tells_no_name_of_a_file_that_may_be_a_pupils(
    settings: Settings, engine: sa.Engine, report: Path
) -> None:
    for folder in (settings.inbox, settings.inbox / "regional_operator"):
        folder.mkdir(exist_ok=True)
        (folder / "Секретов Тайник.xlsx").symlink_to("/nowhere")
        (folder / "Секретов.Тайник").symlink_to("/nowhere")
    ingest([], Options(), settings)
    with engine.connect() as connection:
        told = connection.scalars(sa.text("SELECT place FROM ops.left_out")).all()
    assert sorted(told) == ["./*", "./*.xlsx", "regional_operator/*", "regional_operator/*.xlsx"]
    assert "Секретов" not in str(incidents(engine, "left_out"))


def test_a_look_by_day_finds_a_link_once(settings: Settings, engine: sa.Engine, report: Path, tmp_path: Path) -> None:
    ingest([], Options(), settings)
    (report.parent / "ссылка.csv").symlink_to(tmp_path)
    assert [each.file for each in news(engine, discover(settings.inbox))] == ["ссылка.csv"]
    ingest([], Options(), settings)
    assert news(engine, discover(settings.inbox)) == []


def test_an_inbox_that_is_gone_is_a_failure_that_says_so(
    settings: Settings, engine: sa.Engine, report: Path, profmin: Run
) -> None:
    assert profmin("ingest", settings=settings).returncode in (0, 3)
    shutil.move(settings.inbox, settings.home / "elsewhere")
    ran = profmin("ingest", settings=settings)
    assert ran.returncode == 1
    assert "Папка входящих недоступна" in ran.stdout and "Новых файлов нет" not in ran.stdout
    assert not settings.inbox.exists()
    assert list(incidents(engine, "left_out")) == ["|COM-084"]
    with engine.connect() as connection:
        state = connection.execute(sa.text("SELECT state, message FROM ops.run ORDER BY run_id DESC LIMIT 1")).one()
    assert state.state == "failed" and "inbox is out of reach" in state.message
    assert len(news(engine, discover(settings.inbox))) == 1, "and so does each look by day"
    settings.inbox.mkdir()
    assert profmin("ingest", settings=settings).returncode == 1, "a folder without the disk that belongs on it"
    shutil.rmtree(settings.inbox)
    shutil.move(settings.home / "elsewhere", settings.inbox)
    ran = profmin("ingest", settings=settings)
    assert ran.returncode == 0 and "Новых файлов нет" in ran.stdout
    assert incidents(engine, "left_out") == {}


def test_an_emptied_inbox_of_ours_is_an_empty_one(settings: Settings, report: Path) -> None:
    ingest([], Options(), settings)
    for folder in settings.inbox.iterdir():
        if folder.is_dir():
            shutil.rmtree(folder)
    assert ingest([], Options(), settings) == []


CLOSED = """
import os, sys
from pathlib import Path
from flows.intake.incoming import NotTaken, discover, opened
os.setgid(65534); os.setuid(65534)
for each in discover(Path(sys.argv[1])):
    try:
        opened(each).close()
        print(each.file, "is read")
    except NotTaken as error:
        print(each.file, error.left_out.why, error.left_out.is_folder)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
@pytest.mark.parametrize(("mode", "told"), [(0o700, ["inbox gone True"]), (0o755, None)])
def test_what_is_closed_to_us_is_named(shared_folder: Path, mode: int, told: list[str] | None) -> None:
    inbox = shared_folder / "inbox"
    for name in ("asinovsky/а.csv", "asinovsky/б.csv", "closed/в.csv"):
        path = inbox / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("x")
        path.chmod(0o644)
        path.parent.chmod(0o755)
    (inbox / "asinovsky" / "б.csv").chmod(0o600)
    (inbox / "closed").chmod(0o700)
    inbox.chmod(mode)
    command = [sys.executable, "-c", CLOSED, str(inbox)]
    ran = subprocess.run(command, cwd=Path(__file__).parents[2], capture_output=True, text=True, check=True)
    assert LEFT_OUT["unreadable"].id == "COM-083"
    assert ran.stdout.splitlines() == (told or ["а.csv is read", "б.csv unreadable False", "closed unreadable True"])


def test_a_folder_that_becomes_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "inbox" / "asinovsky").mkdir(parents=True)
    (tmp_path / "inbox" / "asinovsky" / "a.csv").write_text("x")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "a.csv").write_text("secret")
    (seen,) = discover(tmp_path / "inbox")
    shutil.rmtree(tmp_path / "inbox" / "asinovsky")
    (tmp_path / "inbox" / "asinovsky").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(NotTaken, match="link"):
        opened(seen)
    with opened(Incoming(tmp_path / "inbox" / "asinovsky" / "a.csv", None)) as file:
        assert file.read() == b"secret", "who names a file on the command line means what it leads to"


def test_a_sender_that_sends_too_much_stops_nobody(
    settings: Settings, engine: sa.Engine, report: Path, zipped: Callable[..., Path]
) -> None:
    few = settings.model_copy(update={"sender_files": 3})
    for number in range(4):
        (settings.inbox / "bakcharsky").mkdir(exist_ok=True)
        (settings.inbox / "bakcharsky" / f"{number}.csv").write_text(f"Школа;{number}\n")
    zipped(settings.inbox / "kedrovy" / "много.zip", {f"{number}.csv": b"x;y\n" for number in range(3)})
    outcomes = ingest([], Options(), few)
    told = said(outcomes)
    over = [name for name, (_, rules) in told.items() if rules == ["COM-080"]]
    assert sorted(over) == ["3.csv", "много.zip"], told
    assert told[report.name][0] == "accepted" and exit_code(outcomes) == 4
    assert incidents(engine, "over_quota") == {
        "bakcharsky|bakcharsky": {"files": 1, "first": "bakcharsky/3.csv"},
        "kedrovy|kedrovy": {"files": 1, "first": "kedrovy/много.zip"},
    }
    with engine.begin() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM ops.arrival WHERE sender_folder = 'kedrovy'")) == 0
        connection.execute(sa.text("UPDATE ops.arrival SET arrived_at = arrived_at - interval '1 day'"))
    assert news(engine, discover(settings.inbox)) == [], "by day it is not tried again"
    told = said(ingest([], Options(), few))
    assert told["3.csv"][1] != ["COM-080"] == told["много.zip"][1], "on the next day it is; the archive never fits"
    assert "много.zip/0.csv" in said(ingest([], Options(), settings))


def test_bytes_are_counted_unpacked_and_nothing_half_is_kept(
    settings: Settings, zipped: Callable[..., Path], report: Path
) -> None:
    small = settings.model_copy(update={"sender_mb": 1})
    zipped(settings.inbox / "kedrovy" / "сжатый.zip", {"а.csv": b"0" * (1 << 20)})
    (settings.inbox / "bakcharsky").mkdir()
    (settings.inbox / "bakcharsky" / "большой.csv").write_bytes(b"1" * ((1 << 20) + 1))
    told = said(ingest([], Options(), small))
    assert told["сжатый.zip"] == told["большой.csv"] == ("refused", ["COM-080"])
    kept = [each for each in settings.archive.rglob("*") if each.is_file()]
    assert sorted(each.stat().st_size < 1 << 20 for each in kept) == [True, True]


def test_a_file_that_grows_while_it_is_read_is_counted_as_it_grows(settings: Settings, engine: sa.Engine) -> None:
    path = settings.inbox / "kedrovy" / "a.csv"
    path.parent.mkdir()
    path.write_bytes(b"0")
    asked = []

    def allowed(files: int, size: int) -> None:
        asked.append((files, size))
        if len(asked) == 1:
            path.write_bytes(b"0" * 3_000_000)
        elif size > 1_000_000:
            raise NotTaken(discover(Path("/nowhere"))[0].left_out)  # type: ignore[arg-type]

    from flows.intake.archive import archive

    with pytest.raises(NotTaken):
        archive(discover(settings.inbox)[0], settings.archive, allowed)
    assert asked == [(1, 1), (1, 1 << 20)]
    assert [each for each in settings.archive.rglob("*") if each.is_file()] == []


def test_the_archives_disk_keeps_some_room(settings: Settings, engine: sa.Engine, report: Path) -> None:
    full = settings.model_copy(update={"free_mb": 1 << 40})
    outcomes = ingest([], Options(), full)
    assert said(outcomes)[report.name] == (None, ["COM-081"]) and exit_code(outcomes) == 1
    assert not [each for each in settings.archive.rglob("*") if each.is_file()]
    assert list(incidents(engine, "left_out")) == ["|COM-081"]
    assert exit_code(ingest([], Options(), settings)) == 0


def test_one_intake_asks_once_a_sender(settings: Settings, engine: sa.Engine, report: Path) -> None:
    intake = Intake(engine, settings, REGION, Options(), None)
    statements: list[str] = []
    sa.event.listen(engine, "before_cursor_execute", lambda *each: statements.append(each[2]))
    for number in range(5):
        (report.parent / f"{number}.csv").write_text(f"{number}")
    receive_new(intake, discover(settings.inbox))
    assert sum("a.arrived_at >=" in each for each in statements) == 2


@pytest.fixture
def small_disk(settings: Settings) -> Iterator[Path]:
    """The archive on a disk of 4 MB of its own."""
    command = ["mount", "-t", "tmpfs", "-o", "size=4m,mode=700", "tmpfs", str(settings.archive)]
    if os.geteuid() != 0 or subprocess.run(command, capture_output=True, check=False).returncode:
        pytest.skip("nothing may be mounted here")
    yield settings.archive
    subprocess.run(["umount", str(settings.archive)], check=True)


def test_a_full_disk_takes_what_fits_and_leaves_the_rest(
    settings: Settings, engine: sa.Engine, report: Path, small_disk: Path
) -> None:
    (report.parent / "большой.csv").write_bytes(b"1" * 3_000_000)
    told = said(ingest([], Options(), settings.model_copy(update={"free_mb": 2})))
    assert told["большой.csv"] == (None, ["COM-081"]) and told[report.name][0] == "accepted"
    assert all(each.stat().st_size < 1_000_000 for each in small_disk.rglob("*") if each.is_file())
    told = said(ingest([], Options(), settings.model_copy(update={"free_mb": 0})))
    assert told["большой.csv"][1] != ["COM-081"]


def test_the_grid_of_a_folder_names_what_is_no_file(tmp_path: Path, profmin: Run) -> None:
    (tmp_path / "files").mkdir()
    os.mkfifo(tmp_path / "files" / "a.csv")
    (tmp_path / "files" / "b.csv").write_text("x;y\n1;2\n")
    ran = profmin("grid", tmp_path / "files")
    assert ran.returncode == 4 and "a.csv: " in ran.stdout and "b.csv: sheets 1" in ran.stdout
    ran = profmin("check", tmp_path / "files" / "a.csv")
    assert ran.returncode == 4 and "COM-082" in ran.stdout
