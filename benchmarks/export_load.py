"""The work of W1 and W7: an export from file to validated, quarantined, loaded and published."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import Any

from benchmarks.child import report
from contracts.reading import Reading
from documents.reading.sandbox import shared
from flows.home.settings import Settings
from transforms.interpret import Context, Delivery, interpret
from warehouse.deliveries.load import load_stream, record_arrival
from warehouse.marts.publication import publish
from warehouse.marts.published import register
from warehouse.schema.upgrade import connect


def load(url: str, export: Path, sha256: str, sender: str, as_of: dt.date) -> dict[str, Any]:
    received = dt.datetime.combine(as_of, dt.time(12), dt.UTC)
    engine = connect(url)
    with engine.connect() as connection:
        schools = register(connection, "69", as_of)
    context = Context(schools, (b"benchmark" * 4)[:32])
    settings = Settings()
    content = shared(settings.reader_processes, settings.reader_limits).open(export.name, export)
    delivery = Delivery(export.name, sha256, sender, received, content)
    (stream,) = interpret([delivery], context)
    if isinstance(stream, Reading):
        raise SystemExit("the export was refused")
    with engine.begin() as connection:
        delivery_id, _ = record_arrival(connection, sha256, export.name, export.stat().st_size, received, export.name)
    result = load_stream(engine, stream, delivery_id, "benchmark")
    publish(engine, "69", [as_of])
    rows = result.reading.rows
    return {
        "rows": rows.read,
        "loaded": rows.loaded,
        "quarantined": rows.quarantined,
        "verdict": result.reading.verdict,
    }


if __name__ == "__main__":
    report(lambda: load(sys.argv[1], Path(sys.argv[2]), *sys.argv[3:5], dt.date.fromisoformat(sys.argv[5])))
