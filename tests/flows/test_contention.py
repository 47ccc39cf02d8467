"""Two runs over the same deliveries, a backfill and fifty readers at once: nobody fails, nobody sees half a publish.

`PROFMIN_CONTENTION_SECONDS=60` runs the whole minute, with a real `profmin run nightly` in the middle of it and readers
who ask four times as often: they then take most of the machine, and the nights what is left.

Slow: twelve seconds of contention, and the same nights once more undisturbed, to compare.
"""

from __future__ import annotations

import datetime as dt
import logging
import multiprocessing
import os
import random
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from evidence import severity
from ledgers import LEDGERS

from documents.demo import tomsk
from documents.demo.autumn import FIRST, autumn
from documents.demo.autumn_programme import Programme
from flows.backfills import steps as backfill
from flows.backfills.steps import apply_backfill, plan, requested, revert_backfill
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from flows.upkeep.doctor import examine
from warehouse.backfill.apply import cancel
from warehouse.backfill.requests import Refused, backfills
from warehouse.core.transaction import LOG
from warehouse.marts.publication import published_dates
from warehouse.marts.published import mart, mart_names
from warehouse.schema.upgrade import connect

Run = Callable[..., "subprocess.CompletedProcess[str]"]
SECONDS = float(os.environ.get("PROFMIN_CONTENTION_SECONDS", "12"))
WHOLE = SECONDS >= 60
BASE = 8
"""Nights that are taken in before it begins, in one go; the first reports are among them."""
NIGHTS = BASE + int(SECONDS / 2.5)
LAST = FIRST + dt.timedelta(days=NIGHTS)
READERS = 50
PAUSE = 0.5 if WHOLE else 2.0
REASON = "Проверка под нагрузкой"
SETTLED = dt.timedelta(seconds=15)
"""How long ago a moment has to be for its publications to be committed, however slow the machine."""

UNITS = """
SELECT as_of, sum(schools)::bigint AS schools, sum(accepted)::bigint AS accepted, max(known_at) AS known_at
FROM {marts[0]} GROUP BY as_of
"""
SCHOOLS = """
SELECT as_of, count(*) AS schools, count(*) FILTER (WHERE status = 'accepted') AS accepted, max(known_at) AS known_at
FROM {marts[1]} GROUP BY as_of
"""
REGION = "SELECT as_of, schools::bigint AS schools, accepted::bigint AS accepted, known_at FROM {marts[2]}"
LEVELS = """
SELECT as_of, sum(classes)::bigint AS classes, sum(pupils_planned)::bigint AS planned FROM {marts[%d]} GROUP BY as_of
"""
REGISTERED = """
SELECT as_of, sum(actual_pupils)::bigint AS actual, min(export_as_of) AS export FROM {marts[%d]} GROUP BY as_of
"""
DIFFER = "SELECT * FROM (%s) a FULL JOIN (%s) b USING (as_of) WHERE a.* IS DISTINCT FROM b.*"
WRONG = {
    "region and units": DIFFER % (REGION, UNITS),
    "units and schools": DIFFER % (UNITS, SCHOOLS),
    "units and schools, registered": DIFFER % (REGISTERED % 3, REGISTERED % 4),
    "units and schools, levels": DIFFER % (LEVELS % 6, LEVELS % 7),
    "both and one": (
        "SELECT * FROM {marts[5]} a FULL JOIN {marts[0]} b USING (as_of, reporting_unit)"
        " FULL JOIN {marts[3]} c USING (as_of, reporting_unit)"
        " WHERE (a.schools, a.accepted) IS DISTINCT FROM (b.schools, b.accepted)"
        " OR a.actual_pupils IS DISTINCT FROM c.actual_pupils"
    ),
}
"""What two marts say differently in one statement; there must be no row."""
MARTS = (
    "readiness_by_municipality", "readiness_by_school", "readiness_region", "registration_by_municipality",
    "registration_by_school", "readiness_and_registration", "level_coverage", "level_coverage_by_school",
)  # fmt: skip


HISTORY = ("delivery_health", "rule_failures")
"""Marts that count findings of history: a correction is compared with what stood when it came, softer rules or not."""


@dataclass
class Told:
    """What a process under contention has done and heard."""

    turns: int = 0
    failures: list[str] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)
    done: Counter[str] = field(default_factory=Counter)


class Heard(logging.Handler):
    def __init__(self, told: Told) -> None:
        super().__init__(logging.INFO)
        self.told = told

    def emit(self, record: logging.LogRecord) -> None:
        self.told.heard.append(record.getMessage())


def listening(told: Told) -> None:
    LOG.setLevel(logging.INFO)
    LOG.addHandler(Heard(told))


def at(home: Path, url: str) -> Settings:
    made = Settings(home=home, database_url=url, vouched_channels="inbox,ingest")  # type: ignore[arg-type]
    made.prepare()
    return made


def night_after_night(home: Path, url: str, nights: list[list[Path]], seconds: float) -> Told:
    """Take nights in one after the other; returns how many it came to."""
    told, settings, end = Told(), at(home, url), time.monotonic() + seconds
    listening(told)
    for paths in nights:
        if time.monotonic() > end:
            break
        outcomes = ingest(paths, Options(), settings)
        told.failures += [outcome.failure for outcome in outcomes if outcome.failure]
        told.turns += 1
    return told


def back_and_forth(home: Path, url: str, seconds: float) -> Told:
    """Plan, apply and revert softer rules; in the end nothing of them is left."""
    told, settings, end = Told(), at(home, url), time.monotonic() + seconds
    listening(told)
    engine = connect(url)
    severity("RDY-010", "warning")
    right = backfill.contract_version
    backfill.contract_version = lambda region: "softer"
    while time.monotonic() < end:
        told.turns += 1
        backfill_id = plan(
            engine, settings, requested(["readiness_report"], [], FIRST, FIRST + dt.timedelta(99), REASON)
        )
        told.done["planned"] += 1
        try:
            apply_backfill(engine, settings, backfill_id)
            told.done["applied"] += 1
        except Refused:  # a night was quicker
            cancel(engine, backfill_id)
            told.done["cancelled"] += 1
            continue
        try:
            revert_backfill(engine, settings, backfill_id)
            told.done["reverted"] += 1
        except Refused:  # a night's correction stands on it
            told.done["left applied"] += 1
    severity("RDY-010", "error")
    backfill.contract_version = right
    engine.dispose()
    return told


def heal(settings: Settings, url: str) -> None:
    """Read under the rules of the nights what was left under softer ones."""
    engine = connect(url)
    made = requested(["readiness_report"], [], FIRST, LAST, "Возврат прежних правил")
    apply_backfill(engine, settings, plan(engine, settings, made))
    engine.dispose()


class Readers:
    """Threads that ask the marts what must agree, each on a connection of its own, until they are told to stop."""

    def __init__(self, url: str, days: list[dt.date]) -> None:
        self.engine = sa.create_engine(url, poolclass=sa.NullPool, isolation_level="AUTOCOMMIT")
        self.days = days
        self.began = dt.datetime.now(dt.UTC)
        self.end = threading.Event()
        self.asked: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.slowest = 0.0
        self.threads = [threading.Thread(target=self.read, args=(number,)) for number in range(READERS)]

    def __enter__(self) -> Readers:
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.end.set()
        for thread in self.threads:
            thread.join()
        self.engine.dispose()

    def read(self, number: int) -> None:
        chance = random.Random(number)
        try:
            with self.engine.connect() as connection:
                connection.execute(sa.text("SET ROLE bi_reader"))
                slides: dict[tuple[dt.date, dt.datetime], str] = {}
                while not self.end.wait(chance.uniform(0, 2 * PAUSE)):
                    began = time.monotonic()
                    (self.ask_now, self.ask_then, self.ask_within)[number % 3](connection, chance, slides)
                    self.slowest = max(self.slowest, time.monotonic() - began)
        except Exception as error:  # noqa: BLE001 - a reader that fails is what the test is about
            self.wrong.append(f"reader {number}: {type(error).__name__}: {error}")

    def ask_now(self, connection: sa.Connection, chance: random.Random, _: object) -> None:
        self.must_agree(connection, chance.choice(list(WRONG)), [f"mart.{name}" for name in MARTS])

    def ask_then(self, connection: sa.Connection, chance: random.Random, slides: dict[Any, str]) -> None:
        """What was published at a moment: the marts agree then too, and a slide never changes."""
        now = connection.scalar(sa.text("SELECT clock_timestamp()"))
        moment = max(self.began, now - SETTLED - dt.timedelta(seconds=chance.uniform(0, 10)))
        day = chance.choice(self.days)
        asked = f"'{day}', '{moment.isoformat()}'"
        self.must_agree(connection, chance.choice(list(WRONG)), [f"mart.{name}_as_known({asked})" for name in MARTS])
        shown = f"SELECT string_agg(m::text, ';' ORDER BY m.position) FROM mart.readiness_by_school_as_known({asked}) m"
        slides.setdefault((day, moment), str(connection.scalar(sa.text(shown))))
        (day, moment), then = chance.choice(list(slides.items()))
        asked = f"'{day}', '{moment.isoformat()}'"
        shown = f"SELECT string_agg(m::text, ';' ORDER BY m.position) FROM mart.readiness_by_school_as_known({asked}) m"
        if str(connection.scalar(sa.text(shown))) != then:
            self.wrong.append(f"the slide of {day} as of {moment} has changed")
        self.asked["slides"] += 1

    def ask_within(self, connection: sa.Connection, *_: object) -> None:
        """A page of several statements on one snapshot."""
        connection.execute(sa.text("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"))
        for name in WRONG:
            self.must_agree(connection, name, [f"mart.{name}" for name in MARTS])
        connection.execute(sa.text("COMMIT"))

    def must_agree(self, connection: sa.Connection, name: str, marts: list[str]) -> None:
        found = connection.execute(sa.text(WRONG[name].format(marts=marts))).fetchmany(2)
        self.asked[name] += 1
        if found:
            self.wrong.append(f"{name}: {found}")


@dataclass
class Files:
    home: Path
    base: list[Path]
    nights: list[list[Path]]


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Files:
    """The autumn's deliveries: the first nights in the inbox, the others in a folder each. The classes by levels come
    in the nights under contention, while the marts of readiness are asked."""
    home, later = tmp_path_factory.mktemp("home"), tmp_path_factory.mktemp("nights")
    found = Files(home, [], [])
    region = tomsk()
    programme = Programme(region, FIRST, LAST)
    levels = [due for due in programme.coming if due.form == "level_choice"]
    days = [FIRST + dt.timedelta(days=BASE + turn % 3) for turn in range(len(levels))]
    programme.coming = [replace(due, day=day, as_of=day) for due, day in zip(levels, days, strict=True)]
    for night in autumn(region, NIGHTS, programme):
        folder = home / "inbox" if night.number < BASE else later / str(night.number)
        paths = []
        for sender, name, data, received_at in night.files:
            path = folder / sender / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
            os.utime(path, (received_at.timestamp(), received_at.timestamp()))
            paths.append(path)
        if night.number < BASE:
            found.base += paths
        else:
            found.nights.append(paths)
    return found


@pytest.fixture
def processes() -> Iterator[ProcessPoolExecutor]:
    with ProcessPoolExecutor(4, multiprocessing.get_context("spawn")) as pool:
        yield pool


def contents(url: str) -> dict[tuple[str, dt.date], str]:
    """Every mart of every published date; not when it became known, and not the ledgers of what was taken back."""
    engine = connect(url)
    with engine.connect() as connection:
        found = {
            (name, day): mart(connection, name, day).drop("known_at").write_csv()
            for name in mart_names()
            if name not in LEDGERS
            for day in published_dates(connection, "69")
        }
    engine.dispose()
    return found


def deadlocks(url: str) -> int:
    engine = connect(url)
    with engine.connect() as connection:
        found = connection.scalar(sa.text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"))
    engine.dispose()
    return int(found or 0)


def test_a_minute_of_contention(
    databases: Any, files: Files, processes: ProcessPoolExecutor, profmin: Run, tmp_path: Path
) -> None:
    with databases.fresh() as url, databases.fresh() as calm:
        settings = at(files.home, url)
        assert not [each.failure for each in ingest(files.base, Options(), settings) if each.failure]
        days = [FIRST + dt.timedelta(days=number) for number in range(BASE)]
        with Readers(url, days) as readers:
            first: list[Future[Told]] = [
                processes.submit(night_after_night, files.home, url, files.nights, SECONDS) for _ in range(2)
            ]
            replay = processes.submit(back_and_forth, files.home, url, SECONDS)
            night = profmin("run", "nightly", "--as-of", days[-1], settings=settings) if WHOLE else None
            one, other = (each.result() for each in first)
            back = replay.result()
        heard = one.heard + other.heard + back.heard
        report = {
            "nights": (one.turns, other.turns), "backfill": dict(back.done), "asked": dict(readers.asked),
            "slowest reader, s": round(readers.slowest, 2), "deadlocks": deadlocks(url),
            "waits": sum(sentence.startswith("waiting") for sentence in heard),
            "tries again": [sentence for sentence in heard if "try" in sentence],
            "run nightly": night and night.returncode,
        }  # fmt: skip
        print(report)
        assert readers.wrong[:5] == []
        assert one.failures + other.failures == []
        assert night is None or night.returncode in (0, 3), night.stderr
        assert deadlocks(url) <= sum("deadlock" in sentence for sentence in heard)
        assert min(one.turns, other.turns, back.done["planned"]) > 0 and len(readers.asked) == len(WRONG) + 1
        if back.done["left applied"]:
            heal(settings, url)
        with connect(url).connect() as connection:
            assert set(backfills(connection)["status"]) <= {"applied", "reverted", "cancelled"}
        assert [(law.name, law.broken) for law in examine(settings) if law.times] == []

        undisturbed = at(tmp_path / "calm", calm)
        ingest(files.base, Options(), undisturbed)
        for paths in files.nights[: max(one.turns, other.turns)]:
            ingest(paths, Options(), undisturbed)
        expected, found = contents(calm), contents(url)
        assert expected.keys() == found.keys()
        moved = [
            (*key, sorted(set(found[key].splitlines()) ^ set(text.splitlines()))[:2])
            for key, text in expected.items()
            if found[key] != text and not (back.done["left applied"] and key[0] in HISTORY)
        ]
        assert moved[:5] == []
