"""A country in one warehouse: what a region's night costs beside many others, and a night of all of them.

    python -m benchmarks.country [--regions 89] [--share 0.05] [--nights 3] [--readers 100] [--year 0]
    python -m benchmarks --only country     the same at its usual size

At `--share 1` a region has 450 schools and 67 000 pupils, so that 89 have the country's 40 000 and six millions; the
offices are always 24, and each sends all its forms. A night is a process of its own, as a run of Prefect is, without
Prefect. Compared with one another are nights of the same region in the same run: alone in the warehouse, and beside
all others. A usual night brings an export of which one row in a hundred is another, and a report sent again; one with a
correction a report of the day before as well, so that two dates are published. A backfill of a week reads the reports
of a region by a harder rule while another has its night. `--year` has one region live so many usual nights.

Seconds of a core, ours and the server's, and rows that the server reads say more than the clock, which other work of
the machine changes. Rows of a table that grow with the number of regions are of a question that asks for all of them.
"""

from __future__ import annotations

import argparse
import datetime as dt
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
from sqlalchemy import text

from benchmarks.child import measure, report
from benchmarks.country_packs import write_country
from benchmarks.readers import read_by
from benchmarks.server_cost import Cost, costing, room
from contracts.regions import read_from
from warehouse.schema.upgrade import connect, upgrade
from warehouse.server.embedded import embedded_server

if TYPE_CHECKING:
    from documents.demo import Region

FIRST = dt.date(2023, 9, 8)
SCHOOLS, PUPILS, OFFICES = 450, 67_000, 22
AT_ONCE, FEWEST = 2, 3
MORE_CONNECTIONS = "ALTER SYSTEM SET max_connections = 200"
"""A hundred readers and the night need more than the embedded server gives by itself."""
COMPARED = {"core": "our seconds", "server": "the server's", "wal": "the log", "rows": "the rows read"}
MOST_TABLES, FEW_ROWS = 8, 1000
CHANGED = 100
"""Of so many pupils one is in another grade the night after; of twice as many one is gone."""
BACKENDS = """
SELECT pg_current_wal_lsn() - '0/0'::pg_lsn AS wal, pg_database_size(current_database()) AS disk,
    (SELECT count(*) FROM pg_class WHERE relkind IN ('r', 'p', 'i', 'I')) AS relations
"""


def main() -> None:
    """Measure a country."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--regions", type=int, default=89)
    arguments.add_argument("--share", type=float, default=0.05, help="of the schools and pupils of the country")
    arguments.add_argument("--nights", type=int, default=3, help="usual nights of which medians are told")
    arguments.add_argument("--readers", type=int, default=100, help="who read marts while one publishes")
    arguments.add_argument("--year", type=int, default=0, help="usual nights that one region lives at the end")
    asked = arguments.parse_args()
    if asked.regions < FEWEST:
        arguments.error(f"--regions: {FEWEST} at least, two of which have a backfill beside the first one's night")
    country(asked.regions, asked.share, asked.nights, asked.readers, asked.year)


def country(regions: int = 89, share: float = 0.05, nights: int = 3, readers: int = 100, year: int = 0) -> None:
    """Measure a country of so many regions, each with a share of its schools and pupils, and print what was found."""
    with tempfile.TemporaryDirectory() as folder:
        home = Path(folder)
        codes = write_country(home / "packs", regions)
        os.environ["PROFMIN_REGIONS"] = str(home / "packs")
        read_from(home / "packs")
        with embedded_server(home / "pgdata") as url, connect(url).connect() as connection:
            connection.execution_options(isolation_level="AUTOCOMMIT").execute(text(MORE_CONNECTIONS))
        with embedded_server(home / "pgdata") as url:
            lived = Country(url, home, codes, share)
            lived.lived(nights, readers)
            if year:
                lived.year(year)


class Country:
    """The warehouse of a country and the home whose inbox it has."""

    def __init__(self, url: str, home: Path, codes: Sequence[str], share: float) -> None:
        self.url, self.home, self.codes, self.share = url, home, codes, share
        self.engine = connect(url)
        upgrade(self.engine)

    def lived(self, nights: int, readers: int) -> None:
        """The first region's nights alone, then everybody's."""
        first, days = self.codes[0], (FIRST + dt.timedelta(days=number) for number in range(3 * nights + 5))
        self.told("first night of a region", [self.measured(first, next(days))])
        alone = [self.measured(first, next(days)) for _ in range(nights)]
        self.told("usual night of it, alone", alone)
        with self.all_at_once(f"first nights of {len(self.codes) - 1} others") as told:
            told.extend(self.nights((code, FIRST) for code in self.codes[1:]))
        self.told("the last three of them", told[-3:])
        beside = [self.measured(first, next(days)) for _ in range(nights)]
        self.told("usual night of the first beside all", beside)
        self.compared(beside, alone)
        with self.all_at_once("a usual night of all") as told:
            second = [(code, FIRST + dt.timedelta(days=1)) for code in self.codes[1:]]
            told.extend(self.nights([(first, next(days)), *second]))
        with read_by(self.engine.url, readers) as seen:
            self.told(f"usual night while {readers} read", [self.measured(first, next(days))])
        torn = sum(answer != 1 for answer in seen)
        print(f"    {len(seen)} readings, {torn} of them saw two publications of a region")
        day = next(days)
        self.work("correction", first, day)
        self.told("night with a correction of the day before", [self.measured(first, day)])
        self.backfill_beside(first, next(days))
        self.told("page of a region", [self.work("page", first, FIRST)])
        disk = self.state()["disk"] / (schools_of(self.share) * len(self.codes))
        print(f"    {disk / 1e3:,.0f} KB of the database a school, {self.state()['relations']:,} relations")

    def backfill_beside(self, first: str, day: dt.date) -> None:
        """A backfill of a region's first week; one of another region's while the first has its night."""
        *_, before, last = self.codes
        self.told("backfill of a week", [self.work("backfill", before, FIRST)])
        self.written(first, day)
        with ThreadPoolExecutor(AT_ONCE) as at_once:
            backfill = at_once.submit(self.work, "backfill", last, FIRST)
            found = at_once.submit(self.work, "night", first, day).result()
            self.told("one of another while the first publishes", [backfill.result()])
        self.told("that night of the first", [found])

    def year(self, nights: int) -> None:
        """Usual nights of the last region, one after the other: what the early ones cost and what the late ones do."""
        before, days = self.state(), (FIRST + dt.timedelta(days=2 + number) for number in range(nights))
        each = [self.measured(self.codes[-1], day) for day in days]
        tenth = max(1, nights // 10)
        self.told(f"usual nights 1 to {tenth} of a year", each[:tenth])
        self.told(f"usual nights {nights - tenth + 1} to {nights} of it", each[-tenth:])
        self.compared(each[-tenth:], each[:tenth], "the last against the first")
        grown = {name: value - before[name] for name, value in self.state().items()}
        print(
            f"    a night adds {grown['disk'] / nights / 1e6:.2f} MB, all of them {grown['relations']} relations",
            flush=True,
        )

    def compared(
        self, beside: list[dict[str, Any]], alone: list[dict[str, Any]], what: str = "beside all against alone"
    ) -> None:
        """Print what some nights cost against others, and of which tables they read more rows."""
        print(f"    {what}: " + ", ".join(
            f"{ratio(beside, alone, name):.2f} of {words}" for name, words in COMPARED.items()))  # fmt: skip
        rows = {
            table: [statistics.median(night["by_table"][table] for night in of) for of in (beside, alone)]
            for table in {table for night in beside for table in night["by_table"]}
        }
        more = {table: many - one for table, (many, one) in rows.items() if many > one + FEW_ROWS}
        for table in sorted(more, key=lambda each: -more[each])[:MOST_TABLES]:
            print(f"    {table}: {rows[table][0]:,.0f} rows read, before that {rows[table][1]:,.0f}")
        locks, connections = room(self.engine)
        most = max(beside, key=lambda each: each["locks"])
        print(
            f"    at most {most['locks']} locks of {locks:,}, {most['connections']} connections of {connections}",
            flush=True,
        )

    def nights(self, each: Iterable[tuple[str, dt.date]]) -> list[dict[str, Any]]:
        """A night of each region, of its own next day; as many at once as there are cores."""
        with ThreadPoolExecutor(AT_ONCE) as at_once:
            return list(at_once.map(lambda code_and_day: self.night(*code_and_day), each))

    def night(self, code: str, day: dt.date) -> dict[str, Any]:
        """A region's night in a process of its own; what comes is written before and not measured."""
        self.written(code, day)
        return self.work("night", code, day)

    def work(self, name: str, code: str, day: dt.date) -> dict[str, Any]:
        """One of `WORKS` in a process of its own."""
        return measure("benchmarks.country", name, self.url, self.home, code, day, self.share)

    def measured(self, code: str, day: dt.date) -> dict[str, Any]:
        """A night while no other is, with what it costs the server."""
        self.written(code, day)
        with self.costing() as cost:
            found = self.work("night", code, day)
        return {
            **found, "server": cost.seconds, "rows": cost.rows.total(), "by_table": cost.rows, "locks": cost.locks,
            "connections": cost.connections,
        }  # fmt: skip

    def written(self, code: str, day: dt.date) -> None:
        """Have in the inbox what comes before a region's night."""
        self.work("files", code, day)

    def costing(self) -> AbstractContextManager[Cost]:
        return costing(self.engine, self.home / "pgdata")

    @contextmanager
    def all_at_once(self, what: str) -> Iterator[list[dict[str, Any]]]:
        """Print what nights cost of which several go at once: each, and together."""
        before, begun, each = self.state(), time.perf_counter(), list[dict[str, Any]]()
        with self.costing() as cost:
            yield each
        self.told(what, each)
        grown = {name: value - before[name] for name, value in self.state().items()}
        print(
            f"    all of them {time.perf_counter() - begun:,.0f} s with the writing of what came, {AT_ONCE} at once;"
            f" {cost.seconds:,.0f} s of the server's core, {cost.locks} locks, {grown['wal'] / 1e6:,.0f} MB of log,"
            f" the database grew by {grown['disk'] / 1e6:,.0f} MB",
            flush=True,
        )

    def state(self) -> dict[str, int]:
        """Bytes of log written, bytes of the database, how many relations it has."""
        with self.engine.connect() as connection:
            return {name: int(value) for name, value in connection.execute(text(BACKENDS)).mappings().one().items()}

    def told(self, what: str, each: list[dict[str, Any]]) -> None:
        """Print the medians of nights."""
        names = ("seconds", "core", "peak_mib", "wal", "server")
        one = {name: statistics.median(night.get(name, 0) for night in each) for name in names}
        server = f", {one['server']:.1f} s of the server's" if one["server"] else ""
        print(
            f"{what}: {one['seconds']:.1f} s, {one['core']:.1f} s of our core{server}, {one['wal'] / 1e6:.1f} MB of log"
            f", peak {one['peak_mib']:.0f} MiB, {each[0]['files']} files",
            flush=True,
        )


def files(_: str, home: Path, code: str, day: dt.date, share: float) -> dict[str, Any]:
    """Put into the inbox what comes before a region's night: all its forms first, then an export and a report."""
    from documents.demo import deliveries, exports, programme_files, put

    region = region_of(code, share)
    if day == FIRST:
        put(deliveries(region), home / "inbox")
        put(programme_files.deliveries(region), home / "inbox")
    else:
        then = on(region, day)
        ending, data = exports.export(then)
        unit = min(then.readiness["reporting_unit"])
        again = [file for file in deliveries(then) if file[0] == unit]
        name = f"Сводный отчёт по ученикам {day}.{ending}"
        put([(then.operator, name, data, again[0][3]), *again], home / "inbox")
    return {}


def correction(_: str, home: Path, code: str, day: dt.date, share: float) -> dict[str, Any]:
    """Put into the inbox a report of the day before."""
    from documents.demo import eve, put

    put(eve.corrections(on(region_of(code, share), day)), home / "inbox")
    return {}


def backfill(url: str, home: Path, code: str, since: dt.date, _: float) -> dict[str, Any]:
    """Read a region's reports of a week by a harder rule, plan and apply."""
    from benchmarks.backfill_autumn import hardened
    from flows.backfills.steps import apply_backfill, plan, requested
    from flows.home.settings import Settings
    from warehouse.backfill.requests import backfills

    settings = Settings(home=home, database_url=url)  # type: ignore[arg-type]
    engine = connect(url)
    hardened()
    request = requested(
        ["readiness_report"], [], since, since + dt.timedelta(days=6), "Правило стало строже", region=code
    )
    backfill_id = plan(engine, settings, request)
    apply_backfill(engine, settings, backfill_id)
    with engine.connect() as connection:
        return {"files": backfills(connection, backfill_id)["deliveries"].item(), "wal": 0.0}


def night(url: str, home: Path, code: str, day: dt.date, _: float) -> dict[str, Any]:
    """A night of a region."""
    from benchmarks.nights import night
    from contracts.regions import region_named
    from flows.home.settings import Settings

    settings = Settings(home=home, database_url=url, vouched_channels="inbox,ingest")  # type: ignore[arg-type]
    settings.prepare()
    engine = connect(url)
    with engine.connect() as connection:
        before = connection.scalar(text("SELECT pg_current_wal_lsn()"))
        told = night(engine, settings, region_named(code), day)
        wal = connection.scalar(text("SELECT pg_current_wal_lsn() - cast(:before AS pg_lsn)"), {"before": before})
    return {"files": len(told), "wal": float(wal or 0)}


def page(url: str, home: Path, code: str, _: dt.date, __: float) -> dict[str, Any]:
    """The pages of a region's last date."""
    from contracts.regions import region_named
    from flows.page.site import build_site

    return {"files": build_site(connect(url), region_named(code), home / "site").files, "wal": 0.0}


def region_of(code: str, share: float) -> Region:
    """What is true in a region on the first day."""
    from contracts.regions import region_named
    from documents.demo import Sizes, of_pack

    sizes = Sizes(seed=int(code), senders=OFFICES, schools=schools_of(share), pupils=round(PUPILS * share), as_of=FIRST)
    return of_pack(region_named(code), sizes)


def schools_of(share: float) -> int:
    """How many schools a region has: each office has one at least."""
    return max(OFFICES, round(SCHOOLS * share))


def on(region: Region, day: dt.date) -> Region:
    """The region on a later day: each night others are in another grade, and others gone, beside those of before.

    Nobody has two turns in half of `CHANGED` nights, and nobody's is taken back.
    """
    nights, place = (day - FIRST).days, pl.int_range(pl.len())
    has_changed, is_gone = place % CHANGED < nights, place % (2 * CHANGED) >= 2 * CHANGED - nights
    another = pl.when(pl.col("grade") < 9).then(pl.col("grade") + 1).otherwise(8)
    pupils = region.pupils.with_columns(grade=pl.when(has_changed).then(another).otherwise("grade"), is_gone=is_gone)
    return replace(region, as_of=day, pupils=pupils.filter(~pl.col("is_gone")).drop("is_gone"))


def ratio(works: list[dict[str, Any]], floors: list[dict[str, Any]], name: str) -> float:
    """How many times the median of a figure is that of others."""
    work, floor = (statistics.median(each[name] for each in of) for of in (works, floors))
    return float(work / floor)


WORKS: dict[str, Callable[[str, Path, str, dt.date, float], dict[str, Any]]] = {
    "files": files, "correction": correction, "night": night, "backfill": backfill, "page": page,
}  # fmt: skip

if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1] in WORKS:
        work, server, folder, of, when, part = sys.argv[1:]
        read_from(Path(folder) / "packs")
        report(partial(WORKS[work], server, Path(folder), of, dt.date.fromisoformat(when), float(part)))
    else:
        main()
