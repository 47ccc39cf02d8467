"""The page and the deck of the country: all systems, a map of the regions, each region's row with its own page.

Slow: two regions are published, and a third is in force that never sent anything.
"""

from __future__ import annotations

import csv
import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from packs import write_regions
from pptx import Presentation

from contracts.regions import packs_in, read_from
from contracts.regions.shipped_packs import copy_pack, offered
from contracts.vocabulary import rows
from flows.cli.deck_command import write_slides
from flows.cli.page_command import write_pages
from flows.home.settings import Settings
from flows.home.usage import UsageError
from warehouse.marts.publication import publish
from warehouse.schema.upgrade import connect, upgrade

DAY = dt.date(2023, 9, 8)
NEXT = DAY + dt.timedelta(days=1)


@pytest.fixture(scope="module")
def home(databases: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Settings]:
    """A home of three regions: of one the day and the next are published, of one the day, of one nothing."""
    folder = tmp_path_factory.mktemp("country")
    packs = write_regions(folder / "packs")
    copy_pack(offered()["67"], packs)
    with databases.fresh() as url:
        read_from(packs)
        made = Settings(home=folder / "home", database_url=url, regions=packs)
        made.prepare()
        engine = connect(url)
        try:
            upgrade(engine)
            publish(engine, "69", [DAY, NEXT])
            publish(engine, "39", [DAY])
            with engine.begin() as connection:  # one figure, so that a map has something to show
                connection.execute(
                    sa.text(
                        "UPDATE history.readiness_by_municipality SET schools = 10, accepted = 7 WHERE position = 1"
                    )
                )
                connection.execute(  # of which nothing came was known by then
                    sa.text("UPDATE ref.contract_version SET listed_at = '2023-09-01 00:00Z' WHERE region = '67'")
                )
        finally:
            engine.dispose()
        yield made
        read_from(None)


@pytest.fixture(scope="module")
def site(home: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The page of the country beside that of one of its regions, of which here only the first file is there."""
    folder = tmp_path_factory.mktemp("site")
    own = folder / "39" / "region" / "index.html"
    own.parent.mkdir(parents=True)
    own.write_text("a region", encoding="utf-8")
    write_pages(home, None, None, None, folder, None, country=True)
    return folder


def page_in(site: Path) -> Path:
    (found,) = (site / "country").glob("*/*/index.html")
    return found


def test_the_first_screen_has_every_system_and_every_region(site: Path) -> None:
    page = page_in(site)
    text = page.read_text(encoding="utf-8")
    assert page.parents[1].name == NEXT.isoformat()
    assert "Опубликовали за неделю 2 из 3 регионов, за сам этот день 1" in text and "Нет: Севастополь" in text
    systems = re.search(r'id="systems-table".*?</table>', text, re.DOTALL)
    regions = re.search(r'id="regions-table".*?</table>', text, re.DOTALL)
    assert systems and regions
    assert all(row["title"] in systems[0] for row in rows("systems"))
    assert systems[0].count("<tr>") == len(rows("systems")) + 1
    assert regions[0].count("<tr>") == 3 + 1
    assert '<a href="../../../39/region/index.html">Янтарный край</a>' in regions[0]
    assert (page.parent / "../../../39/region/index.html").resolve().is_file()
    assert "Томская область" in regions[0] and "69/region" not in text, "it has no page of its own here yet"
    leads = (site / "country" / "index.html").read_text(encoding="utf-8")
    assert page.relative_to(site / "country").as_posix() in leads


def test_the_map_has_a_tile_for_every_region_of_the_country(site: Path) -> None:
    text = page_in(site).read_text(encoding="utf-8")
    tiles = re.search(r'id="map-readiness".*?</ol>', text, re.DOTALL)
    assert tiles
    assert tiles[0].count("<li ") == len(rows("region_tiles")) + 1 == 90, "and one for who is not on it"
    assert "70,0 %" in tiles[0] and "нет данных" in tiles[0]
    places = [(row["row"], row["column"]) for row in rows("region_tiles")]
    assert len(set(places)) == len({row["region"] for row in rows("region_tiles")}) == 89
    shipped = {region.code for path in set(offered().values()) for region in packs_in(path.parent)}
    assert shipped <= {row["region"] for row in rows("region_tiles")}


def test_its_tables_come_as_files(site: Path) -> None:
    folder = page_in(site).parent
    with (folder / "national_regions.csv").open(encoding="utf-8-sig", newline="") as file:
        told = {line["region_code"]: line for line in csv.DictReader(file)}
    assert {code: line["region_as_of"] for code, line in told.items()} == {
        "39": DAY.isoformat(), "67": "", "69": NEXT.isoformat(),
    }  # fmt: skip
    book = openpyxl.load_workbook(folder / "national_systems.xlsx", read_only=True)
    assert "Россия" in str(list(book.worksheets[0].iter_rows(values_only=True))[:4])


def test_the_deck_tells_systems_regions_and_how_sure_it_is(home: Settings, site: Path, tmp_path: Path) -> None:
    write_slides(home, None, None, tmp_path / "a.pptx", None, country=True)
    assert (tmp_path / "a.pptx").read_bytes() == (page_in(site).parent / "deck.pptx").read_bytes()
    slides = list(Presentation(str(tmp_path / "a.pptx")).slides)
    titles = [slide.shapes.title.text for slide in slides]
    assert titles[0].endswith("Россия") and titles[-1] == "Насколько полны и окончательны эти слайды"
    assert {"Страна: что известно по каждой системе", "Регионы по системам"} <= set(titles)
    told = [cell.text for slide in slides for shape in slide.shapes if shape.has_table
            for row in shape.table.rows for cell in row.cells]  # fmt: skip
    assert {"Янтарный край", "Томская область", "Севастополь", "08.09.2023", "09.09.2023", "70,0 %"} <= set(told)


def test_of_what_is_not_there_it_is_said(home: Settings, tmp_path: Path) -> None:
    for asked in (
        lambda: write_pages(home, None, DAY - dt.timedelta(days=30), None, tmp_path, None, country=True),
        lambda: write_slides(home, DAY - dt.timedelta(days=30), None, tmp_path / "b.pptx", None, country=True),
    ):
        with pytest.raises(UsageError, match="nothing of that date"):
            asked()
    for asked in (
        lambda: write_pages(home, None, None, None, tmp_path, "39", country=True),
        lambda: write_slides(home, None, None, None, "39", country=True),
    ):
        with pytest.raises(UsageError, match="of all regions"):
            asked()
