"""Night after night at the size of the region: what counts, what waits, and what an officer does about it.

Slow: each night is one of the whole region.
"""

from __future__ import annotations

import csv
import datetime as dt
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import openpyxl
import pytest
import sqlalchemy as sa
from evidence import picked

from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.intake.outcome import Outcome, exit_code
from flows.runs.ingest import ingest
from warehouse.marts.published import mart
from warehouse.watch.law import examined

if TYPE_CHECKING:
    from conftest import Run

NIGHTS = [dt.date(2023, 9, day) for day in (8, 9, 10)]
Rows = list[list[Any]]


@pytest.fixture(scope="module")
def pupils(region_files: Path) -> Rows:
    """The rows of the region's export of 4828 pupils, its title and heading first."""
    (path,) = region_files.glob("regional_operator/Сводный*.xlsx")
    book = openpyxl.load_workbook(path, read_only=True)
    assert book.worksheets
    return [list(row) for row in book.worksheets[0].iter_rows(values_only=True)]


def heading_of(rows: Rows) -> int:
    return next(place for place, row in enumerate(rows) if "Муниципалитет" in row)


def write(settings: Settings, rows: Rows, night: dt.date, change: Callable[[Rows], Rows]) -> Path:
    """An export of a night as a text table in the operator's folder: the region's, its pupils changed."""
    start = heading_of(rows) + 1
    head = [[str(cell or "").replace("08.09.2023", f"{night:%d.%m.%Y}") for cell in row] for row in rows[:start]]
    path = settings.inbox / "regional_operator" / f"Сводный отчёт по ученикам {night}.csv"
    path.parent.mkdir(exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, delimiter=";").writerows([*head, *change([list(row) for row in rows[start:]])])
    return path


def one(settings: Settings, path: Path) -> Outcome:
    (outcome,) = ingest([path], Options(), settings)
    return outcome


def registered(engine: sa.Engine, night: dt.date) -> tuple[int, dt.date, float]:
    """What the mart of a night says: pupils, of which export, and completeness."""
    with engine.connect() as connection:
        found = mart(connection, "registration_by_school", night)
    return found["actual_pupils"].sum(), found["export_as_of"][0], found["completeness"][0]


def broken_laws(engine: sa.Engine) -> list[str]:
    with engine.connect() as connection:
        return [law.name for law in examined(connection) if law.times]


def of_many_schools(column: int) -> Callable[[Rows], Rows]:
    """The first 21 pupils of as many schools."""
    return lambda rows: list({row[column]: row for row in rows}.values())[:21]


@pytest.mark.usefixtures("had_prefect")
def test_4828_pupils_never_become_21_by_themselves(
    settings: Settings, engine: sa.Engine, region_files: Path, pupils: Rows, profmin: Run
) -> None:
    good = picked(region_files, "department/Реестр", "regional_operator/Сводный")
    first = ingest(list(good.values()), Options(), settings)
    assert {each.verdict for each in first} == {"accepted"}
    assert registered(engine, NIGHTS[0]) == (4828, NIGHTS[0], 1.0)

    # night 2: the municipality stands in the first 21 rows only
    def merged(rows: Rows) -> Rows:
        return [[None if cell == row[0] and place >= 21 else cell for cell in row] for place, row in enumerate(rows)]

    spoilt = one(settings, write(settings, pupils, NIGHTS[1], merged))
    assert (spoilt.verdict, exit_code([spoilt]), spoilt.rows.loaded) == ("refused", 4, 0)
    assert spoilt.findings[0].rule == "COM-072"
    assert "без ошибок: 21." in spoilt.findings[0].message
    assert good["regional_operator/Сводный"].name in (spoilt.in_force or "")  # what holds on that date, not «nothing»
    ran = profmin("run", "nightly", "--as-of", NIGHTS[1], settings=settings)
    assert ran.returncode in (0, 3, 4), ran.stderr
    assert registered(engine, NIGHTS[1]) == (4828, NIGHTS[0], 0.0)

    # night 3: a part of the export, each row of it good
    column = heading_of(pupils)
    school = pupils[column].index("Образовательная организация")
    path = write(settings, pupils, NIGHTS[2], of_many_schools(school))
    ran = profmin("ingest", path, "--json", settings=settings)
    assert ran.returncode == 4, ran.stderr
    (told,) = json.loads(ran.stdout)
    assert (told["verdict"], told["status"], told["rows"]["loaded"]) == ("held", "held", 21)
    assert registered(engine, NIGHTS[2]) == (4828, NIGHTS[0], 0.0)
    said = profmin("ingest", path, settings=settings).stdout
    assert "ждёт решения" in said and "принято" not in said.split("(")[0]
    (receipt,) = settings.outbox.glob(f"regional_operator/*{NIGHTS[2]}*.квитанция.xlsx")
    sheet = openpyxl.load_workbook(receipt).worksheets[0]
    words = " ".join(str(cell) for row in sheet.iter_rows(values_only=True) for cell in row if cell)
    assert "ждёт решения сотрудника" in words and "Загружается строк: 21" in words and "4828" in words
    assert "принят" not in words.lower().replace("принятый ранее", "") and "без ошибок 21" in words
    assert "actual_pupils" not in words

    number = told["delivery_id"]
    listed = json.loads(profmin("deliveries", "list", "--json", settings=settings).stdout)
    assert [(each["delivery_id"], each["rows_loaded"], each["holds_as_of"]) for each in listed] == [
        (number, 21, NIGHTS[0].isoformat())
    ]
    shown = profmin("deliveries", "show", number, settings=settings).stdout
    assert f"profmin deliveries accept {number}" in shown and "4828" in shown.replace("\N{NO-BREAK SPACE}", "")
    assert broken_laws(engine) == []

    blank = profmin("deliveries", "accept", number, "--reason", " … ", settings=settings)
    assert (blank.returncode, "нужна причина" in blank.stderr) == (2, True)
    done = profmin("deliveries", "accept", number, "--reason", "Осталась одна параллель.", settings=settings)
    assert done.returncode == 0, done.stderr
    assert "принят и действует" in done.stdout
    there = registered(engine, NIGHTS[2])[0]  # some of the 21 are not verified
    assert 0 < there <= 21
    assert registered(engine, NIGHTS[2]) == (there, NIGHTS[2], pytest.approx(there / 4828))
    assert broken_laws(engine) == []
    assert "сейчас действует этот файл" in profmin("deliveries", "show", number, settings=settings).stdout
    again = profmin("deliveries", "accept", number, "--reason", "Ещё раз.", settings=settings)
    assert (again.returncode, "ничего не изменилось" in again.stdout) == (0, True)
    late = profmin("deliveries", "refuse", number, "--reason", "Передумал.", settings=settings)
    assert (late.returncode, "решения не ждёт" in late.stderr) == (2, True)
    assert profmin("deliveries", "show", 10_000, settings=settings).returncode == 2
    sheet = openpyxl.load_workbook(receipt).worksheets[0]
    words = " ".join(str(cell) for row in sheet.iter_rows(values_only=True) for cell in row if cell)
    assert "принят решением сотрудника мониторинга: Осталась одна параллель." in words


def test_a_night_after_a_broken_register_works_on_with_the_one_that_stands(
    region: Settings, region_engine: sa.Engine, region_files: Path
) -> None:
    (path,) = region_files.glob("department/Реестр*.xlsx")
    rows = [list(row) for row in openpyxl.load_workbook(path).worksheets[0].iter_rows(values_only=True)]
    start = next(place for place, row in enumerate(rows) if "Код ОО" in row)
    broken = [*rows[:start], [*rows[start], "ИНН"], *([*row, "7,01E+09"] for row in rows[start + 1 :])]
    folder = region.inbox / "department"
    spoilt = saved(folder / "Реестр школ 2023-09-02.xlsx", broken)
    refused = one(region, spoilt)
    assert (refused.verdict, refused.findings[0].rule) == ("refused", "COM-072")
    short = one(region, saved(folder / "Реестр школ 2023-09-03.xlsx", rows[:-1]))
    assert (short.verdict, [each.rule for each in short.findings]) == ("held", ["COM-070"])
    with region_engine.connect() as connection:
        assert mart(connection, "readiness_region", NIGHTS[0])["schools"].to_list() == [285]
    report = picked(region_files, "asinovsky")["asinovsky"]
    later = one(region, saved_again(report, region.inbox / "asinovsky" / f"снова {report.name}"))
    assert (later.verdict, later.failure, later.rows.loaded) == ("accepted", None, 4)
    grown = [*rows, ["709999", None, "МБОУ «Новая СОШ»", *rows[-1][3:]]]
    better = one(region, saved(folder / "Реестр школ 2023-09-04.xlsx", grown))
    assert better.verdict == "accepted"
    with region_engine.connect() as connection:
        assert mart(connection, "readiness_region", NIGHTS[0])["schools"].to_list() == [286]
    assert broken_laws(region_engine) == []


def saved(path: Path, rows: Rows) -> Path:
    book = openpyxl.Workbook()
    assert book.active is not None
    for row in rows:
        book.active.append(
            [str(cell).replace("01.09.2023", f"{path.stem[-2:]}.09.2023") if cell else cell for cell in row]
        )
    book.save(path)
    return path


def saved_again(path: Path, to: Path) -> Path:
    """The same workbook with other bytes."""
    book = openpyxl.load_workbook(path)
    book.save(to)
    return to
