"""`profmin page`: whole addresses that stay, every link and file there, each audience with its own alone.

Slow: the region is taken in first, and the pages of a region and of a unit are written.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote

import openpyxl
import polars as pl
import pytest
import sqlalchemy as sa
from read_pages import DAY, NEIGHBOUR, OWN, PLANTED, Read, address, everything, pages, planted

from contracts.regions import region_named
from contracts.texts import page_words
from contracts.texts.figures import percent, whole
from documents.demo import tomsk
from flows.home.settings import Settings
from flows.page import frame, table_pages
from flows.page.site import build_site
from flows.presentation.region_deck import NotPublished
from warehouse.marts.published import mart

if TYPE_CHECKING:
    from conftest import Run


@pytest.fixture(scope="module")
def lived(databases: Any, region_taken_in: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    with planted(databases, region_taken_in, tmp_path_factory.mktemp("page") / "home") as engine:
        yield engine


@pytest.fixture(scope="module")
def site(lived: sa.Engine, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of the region and of a unit."""
    folder = tmp_path_factory.mktemp("site")
    done = build_site(lived, region_named("69"), folder, units=["", OWN])
    assert (done.address.as_of, done.audiences) == (DAY, 2)
    return folder / "69"


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


def test_a_figure_of_the_first_screen_leads_to_what_it_is_and_a_share_to_of_what_it_is_one(site: Path) -> None:
    for folder in ("region", OWN):
        root = address(site / folder)
        leads = Read(root / "index.html").leads
        mart = "table/readiness_by_municipality.html"
        assert {f"{mart}#accepted", f"{mart}#schools", f"{mart}#rate-accepted_rate"} <= set(leads)
        definition = (root / mart).read_text(encoding="utf-8").partition('<li id="rate-accepted_rate">')[2]
        assert definition.partition("</li>")[0].startswith("Доля")
        assert (f"{mart}#row-{OWN}" in leads) == (folder == OWN), "its own share leads to its own row"
    assert f"../{mart}#row-{OWN}" in Read(address(site / "region") / "unit" / f"{OWN}.html").leads


def test_the_clerk_is_told_what_is_red_at_his_own(site: Path, lived: sa.Engine) -> None:
    with lived.connect() as connection:
        units = mart(connection, "municipality_profile", DAY, None, "69").filter(pl.col("reporting_unit") == OWN)
        cards = mart(connection, "school_profile", DAY, None, "69").filter(pl.col("reporting_unit") == OWN)
    text = " ".join(Read(address(site / OWN) / "index.html").text)
    red = [name.removesuffix("_band") for name in units.columns if name.endswith("_band") and units[name][0] == "red"]
    assert len(red) > 0
    for system in red:
        share = percent(units[f"{system}_figure_rate"][0])
        assert re.search(rf"Красная полоса: [^:]+: {re.escape(share)}", text)
    assert f"Школ, где есть что поправить: {cards.filter(pl.col('systems_wanting') > 0).height}" in text


def test_a_unit_sees_nothing_of_its_neighbour(site: Path, lived: sa.Engine) -> None:
    """Neither a figure of the neighbour nor a school of his is in any byte of the folder; the region has both."""
    with lived.connect() as connection:
        cards = mart(connection, "school_profile", DAY, None, "69").filter(pl.col("reporting_unit") == NEIGHBOUR)
    told = [str(PLANTED), whole(PLANTED), *cards["school_code"], *cards["school_name"]]
    own, region = (everything(site / name) for name in (OWN, "region"))
    assert len(told) > 10
    for words in told:
        assert words.encode() not in own, words
    assert str(PLANTED).encode() in region
    assert all(code.encode() in region for code in cards["school_code"])


def test_no_pupil_is_named(site: Path) -> None:
    names = {" ".join(str(name).split()[:2]) for name in tomsk().pupils["full_name"].head(500)}
    assert len(names) > 100
    assert {".xlsx", ".csv", ".html", ".pptx"} <= {path.suffix for path in site.rglob("*")}
    found = everything(site)
    assert [name for name in names if name.encode() in found] == []


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
    text = table.with_suffix(".html").read_text(encoding="utf-8")
    headings = re.findall(r'<th scope="col"[^>]*><span [^>]*>(.*?)</span></th>', text)
    sheet = openpyxl.load_workbook(table.with_suffix(".xlsx")).worksheets[0]
    lines = [[cell for cell in line if cell is not None] for line in sheet.iter_rows(values_only=True)]
    assert [html.unescape(heading) for heading in headings] in lines
    assert not any(column.hidden for column in sheet.column_dimensions.values())
    assert "school_code" in table.with_suffix(".csv").read_text(encoding="utf-8").splitlines()[0]


def test_lines_have_a_chart_and_a_table_a_unit(site: Path) -> None:
    assert Read(address(site / "region") / "lines.html").count("svg") == 22
    own = Read(address(site / OWN) / "lines.html")
    assert own.count("svg") == own.count("table") == 1
    written = (address(site / OWN) / "lines.html").read_text(encoding="utf-8")
    assert "Прогноза выполнения плана нет: недель для прогноза мало." in written
    assert re.search(r"Последняя выгрузка — за \d\d\.\d\d\.\d{4}\.", written)
    assert "Что изменило с прежней выгрузки" in written
