"""A parent's request: what is held of one pupil, by a name that is typed at a prompt and stays nowhere.

Slow: an export is taken in, and each command is a process of its own that is asked.
"""

from __future__ import annotations

import getpass
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from evidence import NAME, all_text, assert_nowhere, copied, engine_of, picked, planted, taken_in

from flows.cli.subject_command import LETTERS, find
from flows.home.archived import is_kept
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from flows.upkeep.doctor import examine
from warehouse.schema.restricted import readers
from warehouse.schema.upgrade import connect

Run = Callable[..., "subprocess.CompletedProcess[str]"]
EXPORT = "regional_operator/Сводный"
ACCESS = "SELECT who, command FROM ops.restricted_access ORDER BY access_id"
PLACE = """
SELECT DISTINCT d.archive_path FROM ops.delivery d JOIN ops.reading r USING (delivery_id)
WHERE r.form = 'registration_export'
"""


@pytest.fixture(scope="module")
def lived(databases: Any, region_files: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    folder = tmp_path_factory.mktemp("subject")
    files = picked(region_files, "department/Реестр", EXPORT)
    export = planted(files.pop(EXPORT), folder / "regional_operator" / "Выгрузка.xlsx", "none")
    with taken_in(databases, folder / "home", *files.values(), export) as made:
        yield made


@pytest.fixture
def settings(databases: Any, lived: Settings, tmp_path: Path) -> Iterator[Settings]:
    with copied(databases, lived, tmp_path / "home") as made:
        yield made


@pytest.fixture
def engine(settings: Settings) -> Iterator[sa.Engine]:
    with engine_of(settings) as made:
        yield made


def asked(settings: Settings, typed: list[str], *options: str) -> subprocess.CompletedProcess[str]:
    """The command as a person runs it, who types these lines."""
    assert settings.database_url is not None
    ours = {"PROFMIN_HOME": str(settings.home), "PROFMIN_DATABASE_URL": settings.database_url.get_secret_value()}
    return subprocess.run(
        [sys.executable, "-m", "flows.cli.app", "subject", *options], env=os.environ | ours,
        input="".join(f"{line}\n" for line in typed), capture_output=True, text=True, check=False, timeout=300,
    )  # fmt: skip


def accesses(engine: sa.Engine) -> list[tuple[str, str]]:
    with engine.connect() as connection:
        return [tuple(row) for row in connection.execute(sa.text(ACCESS))]


def test_a_pupil_is_found_and_the_name_stays_nowhere(engine: sa.Engine, settings: Settings, tmp_path: Path) -> None:
    told = asked(settings, [f"  {NAME.upper()} ", "31.12.2009"])
    assert told.returncode == 0, told.stderr
    rows = json.loads(told.stdout)
    assert [(row["за дату"], row["найдено"]) for row in rows] == [("2023-09-08", "по имени и дате рождения")]
    to = tmp_path / "ответ.json"
    again = asked(settings, [NAME, "31.12.2009"], "--to", str(to))
    assert (again.returncode, again.stdout.strip(), json.loads(to.read_text())) == (0, "", rows)
    assert_nowhere(told.stdout, "what is told")
    assert_nowhere(all_text(engine), "the database")
    assert_nowhere(settings.log_file.read_text(), "the log")
    assert [who for who in accesses(engine) if who[1] != "publish"] == [(getpass.getuser(), "subject")] * 2


def test_another_date_or_name_is_another_pupil(settings: Settings) -> None:
    for typed in ([NAME, "30.12.2009"], ["Никакой Нигде Никогдаевич", "31.12.2009"]):
        told = asked(settings, typed)
        assert (told.returncode, json.loads(told.stdout)) == (1, []), told.stderr
        assert "не найдено" in told.stderr
    wrong = asked(settings, [NAME, "тридцать первого"])
    assert wrong.returncode == 2 and "не дата вида ДД.ММ.ГГГГ" in wrong.stderr and "тридцать" not in wrong.stderr


def test_a_pupil_without_a_birth_date_is_found_by_the_class(databases: Any, region_files: Path, tmp_path: Path) -> None:
    files = picked(region_files, "department/Реестр", EXPORT)
    export = planted(files.pop(EXPORT), tmp_path / "regional_operator" / "Выгрузка.xlsx", "none")
    book = openpyxl.load_workbook(export)
    sheet = book.worksheets[0]
    heading = next(row for row in sheet.iter_rows() if any(str(cell.value).lower() == "фио" for cell in row))
    born = next(cell.column for cell in heading if str(cell.value).lower() in ("дата рождения", "др"))
    sheet.cell(heading[0].row + 1, born).value = None
    book.save(export)
    with taken_in(databases, tmp_path / "home", *files.values(), export) as settings:
        assert settings.database_url is not None
        engine = connect(settings.database_url.get_secret_value())
        found = find(engine, settings, NAME, None)
        engine.dispose()
    assert [row.by_birth_date for row in found] == [False]


def test_what_is_destroyed_has_an_act_and_figures_stay(engine: sa.Engine, settings: Settings) -> None:
    with engine.connect() as connection:
        place = settings.archive / str(connection.scalar(sa.text(PLACE)))
        facts = connection.scalar(sa.text("SELECT count(*) FROM core.registration_export_fact"))
    kept = asked(settings, [NAME, "31.12.2009", "нет"], "--destroy")
    assert kept.returncode == 2 and "ничего не уничтожено" in kept.stderr and is_kept(place)
    gone = asked(settings, [NAME, "31.12.2009", "уничтожить"], "--destroy")
    assert gone.returncode == 0 and "акт на подпись" in gone.stderr, gone.stderr
    assert not is_kept(place) and len(list(settings.acts.glob("*.xlsx"))) == 1
    assert json.loads(asked(settings, [NAME, "31.12.2009"]).stdout) == []
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT count(*) FROM core.registration_export_fact")) == facts
    assert [law.name for law in examine(settings) if law.times] == []


@pytest.mark.parametrize("refused", [0, 1])
def test_what_is_not_searched_is_said_before_anything_is_destroyed(settings: Settings, refused: int) -> None:
    if refused:
        stray = settings.inbox / "regional_operator" / "без шапки.csv"
        stray.write_text("Никакой Нигде Никогдаевич;8\n" * 5)
        os.utime(stray, (1_694_160_000, 1_694_160_000))
        assert "refused" in [outcome.verdict for outcome in ingest([], Options(), settings)]
    told = asked(settings, [NAME, "31.12.2009", "нет"], "--destroy")
    assert f"неопознанных файлов за эти учебные годы в архиве: {refused}\n" in told.stderr, told.stderr
    assert "Не просмотрены" not in asked(settings, [NAME, "31.12.2009"]).stderr
    assert "Не просмотрены" in asked(settings, ["Никакой Нигде Никогдаевич", ""]).stderr


@pytest.mark.parametrize("letter", ["Й", "Щ", "Я"])
def test_any_letter_of_a_class_is_looked_for(letter: str) -> None:
    assert letter in LETTERS and len(LETTERS) == len(set(LETTERS)) == 33


def test_whoever_can_read_pupils_is_named_and_noted(engine: sa.Engine, settings: Settings, profmin: Run) -> None:
    with engine.connect() as connection:
        owner = connection.scalar(sa.text("SELECT current_user"))
        found = {reader.role for reader in readers(connection)}
    assert owner in found and "bi_reader" not in found and "mart_reader" not in found
    assert (
        f"rows of pupils can be read by: {', '.join(sorted(found))[:3]}" in profmin("doctor", settings=settings).stdout
    )
    profmin("rekey", settings=settings)
    profmin("purge", settings=settings)
    assert {command for _, command in accesses(engine)} == {"publish", "rekey", "purge"}
