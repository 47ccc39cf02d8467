"""`profmin deck`: every figure on the slides is that of `profmin mart`; `--known-at` brings back an old deck."""

from __future__ import annotations

import datetime as dt
import io
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
import sqlalchemy as sa
from packs import write_pack
from pptx import Presentation
from pptx.dml.color import RGBColor

from contracts.regions import read_from, region_named
from contracts.texts import word_of
from contracts.texts.figures import percent, whole
from flows.cli.deck_command import write_slides
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.incoming import Options
from flows.presentation.region_deck import make_deck
from flows.presentation.slide_data import lines
from flows.presentation.slide_layouts import LAYOUTS
from flows.runs.ingest import ingest
from warehouse.marts.publication import publish
from warehouse.marts.published import mart, mart_named, mart_names
from warehouse.schema.upgrade import upgrade
from warehouse.watch.systems import systems_at

if TYPE_CHECKING:
    from conftest import Run

DAY = dt.date(2023, 9, 8)


def texts(deck: bytes) -> list[str]:
    """Every text of a deck: of shapes, tables, charts and notes."""
    found = []
    for slide in Presentation(io.BytesIO(deck)).slides:
        for shape in slide.shapes:
            if shape.has_table:
                found += [cell.text for row in shape.table.rows for cell in row.cells]
            elif shape.has_chart:
                found += [f"{series.name} {list(series.values)}" for series in shape.chart.plots[0].series]
            elif shape.has_text_frame:
                found.append(shape.text_frame.text)
        found.append(slide.notes_slide.notes_text_frame.text if slide.has_notes_slide else "")
    return found


def rows_of(deck: bytes, title: str) -> list[dict[str, str]]:
    """The rows of the tables of the slides with a title."""
    found: list[dict[str, str]] = []
    for slide in Presentation(io.BytesIO(deck)).slides:
        if (slide.shapes.title.text_frame.text if slide.shapes.title else "").startswith(title):
            for shape in slide.shapes:
                if shape.has_table:
                    heading, *rows = [[cell.text for cell in row.cells] for row in shape.table.rows]
                    found += [dict(zip(heading, row, strict=True)) for row in rows]
    return found


def test_every_line_of_the_slides_has_a_layout_and_columns_that_are_there() -> None:
    for line in lines():
        assert line.layout in (*LAYOUTS, "state"), line.slide
        if line.mart:
            assert line.mart in mart_names(), line.slide
            columns = set(mart_named(line.mart).columns)
            asked = {*line.columns, *line.chart, *([line.by.partition("=")[0]] if line.by else [])}
            assert asked <= columns, line.slide


def test_figures_on_the_slides_are_those_of_the_marts(region: Settings, region_engine: sa.Engine) -> None:
    """Slow: the region is taken in first."""
    with region_engine.connect() as connection:
        day, deck = make_deck(connection, region_named("69"))
        ready = mart(connection, "readiness_by_municipality", region="69")
        registered = mart(connection, "registration_by_municipality", region="69")
        systems = systems_at(connection, "69", day)
        levels = mart(connection, "level_coverage", region="69")
        wrong = mart(connection, "control_totals", region="69").filter(pl.col("verdict") == "disagrees")
    shown = rows_of(deck, "Мониторинг готовности")
    assert [row["Отчётная единица"] for row in shown] == [*ready["reporting_unit_name"], "Итого по региону"]
    for caption, column in {"Школ": "schools", "Верный отчёт": "accepted", "Неверный отчёт": "rejected",
                            "Не представлен отчёт": "missing"}.items():  # fmt: skip
        assert [row[caption] for row in shown] == [*map(whole, ready[column]), whole(ready[column].sum())]
    total = percent(ready["accepted"].sum() / ready["schools"].sum())
    assert [row["Доля верных отчётов"] for row in shown] == [*map(percent, ready["accepted_rate"]), total]
    shown = rows_of(deck, "Мониторинг регистрации")
    assert [row["План"] for row in shown[:-1]] == [*map(whole, registered["plan_pupils"])]
    assert shown[-1] == {"Отчётная единица": "Итого по региону", "План": whole(11254), "Факт": whole(4828),
                         "Доля выполнения": "42,9 %", "Недобор": whole(6427), "Сверх плана": "1"}  # fmt: skip
    shown = rows_of(deck, "Уровни и охват")
    assert [row["Школ"] for row in shown[:-1]] == [*map(whole, levels["schools"])]
    shown = rows_of(deck, "Профминимум: что известно")
    assert [(row["Система"], row["Есть"], row["Доля"]) for row in shown] == [
        (each.name, whole(each.figure), percent(each.rate)) for each in systems
    ]
    assert len(rows_of(deck, "Что не сходится")) == wrong.height
    first, *_, last = rows_of(deck, "Профориентационный минимум")
    assert first["Базовый уровень"] == "4"
    assert [last[f"{word_of('level', level).capitalize()} уровень"] for level in ("basic", "main", "advanced")] == [
        "40", "60", "80",
    ]  # fmt: skip
    told = texts(deck)
    assert sum("Томская область · на 08.09.2023 · известно на " in text for text in told) == len(
        Presentation(io.BytesIO(deck)).slides
    )
    assert any("mart.readiness_by_municipality_as_known('2023-09-08'" in text and "доставки " in text for text in told)


def test_known_at_brings_back_the_deck_that_was_shown(
    region: Settings, region_engine: sa.Engine, tmp_path: Path
) -> None:
    """Slow: the region is taken in first. What was published wrongly then is shown as it was."""
    with region_engine.begin() as connection:
        connection.execute(sa.text("UPDATE history.readiness_by_municipality SET accepted = 1 WHERE position = 1"))
    written = tmp_path / "then.pptx"
    write_slides(region, None, None, written, None)
    with region_engine.connect() as connection:
        then = connection.scalar(sa.text("SELECT max(published_at) FROM ops.publication"))
    assert isinstance(then, dt.datetime)
    publish(region_engine, "69", [DAY])
    publish(region_engine, "69", [DAY + dt.timedelta(days=1)])
    write_slides(region, DAY, None, tmp_path / "now.pptx", None)
    write_slides(region, None, then, tmp_path / "again.pptx", None)
    assert texts((tmp_path / "again.pptx").read_bytes()) == texts(written.read_bytes())
    assert (tmp_path / "again.pptx").read_bytes() == written.read_bytes()
    files = (written, tmp_path / "now.pptx")
    was, now = (rows_of(file.read_bytes(), "Мониторинг готовности")[0] for file in files)
    assert (was["Верный отчёт"], now["Верный отчёт"]) == ("1", "6")


def test_a_region_of_which_nobody_has_said_anything_has_slides_that_say_so(
    settings: Settings, engine: sa.Engine, profmin: Run, tmp_path: Path
) -> None:
    done = profmin("deck", "--to", tmp_path / "a.pptx", settings=settings)
    assert (done.returncode, "ничего не опубликовано" in done.stderr) == (2, True)
    publish(engine, "69", [DAY])
    done = profmin("deck", "--to", tmp_path / "a.pptx", settings=settings)
    assert (done.returncode, done.stdout) == (0, "")
    told = texts((tmp_path / "a.pptx").read_bytes())
    assert "Данных на эту дату нет." in told
    assert "Раньше ничего не публиковали: сравнить не с чем." in told


def test_a_pack_has_a_master_of_its_own(settings: Settings, engine: sa.Engine, tmp_path: Path) -> None:
    pack = write_pack(tmp_path / "packs" / "69-own")
    (pack / "deck.pptx").write_bytes(b"no")
    read_from(tmp_path / "packs")
    try:
        upgrade(engine)
        publish(engine, "69", [DAY])
        with pytest.raises(UsageError, match=r"deck\.pptx: это не презентация"):
            write_slides(settings, None, None, tmp_path / "a.pptx", None)
        own = Presentation()
        own.save(str(pack / "deck.pptx"))
        write_slides(settings, None, None, tmp_path / "a.pptx", None)
        assert Presentation(str(tmp_path / "a.pptx")).slide_layouts[0].name == "Title Slide"
    finally:
        read_from(None)


def test_rows_of_a_small_mart_are_a_slide_and_what_waits_for_a_decision_is_grey(
    settings: Settings, engine: sa.Engine, tmp_path: Path
) -> None:
    """Slow: two documents are taken in. A measure without a tick is told as not known where a slide has none."""
    golden = Path(__file__).parents[1] / "golden"
    for form in ("admissions", "preparatory_measures"):
        asked = Options(form=form, sender="department", as_of=DAY)
        described = (golden / form / "as_printed" / "delivery.csv").read_text(encoding="utf-8")
        (tmp_path / f"{form}.csv").write_text(described.replace("'", ""), encoding="utf-8")
        ingest([tmp_path / f"{form}.csv"], asked, settings)
    publish(engine, "69", [DAY])
    with engine.connect() as connection:
        _, deck = make_deck(connection, region_named("69"))
        years = mart(connection, "admissions_by_year", DAY, region="69")
        measures = mart(connection, "preparation_measures", DAY, region="69")
    assert years["year"].to_list() == [2019, 2020, 2021, 2022]
    shown = rows_of(deck, "Навигатор профессий")
    assert [row["Год приёма"] for row in shown] == ["2019", "2020", "2021", "2022"]
    assert [row["Заявлений"] for row in shown] == [*map(whole, years["applications"])]
    grey = [
        shape.table.cell(number, 0).fill.fore_color.rgb == RGBColor(0xE7, 0xE6, 0xE6)
        for slide in Presentation(io.BytesIO(deck)).slides
        for shape in slide.shapes
        if shape.has_table and shape.table.cell(0, 0).text == "Год приёма"
        for number in range(1, 5)
    ]
    assert grey == years["in_question"].to_list()
    assert any(grey) and not all(grey)
    shown = rows_of(deck, "Организационно-подготовительные")
    assert [row["Мера"] for row in shown] == measures["measure"].to_list()
    assert [row["Состояние"] for row in shown] == [
        word_of("measure_status", code) for code in measures["measure_status"]
    ]
