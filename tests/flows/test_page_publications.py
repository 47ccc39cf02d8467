"""The page and publications: each writes it, old addresses stay, nobody finds what is not his in any folder.

Slow: the region is taken in first, and the pages of all its audiences are written.
"""

from __future__ import annotations

import datetime as dt
import re
import sys
import time
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

import polars as pl
import pytest
import sqlalchemy as sa
from evidence import picked, take_in
from read_pages import DAY, NEIGHBOUR, OWN, PLANTED, Read, address, everything, plant, planted

from contracts.regions import region_named
from contracts.texts import page_words
from contracts.texts.figures import whole
from documents.demo import tomsk
from documents.demo.exports import register as register_file
from flows.home.faults import LOGGER
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.page import site
from flows.page.addresses import Told, built
from flows.page.after_publish import write_site
from flows.page.frame import Frame
from flows.page.made_of import DRAWN_BY, Page, program
from flows.page.page_audience import Seen
from flows.page.site import build_site
from flows.runs.decide import decide_and_publish
from flows.runs.ingest import ingest
from warehouse.marts.publication import publish
from warehouse.marts.published import mart

PROCESSES: tuple[Literal[1, 2], ...] = (1, 2)
DRAFT = ".0123456789abcdef"
"""What a build leaves that is killed while it writes a file."""
MARKED = re.compile(rb"<!--standing-->.*?<!--/standing-->")


@pytest.fixture(scope="module")
def lived(databases: Any, region_taken_in: Settings, tmp_path_factory: pytest.TempPathFactory) -> Iterator[sa.Engine]:
    with planted(databases, region_taken_in, tmp_path_factory.mktemp("published") / "home") as engine:
        yield engine


def test_two_processes_write_what_one_does(lived: sa.Engine, tmp_path: Path) -> None:
    units = [OWN, NEIGHBOUR, "kedrovy", "asinovsky"]
    one, two = (
        build_site(lived, region_named("69"), tmp_path / str(processes), units=units, processes=processes).files
        for processes in PROCESSES
    )
    assert one == two > 100
    written = [path.relative_to(tmp_path / "1") for path in (tmp_path / "1").rglob("*") if path.is_file()]
    assert len(written) == one + 2 * len(units)  # and the notes
    for path in written:
        assert (tmp_path / "2" / path).read_bytes() == (tmp_path / "1" / path).read_bytes(), path


def test_what_one_of_two_processes_cannot_write_is_no_site(lived: sa.Engine, tmp_path: Path) -> None:
    """Whoever of the two comes to it."""
    (tmp_path / "69").mkdir()
    (tmp_path / "69" / "asinovsky").write_text("no folder")
    with pytest.raises(OSError):
        build_site(lived, region_named("69"), tmp_path, units=[OWN, NEIGHBOUR, "kedrovy", "asinovsky"])


@pytest.mark.parametrize(
    ("second", "why"),
    [("exit 3", "it ended with 3"), ("read of; read unit; echo 'OSError: No space left on device'", "No space left")],
)
def test_what_a_second_process_leaves_that_fails_the_first_writes(
    lived: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, second: str,
    why: str,
) -> None:  # fmt: skip
    """Nobody stays with the page of before, and the log says why it failed."""
    program = tmp_path / "program"
    program.write_text(f"#!/bin/sh\n{second}\n")
    program.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(program))
    monkeypatch.setattr(LOGGER, "propagate", True)
    units = [OWN, NEIGHBOUR, "kedrovy", "asinovsky"]
    done = build_site(lived, region_named("69"), tmp_path / "site", units=units)
    for unit in units:
        assert Read(tmp_path / "site" / "69" / unit / "index.html").leads == [f"{done.address.path}/index.html"]
    assert why in caplog.text


def test_old_addresses_keep_their_figures_and_say_that_they_are_old(region_engine: sa.Engine, tmp_path: Path) -> None:
    region = region_named("69")
    plant(region_engine, NEIGHBOUR)
    build_site(region_engine, region, tmp_path, units=[OWN])
    folder = tmp_path / "69" / OWN
    old = address(folder)
    before = {path: path.read_bytes() for path in old.rglob("*") if path.is_file()}
    assert b'class="standing"' in before[old / "index.html"]
    assert build_site(region_engine, region, tmp_path, units=[OWN]).files == 0  # nothing is new
    (old / DRAFT).write_bytes(b"of a build that was killed while it told standings")
    publish(region_engine, "69", [DAY])  # the planted figure goes
    new = build_site(region_engine, region, tmp_path, units=[OWN]).address
    assert folder / new.path != old
    for path, data in before.items():
        if path.suffix == ".html":
            assert MARKED.sub(b"", path.read_bytes()).replace(b"standing old", b"standing") == MARKED.sub(b"", data), (
                path
            )
        elif path.name != "publication.json":
            assert path.read_bytes() == data
    assert not (old / DRAFT).exists()
    said = " ".join(Read(old / "index.html").text)
    assert page_words()["is_superseded"]["ru"] in said
    assert f"../../{new.path}/index.html" in Read(old / "index.html").leads
    assert page_words()["is_newest"]["ru"] in " ".join(Read(folder / new.path / "index.html").text)
    assert Read(folder / "index.html").leads == [f"{new.path}/index.html"]
    assert {f"{new.path}/index.html", f"{old.parent.name}/{old.name}/index.html"} <= set(
        Read(folder / "all.html").leads
    )


def test_what_a_publication_did_not_change_is_not_drawn_again(
    region_engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """And what is taken over is what would be drawn."""
    units = ["", OWN, NEIGHBOUR]
    plant(region_engine, NEIGHBOUR)
    build_site(region_engine, region_named("69"), tmp_path / "site", units=units)
    olds = {unit: address(tmp_path / "site" / "69" / (unit or "region")) for unit in units}
    publish(region_engine, "69", [DAY])  # the planted figure goes
    drawn = watched(monkeypatch)
    done = build_site(region_engine, region_named("69"), tmp_path / "site", units=units)
    again = list(drawn)
    fresh = build_site(region_engine, region_named("69"), tmp_path / "fresh", units=units)
    assert done.address == fresh.address
    assert len(again) < (len(drawn) - len(again)) / 2
    for unit, old in olds.items():
        new = old.parents[1] / done.address.path
        for path in (path for path in new.rglob("*") if path.is_file()):
            place = path.relative_to(new)
            data = path.read_bytes()
            assert data == (tmp_path / "fresh" / new.relative_to(tmp_path / "site") / place).read_bytes(), path
            if path.suffix == ".csv":
                assert (old / place).samefile(path) == ((old / place).read_bytes() == data), path
        assert (unit, "table/readiness_by_municipality.html") in again or unit == OWN
        assert (unit, "table/level_coverage.html") not in again
    assert not [path for _, path in again if path.startswith("school/")], "what is planted is no school's"


def watched(monkeypatch: pytest.MonkeyPatch) -> list[tuple[str, str]]:
    """The pages that are drawn from now on: whose, and where."""
    drawn: list[tuple[str, str]] = []
    draw = Frame.draw

    def seen(frame: Frame, path: str, *told: Any, **values: Any) -> bytes:
        drawn.append((frame.audience.unit, path))
        return draw(frame, path, *told, **values)

    monkeypatch.setattr(Frame, "draw", seen)
    return drawn


def test_what_another_version_drew_is_drawn_again(
    region_engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Pages, and the files beside them: none is a link to one that the version before wrote."""
    drawn = watched(monkeypatch)
    old, new = tmp_path / "69" / OWN, tmp_path / "69" / OWN
    old /= build_site(region_engine, region_named("69"), tmp_path, units=[OWN]).address.path
    first = sorted(drawn)
    publish(region_engine, "69", [DAY])
    monkeypatch.setattr("flows.page.frame.program", lambda _: "upgraded")
    new /= build_site(region_engine, region_named("69"), tmp_path, units=[OWN]).address.path
    assert sorted(drawn[len(first) :]) == first
    files = [path.relative_to(old) for path in old.rglob("*") if path.is_file()]
    assert {".csv", ".xlsx", ".html"} <= {path.suffix for path in files}
    assert [path for path in files if (old / path).samefile(new / path)] == []


@pytest.mark.parametrize("library", DRAWN_BY)
def test_another_version_of_a_library_that_writes_is_another_program(
    monkeypatch: pytest.MonkeyPatch, library: str
) -> None:
    pack = region_named("69").folder
    now = program.__wrapped__(pack)
    assert program.__wrapped__(pack) == now
    monkeypatch.setattr("flows.page.made_of.version", lambda name: "99" if name == library else version(name))
    assert program.__wrapped__(pack) != now


def test_builds_of_one_region_take_turns_and_tell_of_what_was_published_meanwhile(
    region_engine: sa.Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The second begins while the first writes an address that is not the newest any more."""
    drawn = site._pages
    later: list[Future[site.Built]] = []
    waits = sa.text("SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND NOT granted)")

    def pages(seen: Seen, told: Told) -> Iterator[Page]:
        if not later:
            publish(region_engine, "69", [DAY])
            later.append(pool.submit(build_site, region_engine, region_named("69"), tmp_path, units=[OWN]))
            with region_engine.connect() as connection:
                while not later[0].done() and not connection.scalar(waits):
                    time.sleep(0.05)
        return drawn(seen, told)

    monkeypatch.setattr(site, "_pages", pages)
    with ThreadPoolExecutor(1) as pool:
        first = build_site(region_engine, region_named("69"), tmp_path, units=[OWN]).address
        assert built(tmp_path / "69" / OWN)[first].startswith("superseded")
        second = later[0].result().address
    told = {each: standing.split()[0] for each, standing in built(tmp_path / "69" / OWN).items()}
    assert told == {first: "superseded", second: "newest"}


def test_an_address_that_was_broken_off_is_written_again(lived: sa.Engine, tmp_path: Path) -> None:
    build_site(lived, region_named("69"), tmp_path, units=[OWN])
    root = address(tmp_path / "69" / OWN)
    whole_page = (root / "schools.html").read_bytes()
    (root / "publication.json").unlink()
    (root / "schools.html").write_bytes(b"half")
    (root / "tables.html").unlink()
    for place in (root, root.parents[1], root.parents[1] / "assets"):
        (place / DRAFT).write_bytes(b"half, a minute ago")
    build_site(lived, region_named("69"), tmp_path, units=[OWN])
    assert (root / "schools.html").read_bytes() == whole_page
    assert (root / "tables.html").is_file()
    assert address(tmp_path / "69" / OWN) == root
    assert list((tmp_path / "69").rglob(DRAFT)) == []


def test_corrections_of_other_dates_are_told(region_engine: sa.Engine, tmp_path: Path) -> None:
    publish(region_engine, "69", [DAY + dt.timedelta(days=1)])
    plant(region_engine, OWN)
    publish(region_engine, "69", [DAY, DAY + dt.timedelta(days=1)])  # of the first date it is corrected
    done = build_site(region_engine, region_named("69"), tmp_path, units=[OWN, NEIGHBOUR])
    assert done.address.as_of == DAY + dt.timedelta(days=1)
    own, other = (Read(address(tmp_path / "69" / unit) / "table" / "corrections.html") for unit in (OWN, NEIGHBOUR))
    assert "others" in own.ids
    assert {f"{DAY:%d.%m.%Y}", str(PLANTED)} <= set(own.text)
    assert "others" not in other.ids


@pytest.fixture(scope="module")
def whole_site(lived: sa.Engine, region_taken_in: Settings, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The pages of all audiences, as a publication writes them."""
    folder = tmp_path_factory.mktemp("whole")
    write_site(lived, region_taken_in.model_copy(update={"site": folder}), region_named("69"))
    return folder / "69"


def test_a_publication_writes_the_page_where_the_home_says_so(
    lived: sa.Engine, whole_site: Path, region_taken_in: Settings, tmp_path: Path
) -> None:
    """Without a folder nothing is written; one that cannot be written is logged and stops nothing."""
    write_site(lived, region_taken_in, region_named("69"))
    assert list(tmp_path.rglob("index.html")) == []
    (tmp_path / "file").touch()
    write_site(lived, region_taken_in.model_copy(update={"site": tmp_path / "file"}), region_named("69"))
    audiences = sorted(path.parent.name for path in whole_site.glob("*/index.html"))
    assert len(audiences) == 22
    assert {"region", OWN, NEIGHBOUR} < set(audiences)


def test_in_no_byte_of_any_folder_is_a_pupil_or_a_neighbours_figure(whole_site: Path, lived: sa.Engine) -> None:
    with lived.connect() as connection:
        cards = mart(connection, "school_profile", DAY, None, "69").select("school_code", "reporting_unit")
    pupils = {" ".join(str(name).split()[:2]) for name in tomsk().pupils["full_name"].head(200)}
    told = [str(PLANTED).encode(), whole(PLANTED).encode()]
    for folder in sorted(whole_site.iterdir()):
        found = everything(folder)
        assert not [name for name in pupils if name.encode() in found], folder.name
        sees_planted = folder.name in ("region", NEIGHBOUR)
        assert any(each in found for each in told) == sees_planted, folder.name
        if folder.name != "region":
            theirs = cards.filter(pl.col("reporting_unit") != folder.name)["school_code"]
            assert not [code for code in theirs if f"school/{code}.html".encode() in found], folder.name


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
    (held,) = ingest([less], Options(), settings)
    assert (held.verdict, list(built(of_region))) == ("held", [first]), "whose home says of no folder"
    assert held.delivery_id is not None
    decide_and_publish(home, held.delivery_id, "current", "Офицер", "Школа закрыта.")
    assert [each.as_of for each in built(of_region)] == [first.as_of] * 2
    assert {gone} == {path.stem for path in (of_region / first.path / "school").glob("*")} - {
        path.stem for path in (of_region / max(built(of_region)).path / "school").glob("*")
    }
