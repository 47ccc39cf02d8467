"""The command line as people and scripts use it."""

from __future__ import annotations

import csv
import io
import json
import re
import subprocess
import sys
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import openpyxl
import pytest
from evidence import picked
from typer.main import get_command

from documents.demo import programme_files, tomsk
from flows.cli.app import app, main
from flows.home.settings import Settings
from flows.home.usage import ENGINEER, OFFICER, OPERATING, SENDER

Run = Callable[..., "subprocess.CompletedProcess[str]"]


def test_help_imports_nothing_heavy(tmp_path: Path) -> None:
    code = (
        "import sys; from typer.testing import CliRunner; from flows.cli.app import app; "
        "assert CliRunner().invoke(app, ['--help']).exit_code == 0; "
        "sys.exit(bool({'prefect', 'polars', 'pandera', 'sqlalchemy', 'openpyxl'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


def test_only_flows_that_run_import_prefect(region_files: Path, tmp_path: Path) -> None:
    report = picked(region_files, "kedrovy")["kedrovy"]
    code = (
        "import sys; from typer.testing import CliRunner; from flows.cli.app import app; "
        f"CliRunner().invoke(app, ['check', {str(report)!r}, '--json']); "
        "assert 'transforms.interpret' in sys.modules; sys.exit(bool({'prefect', 'sqlalchemy'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=False).returncode == 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["check", "absent.xlsx"], "файла «absent.xlsx» нет"),
        (["check", "{report}", "--form", "readyness"], "формы «readyness» нет; есть: school_register"),
        (["check", "{report}", "--sender", "nobody"], "отправителя «nobody» нет"),
        (["check", "{report}", "--as-of", "08.09.2023"], "«08.09.2023» — не дата"),
        (["check", "{report}", "--register", "{report}"], "is not a register that can be used"),
        (["mart", "readiness"], "витрины «readiness» нет; есть: activity_by_municipality"),
        (["mart", "readiness_region", "--format", "pdf"], "вида «pdf» нет; есть: table, csv"),
        (["mart", "readiness_region", "--known-at", "2023-09-08"], "«2023-09-08» — день, а не время"),
        (["check"], "Missing argument"),
        (["chek"], "No such command"),
    ],
)
def test_wrong_usage_is_told_in_a_sentence(profmin: Run, region_files: Path, arguments: list[str], said: str) -> None:
    report = str(picked(region_files, "kedrovy")["kedrovy"])
    ran = profmin(*(argument.replace("{report}", report) for argument in arguments))
    assert ran.returncode == 2
    assert said in ran.stderr and "Traceback" not in ran.stderr
    assert ran.stdout == ""


def test_wrong_setting_is_told_by_its_variable(profmin: Run) -> None:
    ran = profmin("mart", "readiness_region", PROFMIN_WORKERS="many")
    assert (ran.returncode, ran.stdout) == (2, "")
    assert "PROFMIN_WORKERS" in ran.stderr


def test_our_own_failure_is_a_sentence_and_the_log(profmin: Run, settings: Settings) -> None:
    nowhere = "postgresql+psycopg2://nobody@/nothing?host=/nonexistent"
    ran = profmin("mart", "readiness_region", settings=settings, PROFMIN_DATABASE_URL=nowhere)
    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr.startswith("profmin: OperationalError: ") and str(settings.log_file) in ran.stderr
    assert ran.stderr.count("\n") == 1
    assert "connect" in settings.log_file.read_text()
    ran = profmin("--debug", "mart", "readiness_region", settings=settings, PROFMIN_DATABASE_URL=nowhere)
    assert "connection.py" in ran.stderr


def test_check_prints_one_json_document(profmin: Run, region_files: Path) -> None:
    files = picked(region_files, "kedrovy", "bakcharsky", "department/Реестр")
    ran = profmin("check", files["kedrovy"], files["bakcharsky"], "--register", files["department/Реестр"], "--json")
    documents = json.loads(ran.stdout)
    assert [document["sender"] for document in documents] == ["kedrovy", "bakcharsky"]
    assert ran.returncode == 3
    assert ran.stderr == ""


def test_check_is_readable(profmin: Run, region_files: Path) -> None:
    files = picked(region_files, "tomsky_district", "department/Реестр")
    ran = profmin("check", files["tomsky_district"], "--register", files["department/Реестр"])
    assert ran.returncode == 3
    for said in (
        "принято частично",
        "Томский муниципальный район",
        "строка не принята",
        "указано: 17",
        "→",
    ):
        assert said in ran.stdout
    assert max(map(len, ran.stdout.splitlines())) <= 120


def test_grid_prints_a_document_a_line(profmin: Run, region_files: Path, tmp_path: Path) -> None:
    files = picked(region_files, "kedrovy", "kargasoksky")
    broken = tmp_path / "broken.xlsx"
    broken.write_bytes(files["kedrovy"].read_bytes()[:3000])
    ran = profmin("grid", files["kedrovy"], broken, files["kargasoksky"], "--json")
    documents = [json.loads(line) for line in ran.stdout.splitlines()]
    assert [document["file"] for document in documents] == [
        files["kedrovy"].name,
        "broken.xlsx",
        files["kargasoksky"].name,
    ]
    assert [bool(document["error"]) for document in documents] == [False, True, False]
    assert set(documents[0]["sheets"][0]) == {"name", "visible", "used_range", "merged", "cells"}
    assert ran.returncode == 4
    shown = profmin("grid", files["kedrovy"])
    assert (files["kedrovy"].name in shown.stdout, shown.returncode) == (True, 0)


def test_a_lock_file_is_told_in_one_line(profmin: Run, region_files: Path, tmp_path: Path) -> None:
    report = picked(region_files, "kedrovy")["kedrovy"]
    lock = tmp_path / f"~${report.name}"
    lock.write_bytes(b"\x05Clerk" + b" " * 160)
    ran = profmin("check", lock, report, "--json")
    assert [document["file"] for document in json.loads(ran.stdout)] == [report.name]
    assert ran.stderr == f"{lock.name}: служебный файл программы, а не отчёт; пропущен.\n"
    alone = profmin("check", lock, "--json")
    assert (alone.returncode, json.loads(alone.stdout)) == (0, [])
    assert profmin("ingest", lock, "--json").stdout.strip() == "[]"  # and not what lies in the inbox
    assert profmin("grid", lock).returncode == 4


def test_ingest_and_marts(profmin: Run, region_files: Path, settings: Settings) -> None:
    ran = profmin("ingest", region_files, "--json", settings=settings)
    assert ran.returncode == 3, ran.stderr
    documents = json.loads(ran.stdout)
    assert len(documents) == 26
    assert all(document["delivery_id"] and document["reading_id"] for document in documents)
    assert ran.stderr == ""

    rows = json.loads(profmin("mart", "readiness_by_municipality", "--format", "json", settings=settings).stdout)
    assert len(rows) == 21
    assert rows[1]["as_of"] == "2023-09-08" and rows[1]["accepted_rate"] == pytest.approx(4 / 12)

    text = profmin("mart", "readiness_by_municipality", "--format", "csv", settings=settings).stdout
    assert len(list(csv.DictReader(io.StringIO(text)))) == 21

    table = profmin("mart", "readiness_by_municipality", settings=settings).stdout
    assert "Асиновский муниципальный район" in table and "33,3 %" in table
    assert "244" in profmin("mart", "readiness_region", settings=settings).stdout

    known = profmin("mart", "readiness_region", "--known-at", "2020-01-01T00:00+07:00", "--as-of", "2023-09-08",
                    "--format", "json", settings=settings)  # fmt: skip
    assert [row["accepted"] for row in json.loads(known.stdout)] in ([None], [0], [])
    assert (
        profmin("mart", "readiness_region", "--as-of", "2020-01-01", "--format", "json", settings=settings).stdout
        == "[]\n"
    )

    assert settings.database_url is not None
    url = settings.database_url.get_secret_value()
    assert profmin("db", "url", settings=settings).stdout.strip() == url
    psql = profmin("db", "psql", "-At", "-c", "SELECT accepted FROM mart.readiness_region", settings=settings)
    assert psql.stdout.strip() == "244"


def test_a_mart_as_a_workbook(profmin: Run, region_files: Path, settings: Settings, tmp_path: Path) -> None:
    profmin("ingest", region_files, settings=settings)
    assert settings.database_url is not None
    path = tmp_path / "mart.xlsx"
    environment = {"PROFMIN_HOME": str(settings.home), "PROFMIN_DATABASE_URL": settings.database_url.get_secret_value()}
    with path.open("wb") as file:
        command = [sys.executable, "-m", "flows.cli.app", "mart", "readiness_by_municipality", "--format", "xlsx"]
        subprocess.run(command, env=environment, stdout=file, check=True)
    sheet = openpyxl.load_workbook(path).worksheets[0]
    head = next(row for row in range(1, sheet.max_row) if sheet.cell(row, 1).value == "№")
    headings = [cell.value for cell in sheet[head]]
    assert "Отчётная единица" in headings and "Верный отчёт" in headings
    assert sheet.cell(head + 22, 2).value == "Итого по региону"
    rate = sheet.cell(head + 2, headings.index("Доля верных отчётов") + 1)
    assert rate.value == pytest.approx(4 / 12) and rate.number_format == "0.0%"


def test_files_only_writes_the_region(profmin: Run, tmp_path: Path) -> None:
    ran = profmin("demo", "--files-only", tmp_path / "region")
    assert ran.returncode == 0
    written = [tmp_path / "region", *(tmp_path / "region").rglob("*")]
    of_systems = len([*programme_files.early(tomsk()), *programme_files.deliveries(tomsk())])
    assert len([path for path in written if path.is_file()]) == 26 + of_systems
    assert [path for path in written if path.stat().st_mode & 0o077] == []
    assert not (tmp_path / ".profmin").exists()


def test_version(profmin: Run) -> None:
    result = profmin("--version")
    assert (result.returncode, result.stdout) == (0, f"profmin {version('profmin')}\n")


ASKING = ["status", "mart readiness_region", "ingest", "doctor", "metrics", "logs last"]


def told(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], command: str) -> tuple[int, str]:
    """Exit code and all that is said by the command line in this process."""
    monkeypatch.setattr(sys, "argv", ["profmin", *command.split()])
    with pytest.raises(SystemExit) as ended:
        main()
    said = capsys.readouterr()
    assert isinstance(ended.value.code, int)
    return ended.value.code, said.out + said.err


@pytest.mark.parametrize("command", ASKING)
@pytest.mark.parametrize(
    "url", ["garbage", "mysql://user:hidden@host/base", "postgresql+psycopg2://user:hidden@host:port/base"]
)
def test_a_url_that_is_none_is_wrong_usage(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str, url: str
) -> None:
    monkeypatch.setenv("PROFMIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PROFMIN_DATABASE_URL", url)
    code, said = told(monkeypatch, capsys, command)
    assert code == 2
    assert "PROFMIN_DATABASE_URL" in said
    assert "hidden" not in said


@pytest.mark.parametrize("command", ASKING)
def test_a_server_that_is_away_is_a_failure(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path, command: str
) -> None:
    monkeypatch.setenv("PROFMIN_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("PROFMIN_DATABASE_URL", "postgresql+psycopg2://user:hidden@127.0.0.1:1/base")
    code, said = told(monkeypatch, capsys, command)
    assert code == 1
    assert "Connection refused" in said
    assert "hidden" not in said


def test_help_is_grouped_by_user_and_speaks_their_language() -> None:
    for name, command in get_command(app).commands.items():  # type: ignore[attr-defined]
        is_russian = bool(re.search("[а-яё]{4}", command.get_short_help_str(200)))
        assert command.rich_help_panel in (OFFICER, SENDER, ENGINEER, OPERATING), name
        assert is_russian == (command.rich_help_panel in (OFFICER, SENDER)), name
        for parameter in command.params:
            words = getattr(parameter, "help", None)
            if words and name not in ("run",):
                assert bool(re.search("[а-яё]{2}", words)) == is_russian, (name, parameter.name)
