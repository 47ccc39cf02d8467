"""`profmin report` and `profmin mart --matrix`: what stands in the books is what the marts say."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path
from typing import TYPE_CHECKING

import openpyxl
import polars as pl
import pytest
import sqlalchemy as sa

from flows.cli.report_command import print_matrix, write_report
from flows.home.settings import Settings
from flows.home.usage import UsageError
from warehouse.marts.matrix import figures_of, matrix
from warehouse.marts.publication import publish
from warehouse.marts.published import mart, mart_names

if TYPE_CHECKING:
    from conftest import Run

DAY = dt.date(2023, 9, 8)


def contents(file: Path) -> dict[str, tuple[object, ...]]:
    """Title → its line in the contents."""
    rows = openpyxl.load_workbook(file)["Содержание"].iter_rows(values_only=True)
    return {str(row[1]): row for row in rows if isinstance(row[0], int)}


def test_the_report_of_the_region(region: Settings, region_engine: sa.Engine, tmp_path: Path) -> None:
    """Slow: the region is taken in first, and the book has a sheet for every mart."""
    file = tmp_path / "a.xlsx"
    write_report(region, None, None, None, file, None)
    lines = contents(file)
    assert lines["Готовность школ по отчётным единицам"][2:5] == (21, "244 из 285 (85,6 %)", "зелёная")
    assert (
        lines["Регистрация на «Билет в будущее» по отчётным единицам"][3]
        == "4\N{NO-BREAK SPACE}828 из 11\N{NO-BREAK SPACE}254 (42,9 %)"
    )
    assert "Готовность школ по региону" not in lines  # it is the last row of the units
    book = openpyxl.load_workbook(file)
    with region_engine.connect() as connection:
        rows = {name: mart(connection, name, region="69").height for name in mart_names()}
        owing = mart(connection, "delivery_health", region="69").filter(pl.col("status").is_in(["missing", "refused"]))
    assert len(book.sheetnames) - 1 == sum(1 for line in lines.values() if line[2]) <= sum(map(bool, rows.values()))
    assert sum(int(str(line[2])) for line in lines.values()) <= sum(rows.values())
    printed = [str(cell) for row in book["Содержание"].iter_rows(values_only=True) for cell in row if cell]
    assert "Кому звонить" in printed
    for name in owing["sender_name"].unique():
        assert name in printed


def test_the_report_of_a_unit_has_only_its_own(region: Settings, tmp_path: Path) -> None:
    """Slow: the region is taken in first."""
    file = tmp_path / "a.xlsx"
    write_report(region, "asinovsky", None, None, file, None)
    lines = contents(file)
    assert lines["Готовность школ по отчётным единицам"][2:5] == (1, "4 из 12 (33,3 %)", "красная")
    assert lines["Готовность по школам"][2] == 12
    printed = [str(c) for row in openpyxl.load_workbook(file)["Содержание"].iter_rows(values_only=True) for c in row]
    assert any("asinovsky@example.invalid" in text for text in printed)
    assert not any("Бакчарский" in text for text in printed)
    with pytest.raises(UsageError, match="no unit is named 'x'; there are: aleksandrovsky"):
        write_report(region, "x", None, None, file, None)


def test_a_report_of_a_day_that_was_not_published(settings: Settings, engine: sa.Engine, tmp_path: Path) -> None:
    publish(engine, "69", [DAY])
    with pytest.raises(UsageError, match="nothing of that date was published"):
        write_report(settings, None, dt.date(2023, 9, 1), None, tmp_path / "a.xlsx", None)
    assert not (tmp_path / "a.xlsx").exists()


def test_a_matrix_marks_what_a_later_publication_knew_otherwise(
    settings: Settings, engine: sa.Engine, tmp_path: Path, profmin: Run
) -> None:
    name, figure = "registration_by_municipality", "plan_pupils"
    publish(engine, "69", [DAY])
    with engine.begin() as connection:
        connection.execute(sa.text(f"UPDATE history.{name} SET plan_pupils = 10 WHERE reporting_unit = 'asinovsky'"))
    publish(engine, "69", [DAY, DAY + dt.timedelta(days=1)])  # no plan was sent: the figure goes
    publish(engine, "69", [DAY + dt.timedelta(days=1)])
    with engine.connect() as connection:
        cells = matrix(connection, name, figure, "69")
        assert cells.select("as_of", "figure", "is_changed").rows() == [
            (DAY, 10, False), (DAY, None, True), (DAY, None, False),
            (DAY + dt.timedelta(days=1), None, False), (DAY + dt.timedelta(days=1), None, False),
        ]  # fmt: skip
        first = cells["known_at"].min()
        assert isinstance(first, dt.datetime)
        assert matrix(connection, name, figure, "69", DAY, first).height == 1
    print_matrix(settings, name, figure, None, None, None, tmp_path / "m.xlsx", None)
    sheet = openpyxl.load_workbook(tmp_path / "m.xlsx").active
    head = next(row for row in range(1, 9) if sheet.cell(row, 1).value == "На дату")
    assert [cell.value for cell in sheet[head + 1]] == [dt.datetime(2023, 9, 8), 10, None, None]  # noqa: DTZ001
    grounds = [sheet.cell(head + 1, column).fill.start_color.rgb for column in (2, 3, 4)]
    assert grounds == ["00000000", "FFFFEB9C", "00000000"]
    asked = ("mart", name, "--matrix", figure)
    assert "10" in (text := profmin(*asked, settings=settings).stdout) and "—*" in text
    rows = json.loads(profmin(*asked, "--format", "json", settings=settings).stdout)
    assert [row["figure"] for row in rows] == [10, None, None, None, None]
    done = profmin("mart", name, "--matrix", "band", settings=settings)
    assert (done.returncode, "показателя «band» нет; есть: actual_pupils" in done.stderr) == (2, True)


def test_every_mart_says_which_of_its_figures_a_matrix_can_show(settings: Settings, engine: sa.Engine) -> None:
    """Slow: every figure of every mart is asked for."""
    publish(engine, "69", [DAY])
    with engine.connect() as connection:
        for name in mart_names():
            for figure in figures_of(name):
                assert matrix(connection, name, figure, "69").height <= 1, (
                    name,
                    figure,
                )  # a school mart has no row of nobody
