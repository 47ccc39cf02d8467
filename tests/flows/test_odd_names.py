"""Files under names of any bytes: taken in, told, answered and mailed like any other, and no name harms anybody."""

from __future__ import annotations

import datetime as dt
import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
import sqlalchemy as sa
from evidence import picked
from packs import REGION
from post import files_of, mailbox, text_of
from pydantic import SecretStr

from contracts.regions.route import COLUMNS
from documents.reading.names import LONGEST_NAME, as_on_disk, file_name, recorded, shown
from flows.home.faults import LOGGER, guarded, log_to
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.messages.after_run import tell_of_incidents
from flows.runs.ingest import ingest

Run = Callable[..., "subprocess.CompletedProcess[str]"]
RUSSIAN = "Отчёт Асино 2023-09-08.xlsx"
NAMES = {
    "cp1251": RUSSIAN.encode("cp1251"),
    "cp866": RUSSIAN.encode("cp866"),
    "no encoding": b"\xff\xfe\x98 2023-09-08.xlsx",
    "long": ("Ж" * 125 + ".xlsx").encode(),
    "longest of emoji": ("🎓" * 62 + ".xlsx").encode(),
    "newline": b"a\nSubject: x\r\nBcc: y@example.org\n.xlsx",
    "escape": b"\x1b]0;x\x07\x1b[31mred.xlsx",
    "right to left": "отчёт\u202exslx.exe".encode(),
    "dashes": b"--help -rf.xlsx",
    "blanks": b" . .xlsx ",
    "decomposed": "Отче\u0308т Каи\u0306ский.xlsx".encode(),
    "markup": b"[red]a[bold] | `x` <b>&amp;.xlsx",
    "device": b"con.xlsx",
    "backslash": b"a\\..\\..\\x0a.xlsx",
    "percent": b"%s %(x)s {file}.xlsx",
}
NOW = dt.datetime(2023, 9, 8, 2, tzinfo=dt.UTC)
UNSAFE = ("\n", "\r", "\x1b", "\x07", "\u202e")


@pytest.mark.parametrize(
    ("raw", "told"),
    [
        (NAMES["cp1251"], RUSSIAN), (NAMES["cp866"], RUSSIAN), (RUSSIAN.encode(), RUSSIAN),
        (NAMES["no encoding"], "\\xff\\xfe\\x98 2023-09-08.xlsx"), (NAMES["escape"], "]0;x[31mred.xlsx"),
        (NAMES["newline"], "a Subject: x  Bcc: y@example.org .xlsx"), (NAMES["right to left"], "отчётxslx.exe"),
        (NAMES["decomposed"], "Отчёт Кайский.xlsx"), (b"\x01\x02", "\\x01\\x02"), (b"a.csv ", "a.csv"),
        ("ОТЧЁТ.XLS".encode("cp1251"), "ОТЧЁТ.XLS"), ("№ 1 «итог».xls".encode("cp1251"), "№ 1 «итог».xls"),
    ],
)  # fmt: skip
def test_a_name_as_it_is_told(raw: bytes, told: str) -> None:
    assert shown(os.fsdecode(raw)) == told


@pytest.mark.parametrize("raw", NAMES.values(), ids=NAMES)
def test_a_path_that_is_recorded_leads_back(raw: bytes) -> None:
    path = f"asinovsky/{os.fsdecode(raw)}"
    assert as_on_disk(recorded(path)) == path
    assert recorded(path).encode()


@pytest.mark.parametrize("raw", NAMES.values(), ids=NAMES)
def test_a_name_for_an_answer_can_be_written_anywhere(raw: bytes, tmp_path: Path) -> None:
    name = file_name(os.fsdecode(raw), ".1234567.квитанция.xlsx")
    assert len(name.encode()) <= LONGEST_NAME
    assert name[0] not in "-.~ $" and name.isprintable() and not set('<>:"/\\|?*') & set(name)
    (tmp_path / name).write_text("x")
    assert file_name(name, "") == name, "it needs no change any more"


def test_names_that_are_cut_alike_stay_apart() -> None:
    names = ["Ж" * 200 + end for end in ("1", "2", "3")]
    assert len({file_name(name, ".xlsx") for name in names}) == 3
    assert file_name("con", "") == file_name("con", "") != file_name("_con", "")


@pytest.fixture
def odd_inbox(settings: Settings, region_files: Path) -> Path:
    """The register, and reports whose names are of any bytes; each is its own file."""
    files = picked(region_files, "department/Реестр", "asinovsky")
    register = files["department/Реестр"]
    shutil.copytree(register.parent, settings.inbox / "department")
    folder = settings.inbox / "asinovsky"
    folder.mkdir()
    for number, raw in enumerate(NAMES.values()):
        book = openpyxl.load_workbook(files["asinovsky"])
        book.properties.title = str(number)
        book.save(folder / "x.xlsx")
        (folder / "x.xlsx").rename(folder / os.fsdecode(raw))
    return folder


def test_files_of_any_names_are_taken_in_told_and_answered(
    settings: Settings, engine: sa.Engine, odd_inbox: Path, profmin: Run
) -> None:
    ran = profmin("--debug", "ingest", settings=settings)
    assert ran.returncode in (0, 3, 4), ran.stderr
    assert RUSSIAN in ran.stdout
    told = ran.stdout + ran.stderr + settings.log_file.read_text()
    assert [each for each in UNSAFE if each in told.replace("\n", "")] == []
    assert "ошибки" not in ran.stdout and "ERROR" not in settings.log_file.read_text()
    with engine.connect() as connection:
        kept = connection.execute(
            sa.text("SELECT file_name, inbox_path FROM ops.arrival WHERE sender_folder = 'asinovsky'")
        ).all()
        unanswered = connection.scalar(sa.text("SELECT count(*) FROM ops.reading WHERE answered_at IS NULL"))
    assert len(kept) == len(NAMES) and unanswered == 0
    assert {os.fsencode(as_on_disk(row.inbox_path)).removeprefix(b"asinovsky/") for row in kept} == set(NAMES.values())
    assert all(row.file_name.isprintable() and row.inbox_path.isprintable() for row in kept)
    answers = list((settings.outbox / "asinovsky").iterdir())
    assert len(answers) == len(NAMES) == len({path.name for path in answers})
    for path in answers:
        assert path.name.isprintable() and path.name.endswith(".квитанция.xlsx")
        openpyxl.load_workbook(path)
    again = profmin("ingest", "--json", settings=settings)
    assert (again.returncode, again.stdout.strip()) == (0, "[]"), "what was seen under such a name is seen"


@pytest.mark.parametrize("kind", ["newline", "long", "no encoding"])
def test_the_answer_to_such_a_file_is_mailed(kind: str, settings: Settings, engine: sa.Engine, odd_inbox: Path) -> None:
    for path in odd_inbox.iterdir():
        if os.fsencode(path.name) != NAMES[kind]:
            path.unlink()
            continue
        book = openpyxl.load_workbook(path)
        sheet = book.worksheets[0]
        for row in sheet.iter_rows(min_row=1, max_row=sheet.max_row):
            for cell in row:
                if isinstance(cell.value, int):
                    cell.value = -5
        book.save(path)
        os.utime(path, (NOW.timestamp() - 3600, NOW.timestamp() - 3600))
    ingest([], Options(), settings)
    line = "Асино,sender,asinovsky,data,1,email,asino@example.org,,,,"
    (settings.home / "routing.csv").write_text(f"{','.join(COLUMNS)}\n{line}\n", encoding="utf-8")
    with mailbox() as box:
        sending = settings.model_copy(update={"smtp_url": SecretStr(box.url)})
        tell_of_incidents(engine, sending, REGION, NOW)
        (mail,) = box.mails
        assert mail["Bcc"] is None and box.to == ["asino@example.org"] and str(mail["Subject"]).isprintable()
        ((name, data),) = files_of(mail).items()
        (receipt,) = (settings.outbox / "asinovsky").iterdir()
        assert (name, data) == (receipt.name, receipt.read_bytes())
        assert not any(each in text_of(mail).replace("\r\n", "").replace("\n", "") for each in UNSAFE)


def test_an_error_that_names_a_file_is_logged_in_one_line(tmp_path: Path) -> None:
    handlers = LOGGER.handlers[:]
    log_to(tmp_path / "log", "info")
    try:

        def work() -> None:
            raise PermissionError(13, "Permission denied", os.fsdecode(b"inbox/\xcf\n\x1b[31m"))

        guarded("opening", work)
    finally:
        LOGGER.handlers[:] = handlers
    first = (tmp_path / "log").read_text().splitlines()[0]
    assert "Permission denied (inbox/П [31m)" in first and "\x1b" not in first
