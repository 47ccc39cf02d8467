"""What the page of the demo's region costs: all audiences, against writing the same files without thinking.

    python -m benchmarks.pages [--repeat 3]

The floor writes each page and csv as it is, and the cells of each workbook by xlsxwriter alone: no database, no
formats, one process. Seconds are of the wall and of the processors; the second process is counted, Postgres is not.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import openpyxl
import xlsxwriter
from sqlalchemy import Engine

from contracts.regions import region_named
from flows.home.connection import warehouse
from flows.home.settings import Settings
from flows.page.site import build_site

Spent = tuple[float, float]


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeat", type=int, default=3)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home, sites = Path(folder) / "home", Path(folder) / "sites"
        command = [sys.executable, "-m", "flows.cli.app", "demo"]
        subprocess.run(
            command, env={**os.environ, "PROFMIN_HOME": str(home)}, stdout=subprocess.DEVNULL, check=False
        )  # its code says that rows were quarantined
        with warehouse(Settings(home=home)) as engine:
            measured(engine, sites, asked.repeat)


def measured(engine: Engine, sites: Path, repeat: int) -> None:
    """Build and write in turn, and print the medians."""
    floors, works = [], []
    for turn in range(repeat):
        site = sites / str(turn)
        works.append(spent(lambda site=site: build_site(engine, region_named("69"), site)))  # type: ignore[misc]
        books, others = read(site)
        floors.append(spent(lambda books=books, others=others: write_plainly(sites / "floor", books, others)))  # type: ignore[misc]
    print(f"the page of the demo: {len(others)} pages and files, {len(books)} workbooks, {repeat} turns")
    for name, place in (("wall", 0), ("processors", 1)):
        floor, work = (statistics.median(each[place] for each in of) for of in (floors, works))
        print(f"    {name:10} floor {floor:6.2f} s   ours {work:6.2f} s   ratio {work / floor:5.2f}", flush=True)


def spent(work: Callable[[], object]) -> Spent:
    """Seconds of the wall and of the processors that a piece of work took."""
    before, began = os.times(), time.perf_counter()
    work()
    after = os.times()
    return time.perf_counter() - began, sum(after[:4]) - sum(before[:4])


def read(site: Path) -> tuple[dict[Path, list[tuple[object, ...]]], dict[Path, bytes]]:
    """The cells of the workbooks, the bytes of the other files; of the slides too, which are drawn in the floor by
    nobody."""
    books, others = {}, {}
    for path in site.rglob("*"):
        if path.suffix == ".xlsx":
            (sheet,) = openpyxl.load_workbook(path).worksheets
            books[path.relative_to(site)] = list(sheet.iter_rows(values_only=True))
        elif path.is_file():
            others[path.relative_to(site)] = path.read_bytes()
    return books, others


def write_plainly(to: Path, books: dict[Path, list[tuple[object, ...]]], others: dict[Path, bytes]) -> None:
    """Write the same."""
    for path in {*books, *others}:
        (to / path).parent.mkdir(parents=True, exist_ok=True)
    for path, data in others.items():
        (to / path).write_bytes(data)
    for path, rows in books.items():
        with xlsxwriter.Workbook(to / path, {"in_memory": True, "remove_timezone": True}) as book:
            sheet = book.add_worksheet()
            for number, row in enumerate(rows):
                sheet.write_row(number, 0, row)


if __name__ == "__main__":
    main()
