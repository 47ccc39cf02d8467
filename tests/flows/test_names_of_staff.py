"""Names of people who work in schools go nowhere: planted ones are looked for in everything that profmin leaves."""

from __future__ import annotations

import datetime as dt
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import openpyxl
import polars as pl
import pytest
import sqlalchemy as sa
from evidence import NAME, all_text, assert_nowhere, picked
from post import unpacked

from contracts.forms import form_named
from documents.demo import Region, tomsk
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from flows.upkeep.doctor import examine
from flows.upkeep.retention import purge
from warehouse.schema.upgrade import connect

Run = Callable[..., "subprocess.CompletedProcess[str]"]
UNIT, FILE = "chainsky", "Навигаторы 2023-09-08.xlsx"
AFTER = dt.datetime(2024, 10, 1, 2, tzinfo=dt.UTC)
COLUMNS = form_named("staff").editions[-1].columns


@pytest.fixture(scope="module")
def region() -> Region:
    return tomsk()


def listed(region: Region, path: Path, damage: str = "none") -> Path:
    """A list of the unit with one of us as responsible in its first school, navigator there and in the second, and in
    a row that is set aside."""
    schools = region.schools.filter(pl.col("subordination") == UNIT).head(3).to_dicts()
    good = {"role": "Ответственный", "position": "директор", "order_number": "5-о", "order_date": "01.09.2023",
            "trained": "нет"}  # fmt: skip
    rows: list[dict[str, object]] = [
        good | {"full_name": NAME},
        good | {"full_name": NAME, "role": "Педагог-навигатор"},
        good | {"full_name": NAME, "role": "Педагог-навигатор", "position": "учитель"},
        good | {"full_name": f"{NAME} 2", "role": "Педагог-навигатор"},
    ]
    for row, school in zip(rows, (schools[0], schools[0], schools[1], schools[2]), strict=True):
        row |= {"school_code": school["school_code"], "school_name": school["short_name"]}
    book = openpyxl.Workbook()
    sheet = book.worksheets[0]
    sheet.append(["Список на 08.09.2023"])
    sheet.append([column.title for column in COLUMNS])
    for column in ("school_name", "role", "position", "order_number", "order_date", "trained", "training_hours"):
        if damage == "cells":
            rows.append({**rows[1], column: NAME})
    for row in rows:
        sheet.append([row.get(column.name) for column in COLUMNS])
    if damage == "heading":
        sheet.cell(2, len(COLUMNS) + 1).value = NAME
        sheet.cell(2, 4).value = f"Роль {NAME}"
    elif damage == "sheet":
        sheet.title = NAME
    elif damage == "note":
        sheet.append([])
        sheet.append([f"Исполнитель: {NAME}"])
        sheet.cell(1, 1).value = f"Составил {NAME} 08.09.2023"
    elif damage == "headless":
        sheet.delete_rows(2)
    path.parent.mkdir(parents=True, exist_ok=True)
    book.save(path)
    return path


@pytest.mark.parametrize("damage", ["none", "cells", "heading", "sheet", "note", "headless"])
def test_planted_person_is_found_nowhere(
    damage: str, settings: Settings, region: Region, region_files: Path, profmin: Run, tmp_path: Path
) -> None:
    """Slow: every command is a process of its own."""
    register = picked(region_files, "department/Реестр")["department/Реестр"]
    staff = listed(region, tmp_path / "mail" / UNIT / FILE, damage)
    commands: list[tuple[object, ...]] = [
        ("check", staff, "--register", register),
        ("check", staff, "--register", register, "--json"),
        ("ingest", register, staff, "--json"),
    ]
    if damage == "cells":
        commands += [("status",), ("deliveries", "list"), ("incidents",), ("mart", "rule_failures")]
    for command in commands:
        ran = profmin("--debug", *command, settings=settings)
        assert ran.returncode in (0, 3, 4), ran.stderr
        assert_nowhere(ran.stdout + ran.stderr, f"what {command[0]} prints")
    assert settings.database_url is not None
    engine = connect(settings.database_url.get_secret_value())
    kept = all_text(engine)
    with engine.connect() as connection:
        facts = connection.execute(sa.text("SELECT count(*), count(DISTINCT person_key) FROM core.staff_fact")).one()
    engine.dispose()
    assert damage not in ("none", "sheet", "note") or facts == (3, 1), "one person, two roles, two schools"
    assert_nowhere(kept, "the database")
    for path in settings.home.rglob("*"):
        if path.is_file() and settings.archive not in path.parents:
            assert_nowhere(unpacked(path.read_bytes()), str(path.relative_to(settings.home)))


def test_the_name_of_a_list_is_not_told(settings: Settings, region: Region, region_files: Path, tmp_path: Path) -> None:
    register = picked(region_files, "department/Реестр")["department/Реестр"]
    staff = listed(region, tmp_path / UNIT / f"{NAME} 2023-09-08.xlsx")
    *_, outcome = ingest([register, staff], Options(), settings)
    assert outcome.form == "staff"
    (receipt,) = (settings.outbox / UNIT).iterdir()
    assert_nowhere(receipt.name + unpacked(receipt.read_bytes()), "the receipt")
    text = " ".join(str(cell) for sheet in openpyxl.load_workbook(receipt) for row in sheet.values for cell in row)
    assert "персональные данные" in text and "C6" in text, "the place is told"


def people(engine: sa.Engine) -> list[tuple[str, str, int]]:
    with engine.connect() as connection:
        rows = connection.execute(sa.text("SELECT person_key, role, school_id FROM core.staff_fact ORDER BY 2, 3"))
        return [(row[0], row[1], row[2]) for row in rows]


def test_a_purge_takes_the_file_and_who_is_in_it(
    settings: Settings, engine: sa.Engine, region: Region, region_files: Path
) -> None:
    """Counts of a reading stay what they were; what stood for a name stands for it no more.

    Slow: a whole run, with marts.
    """
    register = picked(region_files, "department/Реестр")["department/Реестр"]
    (settings.inbox / "department").mkdir()
    shutil.copy2(register, settings.inbox / "department")
    staff = listed(region, settings.inbox / UNIT / FILE)
    ingest([], Options(), settings)
    before = people(engine)
    expiring = settings.model_copy(update={"pupil_days": 30})
    purged = purge(expiring, AFTER)
    assert (purged.deliveries, purged.pupil_rows, staff.exists()) == (1, 3, False)
    after = people(engine)
    assert [row[1:] for row in after] == [row[1:] for row in before]
    assert len({row[0] for row in after}) == 1 and not {row[0] for row in before} & {row[0] for row in after}
    assert not [law.name for law in examine(settings) if law.times]
    (act,) = purged.acts
    assert_nowhere(unpacked((settings.acts / act).read_bytes()), "the act")
