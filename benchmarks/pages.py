"""What the page of the demo's region costs: all audiences, against writing the same files without thinking; then what
it costs again when nothing was published, and when a publication changed one unit.

    python -m benchmarks.pages [--repeat 3] [--home FOLDER]

The floor writes each page and csv as it is, and the cells of each workbook by xlsxwriter alone: no database, no
formats, one process. Seconds are of the wall and of the processors, the second process and Postgres among them. The
home is one of the demo; without it one is made, which takes longer than all else.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import openpyxl
import xlsxwriter
from sqlalchemy import Engine, text

from contracts.regions import region_named
from flows.home.connection import warehouse
from flows.home.settings import Settings
from flows.page.site import build_site
from warehouse.marts.publication import publish

Spent = tuple[float, float, float]
LAST = "SELECT max(as_of) FROM ops.publication WHERE region = '69'"
PLANT = """
UPDATE history.readiness_by_municipality SET missing = missing + 1
WHERE region = '69' AND reporting_unit = 'asinovsky' AND as_of = :day AND replaced_at = 'infinity'
"""


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--repeat", type=int, default=3)
    arguments.add_argument("--home", type=Path)
    asked = arguments.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        home = asked.home or Path(folder) / "home"
        if asked.home is None:
            command = [sys.executable, "-m", "flows.cli.app", "demo"]
            subprocess.run(
                command, env={**os.environ, "PROFMIN_HOME": str(home)}, stdout=subprocess.DEVNULL, check=False
            )  # its code says that rows were quarantined
        settings = Settings(home=home)
        with warehouse(settings) as engine:
            measured(engine, Server(settings.pgdata), Path(folder) / "sites", asked.repeat)


def measured(engine: Engine, server: Server, sites: Path, repeat: int) -> None:
    """Build and write in turn, and print the medians."""
    region = region_named("69")
    turns: dict[str, list[Spent]] = {}
    files: dict[str, int] = {}
    for turn in range(repeat):
        site = sites / str(turn)

        def build(site: Path = site) -> int:
            return build_site(engine, region, site).files

        def note(name: str, work: Callable[[], int]) -> None:
            files[name], spent = server.spent(work)
            turns.setdefault(name, []).append(spent)

        plant(engine)
        note("first", build)
        books, others = read(site)
        note("floor", lambda books=books, others=others: write_plainly(sites / "floor", books, others))  # type: ignore[misc]
        note("nothing changed", build)
        with engine.connect() as connection:
            day = connection.scalar(text(LAST))
        publish(engine, "69", [day])
        note("one unit changed", build)
    print(f"the page of the demo: {len(others)} pages and files, {len(books)} workbooks, {repeat} turns")
    floor = median(turns["floor"])
    for name in ("floor", "first", "nothing changed", "one unit changed"):
        wall, processors, postgres = median(turns[name])
        print(
            f"    {name:17} wall {wall:6.2f} s   processors {processors:6.2f} s, of them Postgres {postgres:5.2f} s"
            f"   ratio {processors / floor[1]:5.2f}   files {files[name]}",
            flush=True,
        )


def median(spent: Sequence[Spent]) -> Spent:
    """Of each kind of seconds."""
    wall, processors, postgres = (statistics.median(each) for each in zip(*spent, strict=True))
    return wall, processors, postgres


def plant(engine: Engine) -> None:
    """Let a unit have been published with a figure that the next publication takes back."""
    with engine.begin() as connection:
        connection.execute(text(PLANT), {"day": connection.scalar(text(LAST))})


class Server:
    """The embedded server, and what its processes spend."""

    def __init__(self, pgdata: Path) -> None:
        self._postmaster = int((pgdata / "postmaster.pid").read_text().split()[0])

    def spent(self, work: Callable[[], int]) -> tuple[int, Spent]:
        """What a piece of work returns; its seconds of the wall, of the processors, and of them those of Postgres."""
        before, server, began = os.times(), self._seconds(), time.perf_counter()
        files = work()
        wall, after = time.perf_counter() - began, os.times()
        postgres = self._seconds() - server
        return files, (wall, sum(after[:4]) - sum(before[:4]) + postgres, postgres)

    def _seconds(self) -> float:
        """Of the postmaster, of those of its processes that ended, and of those that run."""
        ticks = 0
        for stat in Path("/proc").glob("[0-9]*/stat"):
            with suppress(OSError):
                fields = stat.read_text().rpartition(")")[2].split()
                own, ended = sum(map(int, fields[11:13])), sum(map(int, fields[13:15]))
                if int(stat.parent.name) == self._postmaster:
                    ticks += own + ended
                elif int(fields[1]) == self._postmaster:
                    ticks += own
        return ticks / os.sysconf("SC_CLK_TCK")


def read(site: Path) -> tuple[dict[Path, list[tuple[object, ...]]], dict[Path, bytes]]:
    """The cells of the workbooks, the bytes of the other files; of the slides too, which are drawn in the floor by
    nobody."""
    books: dict[Path, list[tuple[object, ...]]] = {}
    others: dict[Path, bytes] = {}
    for path in site.rglob("*"):
        if path.suffix == ".xlsx":
            (sheet,) = openpyxl.load_workbook(path).worksheets
            books[path.relative_to(site)] = list(sheet.iter_rows(values_only=True))
        elif path.is_file():
            others[path.relative_to(site)] = path.read_bytes()
    return books, others


def write_plainly(to: Path, books: dict[Path, list[tuple[object, ...]]], others: dict[Path, bytes]) -> int:
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
    return len(books) + len(others)


if __name__ == "__main__":
    main()
