"""The page of a run: what it tells, that its tables are tables, that it is bounded, and that it names no file."""

from __future__ import annotations

import datetime as dt
import shutil
from dataclasses import replace
from pathlib import Path

import openpyxl
import polars as pl
import sqlalchemy as sa
from packs import REGION

from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.intake.outcome import Outcome
from flows.runs.ingest import ingest
from flows.runs.run_page import MOST, deliveries_section, moves_section, run_page
from flows.runs.summary import Night, told
from warehouse.deliveries.received import start_run
from warehouse.marts.movement import moved
from warehouse.marts.publication import publish
from warehouse.watch.systems import System

DAY = dt.date(2023, 9, 8)


def tables(text: str) -> list[list[list[str]]]:
    """The Markdown tables of a page: rows of cells, heading first; each must be one."""
    found: list[list[list[str]]] = []
    lines = text.split("\n")
    for number, line in enumerate(lines):
        if line.startswith("|"):
            cells = line.replace("\\|", "¦").strip("|").split("|")
            if not lines[number - 1].startswith("|"):
                assert lines[number - 1] == "" or lines[number - 1].startswith("#")
                assert set(lines[number + 1]) <= set("|-: "), lines[number + 1]
                found.append([])
            found[-1].append([cell.strip() for cell in cells])
    for table in found:
        assert len({len(row) for row in table}) == 1, table[0]
    return found


def headed(text: str, heading: str) -> list[list[str]]:
    (found,) = tables(text.split(f"## {heading}\n", 1)[1].split("\n## ", 1)[0])
    return found


def test_the_page_of_a_region(settings: Settings, engine: sa.Engine, region_inbox: Path) -> None:
    outcomes = tuple(ingest([region_inbox], Options(), settings))
    with engine.connect() as connection:
        text = run_page(connection, Night(REGION, DAY, (DAY,), outcomes), 1, settings.outbox)
    assert len(tables(text)) == 5
    systems = headed(text, "Системы мониторинга")[2:]
    assert systems[0] == ["Готовность", "школ с верным отчётом", "244 из 285", "85,6 %", "школ без отчёта 23", "🟢"]
    assert [row[0] for row in systems] == ["Готовность", "Регистрация"]
    assert "Данных нет: Уровни, Охват, Часы," in text
    readiness = {row[0]: row[1:6] for row in headed(text, "Готовность")}
    assert readiness["Асиновский муниципальный район"] == ["12", "4", "0", "8", "33,3 %"]
    assert headed(text, "Регистрация")[-1][1:4] == [
        "11\N{NO-BREAK SPACE}254",
        "4\N{NO-BREAK SPACE}828",
        "6\N{NO-BREAK SPACE}427",
    ]
    files = headed(text, "Файлы и квитанции")[2:]
    assert len(files) == 26 and [row[2] for row in files] == ["принято частично"] * 9 + ["принято"] * 17
    for row, outcome in zip(files, sorted(outcomes, key=lambda each: each.verdict == "accepted"), strict=True):
        assert row[3:5] == [f"`{settings.outbox / outcome.place}`", f"`profmin receipt {outcome.sha256[:8]}`"]
        assert Path(row[3].strip("`")).is_dir()
    assert "сравнить не с чем" in text and "Открытых инцидентов нет." in text and "`profmin logs 1`" in text
    assert not [outcome.file for outcome in outcomes if outcome.file in text], "a file may be named after a person"


def test_what_a_run_moved(region: Settings, region_engine: sa.Engine, tmp_path: Path) -> None:
    (report,) = [path for path in region.inbox.rglob("*.xlsx") if path.parent.name == "kolpashevsky"]
    folder = tmp_path / "kolpashevsky"
    folder.mkdir()
    shutil.copy(report, folder)
    book = openpyxl.load_workbook(folder / report.name)
    sheet = book.worksheets[0]
    row = next(cell.row for (cell,) in sheet.iter_rows(max_col=1) if cell.value == "691207")
    sheet.delete_rows(row)  # this school has no report now
    book.save(folder / report.name)
    again = ingest([folder / report.name], Options(sender="kolpashevsky", form="readiness_report"), region)
    assert [outcome.verdict for outcome in again] == ["accepted"]
    with region_engine.connect() as connection:
        found = moved(connection, 2)
        assert moved(connection, 1).is_empty() and moved(connection, 99).is_empty()
    assert found.select("as_of", "before_as_of", "name", "metric", "before", "after").rows() == [
        (DAY, DAY, "Колпашевский муниципальный район", "accepted", 15, 14),
        (DAY, DAY, "Колпашевский муниципальный район", "missing", 0, 1),
    ]
    page = "\n".join(moves_section(found))
    assert tables(page)[0][2:] == [
        ["08.09.2023", "Колпашевский муниципальный район", "Верный отчёт", "15", "14", "−1"],
        ["08.09.2023", "Колпашевский муниципальный район", "Не представлен отчёт", "0", "1", "+1"],
    ]


def test_a_new_date_is_compared_with_the_date_before(region_engine: sa.Engine) -> None:
    """A year later there is no campaign yet: what is not known is no zero."""
    with region_engine.begin() as connection:
        number = start_run(connection, "nightly", region="69")
    publish(region_engine, "69", [dt.date(2023, 9, 1), dt.date(2024, 9, 2)], number)
    with region_engine.connect() as connection:
        found = moved(connection, number)
    assert set(found["as_of"]) == {dt.date(2024, 9, 2)} and set(found["before_as_of"]) == {DAY}
    asked = found.filter(name="Колпашевский муниципальный район", metric="accepted")
    assert asked.select("before", "after").rows() == [(15, None)]


def test_it_is_bounded_and_survives_odd_names(settings: Settings) -> None:
    rows = {
        "as_of": [DAY] * (MOST + 5), "before_as_of": [dt.date(2023, 9, 7)] * (MOST + 5),
        "mart": ["registration_by_municipality"] * (MOST + 5), "name": ["Город | Томск"] * (MOST + 5),
        "metric": ["actual_pupils"] * (MOST + 5), "before": [None, *[1] * (MOST + 4)], "after": [5] * (MOST + 5),
    }  # fmt: skip
    text = "\n".join(moves_section(pl.DataFrame(rows)))
    (table,) = tables(text)
    assert len(table) == MOST + 2 and "… и ещё 5." in text
    assert table[2] == ["08.09.2023", "Город ¦ Томск", "Факт", "— (07.09.2023)", "5", ""]
    assert table[3][3:] == ["1 (07.09.2023)", "5", "+4"]
    many = [Outcome(f"{number}.xlsx", f"{number:064x}", failure="why") for number in range(MOST + 7)]
    text = "\n".join(deliveries_section(many, settings.outbox))
    assert len(tables(text)[0]) == MOST + 2 and "… и ещё 7." in text
    assert tables(text)[0][2][:5] == ["отправитель не узнан", "форма не узнана", "сбой у нас", "—", "—"]


def test_a_system_without_a_figure_is_told_where_something_is_wanting_for_one() -> None:
    words = "единиц с программами; программ {programmes}"
    catalogues = System("catalogues", "Каталоги", words, {"programmes": 3}, None, None, None, None, None, 3,
                        "без территории {}")  # fmt: skip
    assert catalogues.is_known
    assert told(catalogues) == ("Каталоги", "единиц с программами; программ 3", "—", "—", "без территории 3")
    assert not replace(catalogues, lacks=None).is_known
