"""What the documents name is there: files, folders, and headings that a link leads to."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest
from decisions import ENTRY, PAGE, anchor, with_index
from house import PACKAGES, ROOT

PAGES = tuple(
    path.relative_to(ROOT)
    for path in (*sorted(ROOT.glob("*.md")), *sorted(ROOT.glob("docs/*.md")), *sorted(ROOT.glob("contracts/**/*.md")))
    if path.name != "CHANGELOG.md"  # tells what was
)
FOLDERS = (*PACKAGES, "tests", "docs", "deployments", "benchmarks")
FILE = re.compile(r"[\w<>*-]+\.(?:py|sql|csv|md|yaml|toml|lock)")
OF_A_HOME = {"routing.csv", "destroyed.csv"}
"""Files that lie in `PROFMIN_HOME`, or in a folder of keys."""
PLACEHOLDER = re.compile(r"<\w+>|\b[A-Z]+(?=\.\w+$)")
LINK = re.compile(r"\[[^\]]+\]\(([^)\s:]+)\)")
"""Within the project: an address elsewhere has a colon."""


@cache
def files() -> frozenset[str]:
    """Names of the files of the project."""
    names = {path.name for folder in FOLDERS for path in (ROOT / folder).rglob("*")}
    return frozenset(names | {path.name for path in ROOT.iterdir()})


def named(text: str) -> Iterator[str]:
    """The words of code spans and code blocks that are places of the project, or names of its files."""
    for code in re.findall(r"```.*?```|`[^`]+`", text, re.DOTALL):
        for word in code.strip("`").split():
            place = word.strip(".,;:()«»\"'")
            if FILE.fullmatch(place) or (place.split("/")[0] in FOLDERS and "/" in place):
                yield place


def is_there(place: str) -> bool:
    pattern = PLACEHOLDER.sub("*", place)
    return place in OF_A_HOME or place in files() or any(ROOT.glob(pattern.rstrip("/")))


@pytest.mark.parametrize("page", [page for page in PAGES if page.name != "new_form.md"], ids=str)
def test_places_that_a_page_names_are_there(page: Path) -> None:
    """The tutorial names files that its reader writes: `tests/test_tutorial.py` writes them."""
    text = (ROOT / page).read_text(encoding="utf-8")
    assert [place for place in named(text) if not is_there(place)] == []


def anchors(page: Path) -> set[str]:
    """What a link may name after `#`, as GitHub makes it of headings."""
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {anchor(heading) for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=str)
def test_links_lead_somewhere(page: Path) -> None:
    wrong = []
    for link in LINK.findall((ROOT / page).read_text(encoding="utf-8")):
        place, _, anchor = link.partition("#")
        target = (ROOT / page).parent / place if place else ROOT / page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            wrong.append(link)
    assert wrong == []


def test_a_place_that_is_gone_is_found() -> None:
    text = "as in `flows/nowhere.py`, `decision.py` and `tests/golden/<form>/<case>/`"
    assert [place for place in named(text) if not is_there(place)] == ["flows/nowhere.py"]


def test_decisions_have_an_index_of_their_own() -> None:
    """`python tests/decisions.py` writes it. Every decision is in it: a heading under a subject, then its day."""
    text = PAGE.read_text(encoding="utf-8")
    assert text == with_index(text)
    titles = re.findall(r"^### (.+)$", text, re.MULTILINE)
    assert ENTRY.findall(text) == titles
    assert len(set(titles)) == len(titles)
    assert re.findall(r"^\*\*\d{4}.*$", text, re.MULTILINE) == [], "a decision is a heading under its subject"


def test_every_condition_of_incidents_has_a_row_for_who_is_asked() -> None:
    page = (ROOT / "docs" / "operate.md").read_text(encoding="utf-8")
    told = {name for row in re.findall(r"^\| (`.*?) \|", page, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)}
    with (ROOT / "contracts" / "texts" / "incidents.csv").open(encoding="utf-8", newline="") as file:
        assert {row["condition"] for row in csv.DictReader(file)} - told == set()
