"""`profmin mart`: what was shown then in the region's time, into a file, and which days there are."""

from __future__ import annotations

import csv
import datetime as dt
import io
import json
import re
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

import openpyxl
import pytest
import sqlalchemy as sa

from contracts.regions import regions
from flows.cli.mart_command import print_mart, why_empty
from flows.home.settings import Settings
from flows.home.shown import cell
from flows.home.usage import UsageError, in_zone, moment
from flows.presentation.mart_sheets import shown_kind
from warehouse.marts.publication import publish
from warehouse.marts.published import mart, mart_named, mart_names
from warehouse.schema.upgrade import upgrade

if TYPE_CHECKING:
    from conftest import Run

DAY = dt.date(2023, 9, 8)
TOMSK = ZoneInfo("Asia/Tomsk")
HEALTH = "delivery_health"


@pytest.fixture
def published(engine: sa.Engine) -> dt.datetime:
    """When the empty region was published."""
    publish(engine, "69", [DAY])
    with engine.connect() as connection:
        found = connection.scalar(sa.text("SELECT max(published_at) FROM ops.publication"))
    assert isinstance(found, dt.datetime)
    return found


def test_a_time_without_a_zone_is_the_regions() -> None:
    assert in_zone(moment("2023-09-09 09:00"), TOMSK) == dt.datetime(2023, 9, 9, 2, tzinfo=dt.UTC)
    assert in_zone(moment("2023-09-09T09:00+03:00"), TOMSK) == dt.datetime(2023, 9, 9, 6, tzinfo=dt.UTC)
    with pytest.raises(UsageError, match="is a day, not a moment"):
        moment("2023-09-09")
    with pytest.raises(UsageError, match="is not a time"):
        moment("вчера")


def test_the_slide_of_the_morning_is_shown_again(
    settings: Settings, published: dt.datetime, profmin: Run, tmp_path: Path
) -> None:
    local = published.astimezone(TOMSK)
    after, before = (f"{local + dt.timedelta(minutes=minutes):%Y-%m-%d %H:%M}" for minutes in (2, -2))
    slide = tmp_path / "slide.json"
    asked = ("mart", "readiness_by_municipality", "--as-of", DAY)
    done = profmin(*asked, "--known-at", after, "--to", slide, settings=settings)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert len(json.loads(slide.read_text(encoding="utf-8"))) == 21
    done = profmin(*asked, "--known-at", before, "--format", "json", settings=settings)
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    assert f"первая публикация — {local:%d.%m.%Y %H:%M}" in done.stderr


def test_a_workbook_shows_local_times_says_so_and_is_the_same_again(
    settings: Settings, published: dt.datetime, tmp_path: Path, engine: sa.Engine
) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE history.readiness_by_municipality SET known_at = '2023-09-08 20:30:00+00'"))
    files = [tmp_path / "one.xlsx", tmp_path / "two.xlsx"]
    for file in files:
        print_mart(settings, "readiness_by_municipality", DAY, None, None, file)
    assert files[0].read_bytes() == files[1].read_bytes()
    printed = list(openpyxl.load_workbook(io.BytesIO(files[0].read_bytes())).active.iter_rows(values_only=True))
    place = next(number for number, row in enumerate(printed) if row[0] == "№")
    heading, first = printed[place : place + 2]
    row = dict(zip(heading, first, strict=True))
    assert row["Известно на (время Asia/Tomsk)"] == dt.datetime(2023, 9, 9, 3, 30)  # noqa: DTZ001
    assert not any("UTC" in str(each) for each in heading)


PARSED: dict[str, Callable[[str], object]] = {
    "string": str,
    "integer": int,
    "number": Decimal,
    "date": dt.date.fromisoformat,
    "boolean": {"true": True, "false": False}.__getitem__,
    "yyyy-MM-ddTHH:mm:ss.SSSSSSX": lambda text: dt.datetime.strptime(text, "%Y-%m-%dT%H:%M:%S.%f%z"),
}
"""A datatype of CSVW, or the format of a moment → how a cell of it is read; a blank one is NULL."""


@pytest.mark.parametrize("name", ["readiness_by_municipality", "delivery_health", "indicators", "reporting_rate"])
def test_beside_a_csv_file_lies_what_it_holds(
    settings: Settings, published: dt.datetime, tmp_path: Path, name: str
) -> None:
    file = tmp_path / f"{name}.csv"
    print_mart(settings, name, None, None, to=file)
    (described,) = tmp_path.glob("*.json")
    assert described.name == f"{name}.csv-metadata.json"
    told = json.loads(described.read_text(encoding="utf-8"))
    assert told["url"] == file.name
    with file.open(encoding="utf-8", newline="") as opened:
        head, *rows = csv.reader(opened)
    columns = told["tableSchema"]["columns"]
    assert [column["titles"][0] for column in columns] == [column["name"] for column in columns] == head
    for row in rows:
        for value, column in zip(row, columns, strict=True):
            kind = column["datatype"]
            if value:
                PARSED[kind["format"] if isinstance(kind, dict) else kind](value)
    keys = [tuple(row[head.index(column)] for column in told["tableSchema"]["primaryKey"]) for row in rows]
    assert len(set(keys)) == len(keys) > 0


def test_what_cannot_be_written_or_named(settings: Settings, tmp_path: Path) -> None:
    for path, told in (
        (tmp_path / "absent" / "a.csv", "cannot be written"),
        (tmp_path / "slide", "says no format"),
        (tmp_path / "slide.docx", "no format is named 'docx'"),
    ):
        with pytest.raises(UsageError, match=told):
            print_mart(settings, HEALTH, DAY, None, None, path)


def test_a_mart_of_the_country_is_asked_without_a_region(
    region: Settings, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    print_mart(region, "national_readiness", DAY, None, "json")
    (told,) = json.loads(capsys.readouterr().out)
    assert (told["region"], told["regions"], told["schools"], told["accepted"]) == ("RU", 1, 285, 244)
    print_mart(region, "national_regions", DAY + dt.timedelta(days=30), None, "json")
    said = capsys.readouterr()
    assert json.loads(said.out) == [] and "не опубликована" in said.err
    with pytest.raises(UsageError, match="is of the country"):
        print_mart(region, "national_readiness", DAY, None, "json", region="69")


def test_a_day_without_publication_names_those_that_have_one(
    settings: Settings, engine: sa.Engine, capsys: pytest.CaptureFixture[str]
) -> None:
    publish(engine, "69", [DAY, DAY - dt.timedelta(days=1)])
    print_mart(settings, "readiness_region", dt.date(2023, 9, 11), None)
    told = capsys.readouterr()
    assert told.out == ""
    assert told.err == "Дата 2023-09-11 не опубликована. Есть: 2023-09-07, 2023-09-08.\n"
    print_mart(settings, "corrections", DAY, None)
    assert capsys.readouterr().err == "На эту дату здесь нет ни одной строки; дата опубликована.\n"


def test_why_there_is_no_row() -> None:
    at = dt.datetime(2023, 9, 9, 2, tzinfo=dt.UTC)
    days = {DAY + dt.timedelta(days=number): at + dt.timedelta(days=number) for number in range(10)}
    assert why_empty({}, DAY, None, TOMSK).startswith("Ещё ничего не опубликовано")
    assert why_empty(days, dt.date(2023, 10, 1), None, TOMSK) == (
        "Дата 2023-10-01 не опубликована. Есть: 2023-09-12, 2023-09-13, 2023-09-14, 2023-09-15, 2023-09-16, 2023-09-17"
        " и ещё 4 с 2023-09-08 по 2023-09-17."
    )
    told = why_empty(days, DAY + dt.timedelta(days=1), at, TOMSK)
    assert told == (
        "Дата 2023-09-09 к 09.09.2023 09:00 не опубликована. Она опубликована позже, 10.09.2023 09:00. "
        "Есть: 2023-09-08."
    )


def test_the_workbook_of_the_region_is_ready_to_be_printed(
    region: Settings, region_engine: sa.Engine, tmp_path: Path
) -> None:
    """Slow: the region is taken in first."""
    file = tmp_path / "a.xlsx"
    print_mart(region, "readiness_by_municipality", None, None, None, file)
    sheet = openpyxl.load_workbook(file).active
    printed = [list(row) for row in sheet.iter_rows(values_only=True)]
    assert printed[0][0] == "Готовность школ по отчётным единицам"
    assert str(printed[1][0]).startswith("Томская область · на 08.09.2023 · известно на ")
    assert str(printed[2][0]).startswith("Полнота ")
    assert printed[3][0] == "Кампания: Готовность к реализации Профминимума, 2023/2024"
    place = next(number for number, row in enumerate(printed) if row[0] == "№")
    rows = [dict(zip(printed[place], row, strict=True)) for row in printed[place + 1 : place + 23]]
    with region_engine.connect() as connection:
        told = mart(connection, "readiness_by_municipality", region="69")
        (total,) = mart(connection, "readiness_region", region="69").iter_rows(named=True)
    figures = {"Школ": "schools", "Верный отчёт": "accepted", "Доля верных отчётов": "accepted_rate"}
    for caption, column in figures.items():
        assert [row[caption] for row in rows] == [*told[column], total[column]]
    assert rows[-1]["Отчётная единица"] == "Итого по региону"
    assert {row["Полоса"] for row in rows} == {"зелёная", "жёлтая", "красная"}
    assert (sheet.freeze_panes, sheet.print_title_rows) == (f"C{place + 2}", f"${place + 1}:${place + 1}")
    assert sheet.auto_filter.ref == f"A{place + 1}:{sheet.cell(place + 1, len(printed[0])).column_letter}{place + 22}"
    assert (sheet.page_setup.orientation, sheet.page_setup.fitToHeight) == ("landscape", 0)
    assert sheet.sheet_properties.pageSetUpPr is not None
    assert sheet.sheet_properties.pageSetUpPr.fitToPage
    band = sheet.cell(place + 2, printed[place].index("Полоса") + 1)
    assert (band.value, band.fill.start_color.rgb) == ("зелёная", "FFC6EFCE")
    assert sheet.cell(place + 2, printed[place].index("Доля верных отчётов") + 1).number_format == "0.0%"


def test_on_a_terminal_a_share_is_in_percent_and_a_change_in_points(
    region: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    """By what the dictionary says of a column, not by its name; of a status stand the words alone."""
    print_mart(region, "registration_journey_region", DAY, None)
    only = dict(re.split(r"  +", line, maxsplit=1) for line in capsys.readouterr().out.splitlines() if "  " in line)
    assert re.fullmatch(r"\d+,\d %", only["Доля подтверждённых"])
    assert shown_kind(mart_named("region_profile"), "rate_change") == "разность долей"
    assert [cell("rate_change", each, TOMSK, "разность долей") for each in (0.012, -0.5, 0.0)] == [
        "+1,2 п. п.", "−50,0 п. п.", "0,0 п. п.",
    ]  # fmt: skip
    print_mart(region, "school_profile", DAY, None)
    told = capsys.readouterr().out
    assert "нет данных" in told
    assert "no_data" not in told


def test_every_mart_becomes_a_workbook(region: Settings, tmp_path: Path) -> None:
    """Slow: some forty workbooks are written and read."""
    for name in mart_names():
        print_mart(region, name, None, None, None, tmp_path / "a.xlsx")
        assert openpyxl.load_workbook(tmp_path / "a.xlsx", read_only=True).sheetnames == [name]


def test_a_workbook_of_two_regions_has_a_sheet_for_each(
    settings: Settings, engine: sa.Engine, two_regions: Path, tmp_path: Path
) -> None:
    """Slow: two regions are published."""
    upgrade(engine)
    for code in [each.code for each in regions()]:
        publish(engine, code, [DAY])
    print_mart(settings, "readiness_by_municipality", DAY, None, None, tmp_path / "a.xlsx")
    assert openpyxl.load_workbook(tmp_path / "a.xlsx").sheetnames == [each.name for each in regions()]
