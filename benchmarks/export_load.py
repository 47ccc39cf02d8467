"""The work of W1: a pupil export from file to validated, quarantined, loaded and published."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any

from benchmarks.child import report
from documents.reading.sandbox import shared
from flows.home.settings import Settings
from transforms.interpret import Context, Delivery, interpret
from transforms.pupils import PupilReading
from warehouse.deliveries.load import load_pupils, record_arrival
from warehouse.marts.publication import publish
from warehouse.marts.published import register
from warehouse.schema.upgrade import connect

AS_OF = dt.date(2023, 9, 8)
RECEIVED = dt.datetime(2023, 9, 8, 12, tzinfo=dt.UTC)


def load(url: str, export: Path, sha256: str) -> dict[str, Any]:
    engine = connect(url)
    with engine.connect() as connection:
        schools = register(connection, "69", AS_OF)
    context = Context(schools, b"benchmark" * 4)
    settings = Settings()
    content = shared(settings.reader_processes, settings.reader_limits).open(export.name, export)
    delivery = Delivery(export.name, sha256, "regional_operator", RECEIVED, content)
    (stream,) = interpret([delivery], context)
    if not isinstance(stream, PupilReading):
        raise SystemExit("the export was refused")
    with engine.begin() as connection:
        delivery_id, _ = record_arrival(connection, sha256, export.name, export.stat().st_size, RECEIVED, export.name)
    result = load_pupils(engine, stream, delivery_id, "benchmark")
    publish(engine, "69", [AS_OF])
    rows = result.reading.rows
    return {
        "rows": rows.read,
        "loaded": rows.loaded,
        "quarantined": rows.quarantined,
        "verdict": result.reading.verdict,
    }


if __name__ == "__main__":
    report(lambda: load(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
