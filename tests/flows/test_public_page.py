"""The folder that everybody may read: an attacker with all its bytes tells no small number of the September 2023 region
and two weeks more; and there is none before the region opens it.

Slow: the region is taken in first.
"""

from __future__ import annotations

import csv
import datetime as dt
import io
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from random import Random
from typing import Any

import openpyxl
import pytest
import sqlalchemy as sa
from attacker import IN_ALL, PER_UNIT, REGION, Told, as_published, reckoned, truth
from evidence import copied
from packs import edit, write_pack
from read_pages import DAY, Read, contents

from contracts.regions import read_from, region_named
from flows.home.settings import Settings
from flows.page.after_publish import tell_public, write_site
from flows.page.public_pages import write_public_pages
from warehouse.marts import public_release
from warehouse.marts.public_release import caption_of_public, public_marts
from warehouse.marts.small_numbers import by_itself, is_small
from warehouse.schema.upgrade import connect

WEEK = dt.timedelta(days=7)
DAYS = [DAY, DAY + WEEK, DAY + 2 * WEEK]
MARTS = {mart.name: mart for mart, _ in public_marts()}
PUPILS, STATE, PLAN = "actual_pupils", "actual_pupils_state", "plan_pupils"
WORDS = {"цифра выпуска": "shown", "прежняя цифра": "kept", "скрыта": "hidden", "нет данных": "no_data"}


@pytest.fixture(scope="module")
def packs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The region's pack, which opens what is public."""
    folder = tmp_path_factory.mktemp("packs")
    edit(write_pack(folder / "69-tomsk"), "small_numbers", lambda lines: lines[0].update(is_open="true"))
    return folder


@pytest.fixture
def opened(packs: Path) -> Iterator[None]:
    """That pack is in force."""
    read_from(packs)
    yield
    read_from(None)


@pytest.fixture(scope="module")
def lived(
    databases: Any, region_taken_in: Settings, tmp_path_factory: pytest.TempPathFactory, packs: Path
) -> Iterator[sa.Engine]:
    """Two weeks after the region's own day, with small moves and large ones, a release each."""
    with copied(databases, region_taken_in, tmp_path_factory.mktemp("public") / "home") as made:
        assert made.database_url is not None
        engine = connect(made.database_url.get_secret_value())
        chance, now = Random(3), {unit: told[0] for unit, told in truth(engine, DAY).items() if unit != REGION}
        read_from(packs)
        for day in DAYS:
            if day != DAY:
                now = {unit: max(0, pupils + chance.choice([0, 1, 2, -1, 3, 15, 40])) for unit, pupils in now.items()}
                as_published(engine, DAY, day, now)
            assert tell_public(engine, region_named("69")) == day
        read_from(None)
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def folder(lived: sa.Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    to = tmp_path_factory.mktemp("site")
    assert write_public_pages(lived, region_named("69"), to) > 3 * 9
    return to / "69" / "public"


class Tables(HTMLParser):
    """The tables of a page by their ids, each a list of rows of texts."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self._rows: list[list[str]] = []
        self._is_in_cell, self._is_unseen = False, False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag == "table":
            self._rows = self.tables.setdefault(str(dict(attrs)["id"]), [])
        elif tag == "tr":
            self._rows.append([])
        elif tag in ("td", "th"):
            self._rows[-1].append("")
            self._is_in_cell = True
        elif tag in ("b", "span"):  # signs and words of bands
            self._is_unseen = dict(attrs).get("class") == "unseen" or tag == "b"

    def handle_endtag(self, tag: str) -> None:
        if tag in ("td", "th"):
            self._is_in_cell = False
        self._is_unseen = False

    def handle_data(self, data: str) -> None:
        if self._is_in_cell and not self._is_unseen:
            self._rows[-1][-1] += data.strip()


def by_captions(name: str, table: list[list[str]]) -> list[dict[str, str]]:
    """Rows by the names of their columns, of a table that is headed by captions."""
    columns = {caption_of_public(MARTS[name], each).split(". ")[0].rstrip("."): each
               for each in (*MARTS[name].captions, f"{PUPILS}_as_of", STATE)}  # fmt: skip
    heading, *rows = table
    return [{columns.get(caption, caption): cell for caption, cell in zip(heading, row, strict=True)} for row in rows]


def number(cell: object) -> int | None:
    text = "".join(letter for letter in str(cell) if letter.isdigit())
    return int(text) if text else None


def lines(name: str, rows: list[dict[str, Any]], day: dt.date, units: dict[str, str]) -> list[Told]:
    """What the rows of a file tell of pupils."""
    found = []
    for row in rows:
        place = units[row["reporting_unit_name"]] if name == PER_UNIT else REGION
        state = WORDS.get(row[STATE], row[STATE])
        found.append(Told((day - DAY).days, place, state, number(row[PUPILS]), number(row[PLAN])))
    return found


def read(folder: Path) -> dict[str, list[Told]]:
    """What each kind of file tells of all releases."""
    told: dict[str, list[Told]] = {"csv": [], "xlsx": [], "html": []}
    for day in DAYS:
        root = folder / str(day)
        page = Tables((root / "index.html").read_text(encoding="utf-8")).tables
        as_csv = list(csv.DictReader(io.StringIO((root / f"{PER_UNIT}.csv").read_text(encoding="utf-8"))))
        units = {row["reporting_unit_name"]: row["reporting_unit"] for row in as_csv}
        for name in (PER_UNIT, IN_ALL):
            rows = list(csv.DictReader(io.StringIO((root / f"{name}.csv").read_text(encoding="utf-8"))))
            told["csv"] += lines(name, rows, day, units)
            told["html"] += lines(name, by_captions(name, page[f"{name}-rows"]), day, units)
            sheet = openpyxl.load_workbook(root / f"{name}.xlsx").worksheets[0]
            cells = [["" if value is None else str(value) for value in row] for row in sheet.values]
            heading = next(n for n, row in enumerate(cells) if "Как сообщено" in row)
            end = next((n for n, row in enumerate(cells[heading:], heading) if not any(row[:2])), len(cells))
            told["xlsx"] += lines(name, by_captions(name, cells[heading:end]), day, units)
    return told


def true(engine: sa.Engine) -> dict[int, dict[str, tuple[int, int | None]]]:
    return {(day - DAY).days: truth(engine, day) for day in DAYS}


def test_the_attacker_tells_no_small_number_from_the_files(lived: sa.Engine, folder: Path) -> None:
    """Those for people and those for programs tell the same; some is small, some moved little."""
    found = read(folder)
    assert found["csv"] == found["xlsx"] == found["html"]
    assert len(found["csv"]) == 3 * 22
    assert {each.state for each in found["csv"]} >= {"shown", "kept"}
    assert reckoned(found["csv"], true(lived), 10) == []


def test_no_byte_tells_more_than_these_tables(lived: sa.Engine, folder: Path) -> None:
    """Nothing else lies there, and no row of any file has the number that is not told of it."""
    names = {f"{name}.{kind}" for name in MARTS for kind in ("csv", "xlsx")} | {"index.html"}
    for day in DAYS:
        assert {path.name for path in (folder / str(day)).iterdir()} == names
    assert {path.name for path in folder.iterdir()} == {*map(str, DAYS), "assets", "all.html", "index.html"}
    told = {(each.release, each.place): each for each in read(folder)["csv"]}
    looked = 0
    for day in DAYS:
        shown = {each.value for (release, _), each in told.items() if release == (day - DAY).days}
        for place, (pupils, planned) in truth(lived, day).items():
            if told[(day - DAY).days, place].state in ("shown", "no_data") or pupils < 1000 or pupils in shown:
                continue  # a short number stands for many things
            looked += 1
            for path in (folder / str(day)).iterdir():
                assert str(pupils).encode() not in contents(path.read_bytes()), (place, path.name)
            assert not is_small(pupils, planned, 10) or told[(day - DAY).days, place].value is None
    assert looked


def test_the_attacker_succeeds_where_only_small_numbers_are_hidden(
    region_engine: sa.Engine, opened: None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One unit has three: the region less all others."""
    day = DAY + WEEK
    pupils = {unit: told[0] for unit, told in truth(region_engine, DAY).items() if unit != REGION}
    as_published(region_engine, DAY, day, {**pupils, "kedrovy": 3})
    small = {place: figures for place, figures in truth(region_engine, day).items() if is_small(*figures, 10)}
    assert set(small) == {"kedrovy"}
    alone = lambda figures, _, threshold: {place: by_itself(each, threshold) for place, each in figures.items()}  # noqa: E731
    monkeypatch.setattr(public_release, "states", alone)
    assert tell_public(region_engine, region_named("69")) == day
    write_public_pages(region_engine, region_named("69"), tmp_path)
    monkeypatch.setattr("test_public_page.DAYS", [day])
    assert reckoned(read(tmp_path / "69" / "public")["csv"], {7: truth(region_engine, day)}, 10) == ["kedrovy of 7"]


def test_releases_that_are_written_stay_as_they_are(lived: sa.Engine, folder: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()}
    assert write_public_pages(lived, region_named("69"), folder.parents[1]) == 0
    assert {path: path.stat().st_mtime_ns for path in folder.rglob("*") if path.is_file()} == before
    assert Read(folder / "index.html").leads == [f"{DAYS[-1]}/index.html"]
    assert [each for each in Read(folder / "all.html").leads if each.endswith("index.html")] == [
        f"{day}/index.html" for day in reversed(DAYS)
    ]


def test_nothing_is_public_before_the_region_opens_it(
    region_engine: sa.Engine, region: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("flows.page.site.audiences", lambda *_: [])
    assert tell_public(region_engine, region_named("69")) is None
    write_site(region_engine, region.model_copy(update={"site": tmp_path}), region_named("69"))
    assert not (tmp_path / "69" / "public").exists()
