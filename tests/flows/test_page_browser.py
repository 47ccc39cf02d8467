"""The page in a real browser, Debian's Chromium: no violation that axe-core finds, by keyboard, without a script, on a
phone, on paper.

Slow: the region is taken in first, its pages are written, and a browser opens them.
"""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from evidence import copied

from contracts.regions import region_named
from flows.home.settings import Settings
from flows.page.site import build_site
from warehouse.schema.upgrade import connect

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="Debian's chromium is not installed: apt-get install chromium")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"]
OWN, NEIGHBOUR = "molchanovsky", "bakcharsky"
WIDTHS = {"desktop": 1280, "tablet": 820, "phone": 390}
KINDS = ("index.html", "schools.html", f"unit/{OWN}.html", "tables.html", "table/delivery_health.html",
         "table/municipality_profile.html", "school")  # fmt: skip


@pytest.fixture(scope="module")
def roots(databases: Any, region_taken_in: Settings, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The newest address of the region and of two units."""
    folder = tmp_path_factory.mktemp("browsed")
    with copied(databases, region_taken_in, tmp_path_factory.mktemp("browsed-home") / "home") as made:
        assert made.database_url is not None
        engine = connect(made.database_url.get_secret_value())
        build_site(engine, region_named("69"), folder, units=["", OWN, NEIGHBOUR])
        engine.dispose()
    return {path.parents[2].name: path.parent for path in (folder / "69").glob("*/*/*/publication.json")}


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as player:
        opened = player.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def page(browser: Any) -> Iterator[Any]:
    """A page of a reader who was never here."""
    context = browser.new_context(viewport={"width": WIDTHS["desktop"], "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def plain_page(browser: Any) -> Iterator[Any]:
    """A page of a browser that runs no script."""
    context = browser.new_context(java_script_enabled=False)
    yield context.new_page()
    context.close()


def of_kind(root: Path, kind: str) -> str:
    """The address of a page of a kind; of schools the first one."""
    path = root / kind
    return (min(path.iterdir()) if path.is_dir() else path).as_uri()


@pytest.mark.parametrize("kind", KINDS)
def test_axe_finds_nothing(page: Any, roots: dict[str, Path], kind: str) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for width in (WIDTHS["desktop"], WIDTHS["phone"]):
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(of_kind(roots[OWN], kind))
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


def test_axe_finds_nothing_on_the_map_and_the_list_of_addresses(page: Any, roots: dict[str, Path]) -> None:
    from axe_playwright_python.sync_playwright import Axe

    for path in (roots["region"] / "index.html", roots["region"].parents[1] / "all.html"):
        page.goto(path.as_uri())
        found = Axe().run(page)
        assert found.violations_count == 0, found.generate_report()


@pytest.mark.parametrize("kind", KINDS)
def test_a_phone_needs_no_sideways_scrolling(page: Any, roots: dict[str, Path], kind: str) -> None:
    page.set_viewport_size({"width": WIDTHS["phone"], "height": 800})
    page.goto(of_kind(roots[OWN], kind))
    assert page.evaluate("document.documentElement.scrollWidth") <= WIDTHS["phone"]


@pytest.mark.parametrize("unit", [OWN, NEIGHBOUR])
def test_a_clerk_finds_his_red_school_in_three_clicks_and_no_other(
    plain_page: Any, roots: dict[str, Path], unit: str
) -> None:
    """Without a script: address, schools, the school that has something to mend, which says how."""
    page, other = plain_page, {OWN: NEIGHBOUR, NEIGHBOUR: OWN}[unit]
    page.goto((roots[unit].parents[1] / "index.html").as_uri())
    page.wait_for_url("**/index.html")
    page.get_by_role("navigation").get_by_role("link", name="Школы").click()
    assert page.locator("tbody tr").first.locator(".amber, .red").count() >= 1, "who has something to mend stands first"
    page.locator("tbody tr", has=page.locator(".amber, .red")).first.locator("th a").click()
    assert page.locator("#mend ~ ol li").count() >= 1
    assert f"{unit}@example.invalid" in page.content()
    theirs = {path.stem for path in (roots[other] / "school").iterdir()}
    assert theirs.isdisjoint(path.stem for path in (roots[unit] / "school").iterdir())
    assert not [name for name in theirs if name in page.content()]


def test_the_map_is_there_without_a_script_and_by_the_chosen_figure(plain_page: Any, roots: dict[str, Path]) -> None:
    plain_page.goto((roots["region"] / "index.html").as_uri())
    shown = plain_page.locator(".one-map:visible")
    assert shown.count() == 1
    assert shown.locator("li").count() == 21
    plain_page.get_by_label("Регистрация", exact=True).check()
    assert plain_page.locator(".one-map:visible").get_attribute("id") == "map-registration"


def test_a_table_is_sorted_and_filtered_and_both_are_remembered(page: Any, roots: dict[str, Path]) -> None:
    page.goto((roots["region"] / "table" / "readiness_by_municipality.html").as_uri())
    heading = page.locator("#rows thead th", has_text="Школ").first
    place = page.evaluate("(cell) => cell.cellIndex", heading.element_handle())

    def column() -> list[int]:
        cells = page.locator("#rows tbody tr:visible").evaluate_all(
            "(rows, at) => rows.map((r) => r.cells[at].innerText)", place
        )
        return [int(re.sub(r"\D", "", text)) for text in cells]

    heading.get_by_role("button").focus()
    page.keyboard.press("Enter")
    assert column() == sorted(column())
    assert heading.get_attribute("aria-sort") == "ascending"
    page.keyboard.press("Enter")
    assert column() == sorted(column(), reverse=True)
    page.get_by_role("searchbox").fill("Томск")
    few = column()
    assert 0 < len(few) < 21
    page.reload()
    assert column() == few


def test_english_is_a_switch_that_is_remembered(page: Any, roots: dict[str, Path]) -> None:
    page.goto((roots[OWN] / "index.html").as_uri())
    page.get_by_role("button", name="English").click()
    assert page.get_by_role("navigation").inner_text().split()[:2] == ["First", "look"]
    page.goto((roots[OWN] / "schools.html").as_uri())
    assert "Schools" in page.get_by_role("navigation").inner_text()
    page.get_by_role("button", name="Русский").click()
    assert "Школы" in page.get_by_role("navigation").inner_text()


def test_english_has_titles_and_columns(page: Any, roots: dict[str, Path]) -> None:
    page.goto((roots["region"] / "table" / "readiness_by_municipality.html").as_uri())
    page.get_by_role("button", name="English").click()
    assert page.get_by_role("heading", level=1).inner_text() == "Readiness by municipality"
    assert "Accepted rate" in page.locator("#rows thead").inner_text()
    assert page.locator("#rows caption").inner_text() == "Readiness by municipality"


def test_a_figure_leads_to_its_definition_and_opens_it(page: Any, roots: dict[str, Path]) -> None:
    page.goto((roots["region"] / "index.html").as_uri())
    page.locator('a[href="table/readiness_by_municipality.html#accepted"]').click()
    assert page.locator("dt#accepted").is_visible()
    assert page.locator("dt#accepted + dd").inner_text().startswith("Верный")


def test_the_first_key_skips_to_the_contents(page: Any, roots: dict[str, Path]) -> None:
    page.goto((roots[OWN] / "index.html").as_uri())
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.id") == "main"


def test_a_unit_is_one_sheet_of_paper(page: Any, roots: dict[str, Path]) -> None:
    page.goto(of_kind(roots[OWN], f"unit/{OWN}.html"))
    printed = page.pdf(format="A4", prefer_css_page_size=True)
    assert len(re.findall(rb"/Type\s*/Page\b", printed)) == 1


def test_downloads_are_what_they_say(page: Any, roots: dict[str, Path], tmp_path: Path) -> None:
    page.goto((roots[OWN] / "table" / "school_profile.html").as_uri())
    for ending, begins in (("xlsx", b"PK"), ("csv", b"region,")):
        with page.expect_download() as taken:
            page.get_by_role("link", name=ending, exact=True).click()
        taken.value.save_as(tmp_path / ending)
        assert (tmp_path / ending).read_bytes().startswith(begins)
