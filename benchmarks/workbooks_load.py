"""The work of W2: readiness workbooks from files to facts."""

from __future__ import annotations

import datetime as dt
import hashlib
import json
import sys
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Engine

from benchmarks.child import report
from contracts.reading import Reading
from documents.reading.sandbox import result, shared
from flows.home.settings import Settings
from transforms.interpret import Context, Delivery, interpret
from warehouse.deliveries.arrivals import Came, look, record_all
from warehouse.deliveries.load import LoadResult, load_many
from warehouse.marts.published import register
from warehouse.schema.upgrade import connect

AS_OF = dt.date(2023, 9, 8)
BATCH = 140
THREADS = 2
RECEIVED = dt.datetime(2023, 9, 8, 12, tzinfo=dt.UTC)


def load(url: str, folder: Path, aliases: Path) -> dict[str, Any]:
    """As a night does it: batches of workbooks on two threads, each read, checked and loaded together."""
    engine = connect(url)
    with engine.connect() as connection:
        schools = register(connection, AS_OF)
    context = Context(schools, b"benchmark" * 4, aliases=json.loads(aliases.read_text()))
    paths = sorted(folder.rglob("*.xlsx"))
    batches = [paths[start : start + BATCH] for start in range(0, len(paths), BATCH)]
    with ThreadPoolExecutor(THREADS) as pool:
        results = [result for done in pool.map(partial(take, engine, context), batches) for result in done]
    rows = [result.reading.rows for result in results]
    return {
        "files": len(results),
        "loaded": sum(each.loaded for each in rows),
        "quarantined": sum(each.quarantined for each in rows),
        "refused": sum(result.reading.verdict == "refused" for result in results),
    }


def take(engine: Engine, context: Context, paths: list[Path]) -> list[LoadResult]:
    settings = Settings()
    sandbox = shared(settings.reader_processes, settings.reader_limits)
    deliveries = [
        Delivery(path.name, hashlib.sha256(path.read_bytes()).hexdigest(), path.parent.name, RECEIVED, result(content))
        for path, content in zip(paths, sandbox.in_order((path.name, path) for path in paths), strict=True)
    ]
    readings = [reading for reading in interpret(deliveries, context) if isinstance(reading, Reading)]
    came = [Came(each.sha256, each.file, 0, RECEIVED, each.file, each.folder, is_vouched=True) for each in deliveries]
    with engine.begin() as connection:
        ids = [each.delivery_id for each in record_all(connection, came, look(connection))]
    return load_many(engine, list(zip(readings, ids, strict=True)), "benchmark")


if __name__ == "__main__":
    report(lambda: load(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
