"""The work of W2: readiness workbooks from files to facts."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sys
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pandera.backends.polars.builtin_checks  # noqa: F401 - as openpyxl's, its imports are not measured
from sqlalchemy import Engine

from benchmarks.child import report
from contracts.reading import Reading
from documents.reading.sandbox import Sandbox, result, shared
from flows.home.settings import Settings
from flows.intake.batches import LARGEST_BATCH, evenly
from flows.intake.loading import beside
from transforms.interpret import Context, Delivery, interpret
from warehouse.deliveries.arrivals import Came, look, record_all
from warehouse.deliveries.load import LoadResult, load_many
from warehouse.marts.published import register
from warehouse.schema.upgrade import connect

AS_OF = dt.date(2023, 9, 8)
RECEIVED = dt.datetime(2023, 9, 8, 12, tzinfo=dt.UTC)
Batch = tuple[list[Delivery], list[Reading]]


def load(url: str, folder: Path, aliases: Path) -> dict[str, Any]:
    """As a run does it: reader processes first, then batches of workbooks, one loaded while the next is read."""
    settings = Settings()
    sandbox = shared(settings.reader_processes, settings.reader_limits)
    engine = connect(url)
    with engine.connect() as connection:
        schools = register(connection, "69", AS_OF)
    context = Context(schools, b"benchmark" * 4, aliases=json.loads(aliases.read_text()))
    files = sorted(folder.rglob("*.xlsx"))
    read = (interpreted(sandbox, context, paths) for paths in evenly(files, LARGEST_BATCH))
    results = [result for loaded in beside(partial(stored, engine), read) for result in loaded]
    rows = [result.reading.rows for result in results]
    return {
        "files": len(results),
        "loaded": sum(each.loaded for each in rows),
        "quarantined": sum(each.quarantined for each in rows),
        "refused": sum(result.reading.verdict == "refused" for result in results),
    }


def interpreted(sandbox: Sandbox, context: Context, paths: list[Path]) -> Batch:
    deliveries: list[Delivery] = []
    found = interpret(opened(sandbox, paths, deliveries), context)
    return deliveries, [reading for reading in found if isinstance(reading, Reading)]


def stored(engine: Engine, batch: Batch) -> list[LoadResult]:
    deliveries, readings = batch
    came = [Came(each.sha256, each.file, 0, RECEIVED, each.file, each.folder, is_vouched=True) for each in deliveries]
    with engine.begin() as connection:
        ids = [each.delivery_id for each in record_all(connection, came, look(connection))]
    return load_many(engine, list(zip(readings, ids, strict=True)), "benchmark")


def opened(sandbox: Sandbox, paths: list[Path], deliveries: list[Delivery]) -> Iterator[Delivery]:
    """The deliveries of files, each as soon as a reader process has opened it; they are noted too."""
    for path, content in zip(paths, sandbox.in_order((path.name, path) for path in paths), strict=True):
        sha256 = hashlib.sha256(path.read_bytes()).hexdigest()
        deliveries.append(Delivery(path.name, sha256, path.parent.name, RECEIVED, result(content)))
        yield deliveries[-1]


if __name__ == "__main__":
    report(lambda: load(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
