"""Two runs at once take the same renamed file, and the same one that is sent again after its correction: it is one
delivery, read once, and what counts is what counts after one run.

Slow: three rounds, each with two interpreters.
"""

from __future__ import annotations

import multiprocessing
import os
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from evidence import picked

from documents.demo import tomsk
from documents.demo.dress import STYLES
from documents.demo.reports import report
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from flows.upkeep.doctor import examine

UNIT = "bakcharsky"
ROUNDS = 3
TOGETHER: list[Barrier] = []
DELIVERIES = """
SELECT d.file_name, d.sent, d.same_as IS NULL, r.status
FROM ops.delivery d LEFT JOIN ops.reading r ON r.delivery_id = d.delivery_id
WHERE d.sender_folder = 'bakcharsky' ORDER BY d.counts_at, d.delivery_id
"""
DEADLOCKS = "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()"


def ready(together: Any) -> None:
    TOGETHER.append(together)


def run(settings: Settings) -> list[tuple[str, str | None, str | None]]:
    """One run over the inbox: file, verdict, failure of each that it took."""
    TOGETHER[0].wait(300)
    return [(each.file, each.verdict, each.failure) for each in ingest([], Options(), settings)]


def again(path: Path, data: bytes) -> None:
    """Send these bytes now."""
    path.write_bytes(data)
    os.utime(path, (time.time() - 5,) * 2)  # not so new that it might still be written


def corrected(data: bytes, path: Path) -> tuple[str, bytes]:
    """Another report of the unit, of one pupil more, and its name."""
    region = tomsk()
    (about,) = region.units.filter(reporting_unit=UNIT).to_dicts()
    rows = region.readiness.filter(reporting_unit=UNIT).to_dicts()
    rows[0]["pupils_total"] += 1
    name, found = report(STYLES[about["style"]], about, rows, {}, region.as_of)
    assert name == path.name and found != data
    return name, found


@pytest.mark.timeout(240)
def test_two_runs_take_the_same_files(settings: Settings, engine: sa.Engine, region_files: Path) -> None:
    good = picked(region_files, "department/Реестр", f"{UNIT}/")
    ingest([good["department/Реестр"]], Options(), settings)
    first = good[f"{UNIT}/"]
    name, other = corrected(first.read_bytes(), first)
    folder = settings.inbox / UNIT
    folder.mkdir()
    context = multiprocessing.get_context("spawn")
    expected = []
    with ProcessPoolExecutor(2, context, ready, (context.Barrier(2),)) as pool:
        for turn in range(ROUNDS):
            for sent, data in enumerate((first.read_bytes(), other), start=1):
                again(folder / name, data)
                renamed = f"{turn}-{sent} {name}"
                again(folder / renamed, data)
                both = [pool.submit(run, settings) for _ in range(2)]
                told = [outcome for each in both for outcome in each.result(120)]
                assert [failure for _, _, failure in told if failure] == []
                assert {file for file, _, _ in told} == {name, renamed}
                expected += [name, renamed]
    with engine.connect() as connection:
        found = connection.execute(sa.text(DELIVERIES)).all()
        assert connection.scalar(sa.text(DEADLOCKS)) == 0
    names = Counter(file for file, *_ in found)
    assert names == Counter(expected), found
    assert {file: sum(own for other, _, own, _ in found if other == file) for file in names}, found
    states = Counter(status for *_, status in found)
    assert states == {"superseded": 2 * ROUNDS - 1, "current": 1, None: 2 * ROUNDS}, found
    kept = [path for path in settings.archive.rglob("*") if path.is_file()]
    assert len(kept) == 3, kept
    assert [law.name for law in examine(settings) if law.times] == []
