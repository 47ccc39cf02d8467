"""`profmin page`: whole addresses that stay, every link and file there, each audience with its own alone.

Slow: the region is taken in first, and the pages of a region and of a unit are written.
"""

from __future__ import annotations

import datetime as dt
import html
import re
import zipfile
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import unquote

import openpyxl
import polars as pl
import pytest
import sqlalchemy as sa
from evidence import copied, picked, take_in

from contracts.regions import region_named
from contracts.texts import page_words
from contracts.texts.figures import percent, whole
from documents.demo import tomsk
from documents.demo.exports import register as register_file
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.page import frame, table_pages
from flows.page.addresses import built
from flows.page.after_publish import write_site
from flows.page.site import build_site
from flows.presentation.region_deck import NotPublished
from flows.runs.decide import decide_and_publish
from flows.runs.ingest import ingest
from warehouse.marts.publication import publish
from warehouse.marts.published import mart
from warehouse.schema.upgrade import connect

if TYPE_CHECKING:
    from conftest import Run

DAY = dt.date(2023, 9, 8)
OWN, NEIGHBOUR = "molchanovsky", "bakcharsky"
PLANTED = 7654321
"""A figure that only the neighbour has."""
PROCESSES: tuple[Literal[1, 2], ...] = (1, 2)
MARKED = re.compile(rb"<!--standing-->.*?<!--/standing-->")


class Read(HTMLParser):
    """What a page has: ids, where it leads, its tables, what it says."""

    def __init__(self, page: Path) -> None:
        super().__init__()
        self.ids: list[str] = []
        self.leads: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self.feed(page.read_text(encoding="utf-8"))

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = dict(attrs)
        self.tags.append((tag, found))
        if found.get("id"):
            self.ids.append(str(found["id"]))
        self.leads += [str(found[name]) for name in ("href", "src") if found.get(name)]

    def handle_data(self, data: str) -> None:
        self.text.append(data.strip())

    def count(self, tag: str) -> int:
        return sum(1 for name, _ in self.tags if name == tag)


@pytest.fixture(scope="module")
def lived(databases: Any, region_taken_in: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    """The region, in which the neighbour has a figure that nobody else has."""
    with copied(databases, region_taken_in, tmp_path_factory.mktemp("page") / "home") as made:
        assert made.database_url is not None
        engine = connect(made.database_url.get_secret_value())
        with engine.begin() as connection:
            planted = "UPDATE history.readiness_by_municipality SET missing = :planted WHERE reporting_unit = :unit"
            connection.execute(sa.text(planted), {"planted": PLANTED, "unit": NEIGHBOUR})
        yield engine
        engine.dispose()


@pytest.fixture(scope="module")
def site(lived: sa.Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the region and of a unit."""
    folder = tmp_path_factory.mktemp("site")
    done = build_site(lived, region_named("69"), folder, units=["", OWN])
    assert (done.address.as_of, done.audiences) == (DAY, 2)
    return folder / "69"


def pages(folder: Path) -> list[Path]:
    return sorted(folder.rglob("*.html"))


def address(folder: Path) -> Path:
    """The only address of an audience."""
    (note,) = folder.glob("*/*/publication.json")
    return note.parent


def contents(path: Path) -> bytes:
    """The bytes of a file, and of what is packed in it."""
    data = path.read_bytes()
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as packed:
            return data + b"".join(packed.read(name) for name in packed.namelist())
    return data


def test_every_link_and_file_is_there(site: Path) -> None:
    links_lead_somewhere(site)


def test_a_table_that_is_too_long_has_its_csv_alone(
    lived: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (frame, table_pages):
        monkeypatch.setattr(module, "MOST_ROWS", 5)
    build_site(lived, region_named("69"), tmp_path, units=[OWN])
    links_lead_somewhere(tmp_path / "69")
    table = address(tmp_path / "69" / OWN) / "table"
    assert (table / "school_profile.csv").is_file()
    assert not (table / "school_profile.xlsx").exists()
    assert "school_profile.xlsx" not in Read(table / "school_profile.html").leads
    assert (table / "readiness_by_municipality.xlsx").is_file()


def links_lead_somewhere(site: Path) -> None:
    read = {page: Read(page) for page in pages(site)}
    for page, found in read.items():
        for lead in found.leads:
            path, _, fragment = unquote(lead).partition("#")
            there = (page.parent / path).resolve() if path else page
            assert there.is_relative_to(site), (page, lead)
            assert there.is_file(), (page, lead)
            assert not fragment or fragment in (read.get(there) or Read(there)).ids, (page, lead)


def test_pages_are_built_to_be_read_by_everybody(site: Path) -> None:
    for page in pages(site):
        found = Read(page)
        assert dict(found.tags)["html"] == {"lang": "ru"}, page
        assert found.count("h1") == found.count("main") == 1, page
        assert len(found.ids) == len(set(found.ids)), page
        assert found.count("table") == found.count("caption") == found.count("thead"), page
        assert all(told.get("scope") in ("col", "row") for tag, told in found.tags if tag == "th"), page
        assert all(told.get("aria-labelledby") for tag, told in found.tags if tag == "section"), page
        if page.name not in ("all.html",) and "meta" in dict(found.tags) and page.parent.parent != site:
            assert "#main" in found.leads, page


def test_the_first_screen_says_what_the_marts_say(site: Path, lived: sa.Engine) -> None:
    text = Read(address(site / "region") / "index.html").text
    with lived.connect() as connection:
        systems = mart(connection, "region_profile", DAY, None, "69")
    for row in systems.filter(pl.col("figure").is_not_null()).iter_rows(named=True):
        assert row["system_title"] in text
        assert whole(row["figure"]) in text
        assert percent(row["figure_rate"]) in text
    assert "зелёная" in " ".join(text)


def test_a_unit_sees_nothing_of_its_neighbour(site: Path, lived: sa.Engine) -> None:
    """Neither a figure of the neighbour nor a school of his is in any byte of the folder; the region has both."""
    with lived.connect() as connection:
        cards = mart(connection, "school_profile", DAY, None, "69").filter(pl.col("reporting_unit") == NEIGHBOUR)
    told = [str(PLANTED), whole(PLANTED), *cards["school_code"], *cards["school_name"]]
    own, region = (b"".join(map(contents, filter(Path.is_file, (site / name).rglob("*")))) for name in (OWN, "region"))
    assert len(told) > 10
    for words in told:
        assert words.encode() not in own, words
    assert str(PLANTED).encode() in region
    assert all(code.encode() in region for code in cards["school_code"])


def test_no_pupil_is_named(site: Path) -> None:
    names = {" ".join(str(name).split()[:2]) for name in tomsk().pupils["full_name"].head(500)}
    assert len(names) > 100
    everything = b"".join(map(contents, filter(Path.is_file, site.rglob("*"))))
    assert [name for name in names if name.encode() in everything] == []


def test_a_school_is_found_in_three_steps_with_how_to_mend_it(site: Path, lived: sa.Engine) -> None:
    """First screen → schools → school; the one with a wrong report says what its rules say."""
    with lived.connect() as connection:
        reports = mart(connection, "readiness_by_school", DAY, None, "69")
    row = reports.filter((pl.col("reporting_unit") == OWN) & (pl.col("status") == "rejected")).row(0, named=True)
    root = address(site / OWN)
    assert "schools.html" in Read(root / "index.html").leads
    assert f"school/{row['school_code']}.html" in Read(root / "schools.html").leads
    text = " ".join(Read(root / "school" / f"{row['school_code']}.html").text)
    assert row["school_name"] in text
    assert row["reasons"] in text
    assert page_words()["mend_readiness"]["ru"] in text


def test_old_addresses_keep_their_figures_and_say_that_they_are_old(lived: sa.Engine, tmp_path: Path) -> None:
    region = region_named("69")
    build_site(lived, region, tmp_path, units=[OWN])
    folder = tmp_path / "69" / OWN
    old = address(folder)
    before = {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}
    assert b'class="standing"' in before[old / "index.html"]
    assert build_site(lived, region, tmp_path, units=[OWN]).files == 0  # nothing is new
    publish(lived, "69", [DAY])  # the planted figure goes
    new = build_site(lived, region, tmp_path, units=[OWN]).address
    assert folder / new.path != old
    for path, data in before.items():
        if path.suffix == ".html":
            assert MARKED.sub(b"", path.read_bytes()).replace(b"standing old", b"standing") == MARKED.sub(b"", data), (
                path
            )
        elif path.name != "publication.json":
            assert path.read_bytes() == data
    said = " ".join(Read(old / "index.html").text)
    assert page_words()["is_superseded"]["ru"] in said
    assert f"../../{new.path}/index.html" in Read(old / "index.html").leads
    assert page_words()["is_newest"]["ru"] in " ".join(Read(folder / new.path / "index.html").text)
    assert Read(folder / "index.html").leads == [f"{new.path}/index.html"]
    assert {f"{new.path}/index.html", f"{old.parent.name}/{old.name}/index.html"} <= set(
        Read(folder / "all.html").leads
    )


def test_an_address_that_was_broken_off_is_written_again(lived: sa.Engine, tmp_path: Path) -> None:
    build_site(lived, region_named("69"), tmp_path, units=[OWN])
    root = address(tmp_path / "69" / OWN)
    whole_page = (root / "schools.html").read_bytes()
    (root / "publication.json").unlink()
    (root / "schools.html").write_bytes(b"half")
    (root / "tables.html").unlink()
    build_site(lived, region_named("69"), tmp_path, units=[OWN])
    assert (root / "schools.html").read_bytes() == whole_page
    assert (root / "tables.html").is_file()
    assert address(tmp_path / "69" / OWN) == root


def test_what_was_not_published_has_no_page(
    settings: Settings, engine: sa.Engine, tmp_path: Path, profmin: Run
) -> None:
    with pytest.raises(NotPublished):
        build_site(engine, region_named("69"), tmp_path)
    done = profmin("page", "--to", tmp_path / "a", settings=settings)
    assert (done.returncode, "ничего не опубликовано" in done.stderr) == (2, True)
    done = profmin("page", "--unit", "x", settings=settings)
    assert (done.returncode, "единицы «x» нет" in done.stderr or "«x»" in done.stderr) == (2, True)


def test_a_form_says_who_sent_what_is_broken_and_in_which_cells_it_is_read(site: Path, lived: sa.Engine) -> None:
    found = Read(address(site / OWN) / "form" / "readiness_report.html")
    text = " ".join(found.text)
    with lived.connect() as connection:
        failures = mart(connection, "rule_failures", DAY, None, "69")
    own = failures.filter((pl.col("sender") == OWN) & (pl.col("form") == "readiness_report"))
    assert own.height > 0
    assert all(row["what"] in text for row in own.head(15).iter_rows(named=True))
    (lead,) = [lead for lead in found.leads if lead.startswith("#d")]
    assert lead[1:] in found.ids
    assert re.search(r": (?:[^ ]+!)?[A-Z]{1,2}\d+ ", text)
    assert len([identity for identity in found.ids if re.fullmatch(r"d\d+", identity)]) == 1  # his document alone


def test_the_workbook_beside_a_table_has_its_columns(site: Path) -> None:
    """What stands aside in a workbook by itself, codes and moments, is in the csv."""
    table = address(site / OWN) / "table" / "school_profile"
    headings = re.findall(r'<th scope="col"[^>]*>(.*?)</th>', table.with_suffix(".html").read_text(encoding="utf-8"))
    sheet = openpyxl.load_workbook(table.with_suffix(".xlsx")).worksheets[0]
    lines = [[cell for cell in line if cell is not None] for line in sheet.iter_rows(values_only=True)]
    assert [html.unescape(heading) for heading in headings] in lines
    assert not any(column.hidden for column in sheet.column_dimensions.values())
    assert "school_code" in table.with_suffix(".csv").read_text(encoding="utf-8").splitlines()[0]


def test_two_processes_write_what_one_does(lived: sa.Engine, tmp_path: Path) -> None:
    units = [OWN, NEIGHBOUR, "kedrovy", "asinovsky"]
    one, two = (
        build_site(lived, region_named("69"), tmp_path / str(processes), units=units, processes=processes).files
        for processes in PROCESSES
    )
    assert one == two > 100
    written = [path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*") if path.is_file()]
    assert len(written) == one + len(units)  # and the notes
    for path in written:
        assert (tmp_path / "2" / path).read_bytes() == (tmp_path / "1" / path).read_bytes(), path


def test_what_one_of_two_processes_cannot_write_is_no_site(lived: sa.Engine, tmp_path: Path) -> None:
    """Whoever of the two comes to it."""
    (tmp_path / "69").mkdir()
    (tmp_path / "69" / "asinovsky").write_text("no folder")
    with pytest.raises((OSError, RuntimeError)):
        build_site(lived, region_named("69"), tmp_path, units=[OWN, NEIGHBOUR, "kedrovy", "asinovsky"])


def test_lines_have_a_chart_and_a_table_a_unit(site: Path) -> None:
    assert Read(address(site / "region") / "lines.html").count("svg") == 22
    own = Read(address(site / OWN) / "lines.html")
    assert own.count("svg") == own.count("table") == 1


def test_a_publication_writes_the_page_where_the_home_says_so(region: Settings, tmp_path: Path) -> None:
    """Without a folder nothing is written; one that cannot be written is logged and stops nothing."""
    assert region.database_url is not None
    engine = connect(region.database_url.get_secret_value())
    write_site(engine, region, region_named("69"))
    assert list(tmp_path.rglob("index.html")) == []
    (tmp_path / "file").touch()
    write_site(engine, region.model_copy(update={"site": tmp_path / "file"}), region_named("69"))
    write_site(engine, region.model_copy(update={"site": tmp_path / "site"}), region_named("69"))
    engine.dispose()
    audiences = sorted(path.parent.name for path in tmp_path.glob("site/69/*/index.html"))
    assert len(audiences) == 22
    assert {"region", OWN, NEIGHBOUR} < set(audiences)


def test_what_is_taken_in_by_hand_and_what_an_officer_decides_writes_the_page(
    settings: Settings, region_files: Path, tmp_path: Path
) -> None:
    home = settings.model_copy(update={"site": tmp_path / "site"})
    of_region = tmp_path / "site" / "69" / "region"
    take_in(home, *picked(region_files, "department/Реестр", "kedrovy").values())
    (first,) = built(of_region)
    region = tomsk()
    gone = region.schools.filter(pl.col("subordination") == "kedrovy")["school_code"][0]
    object.__setattr__(region, "schools", region.schools.filter(pl.col("school_code") != gone))
    less = home.inbox / "department" / "Реестр школ 2023-09-01 исправлено.xlsx"
    less.parent.mkdir(exist_ok=True)
    less.write_bytes(register_file(region))
    (held,) = ingest([less], Options(), home)
    assert (held.verdict, len(built(of_region))) == ("held", 2), "that it waits is told too"
    assert held.delivery_id is not None
    decide_and_publish(home, held.delivery_id, "current", "Офицер", "Школа закрыта.")
    assert [each.as_of for each in built(of_region)] == [first.as_of] * 3
    assert {gone} == {path.stem for path in (of_region / first.path / "school").glob("*")} - {
        path.stem for path in (of_region / max(built(of_region)).path / "school").glob("*")
    }
