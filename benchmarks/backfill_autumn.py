"""The work of W5: sixty nights of an autumn taken in, then all of them read again by another rule and applied."""

from __future__ import annotations

import datetime as dt
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

from benchmarks.child import report
from contracts.forms import RULES, form_named
from documents.demo import put, tomsk
from documents.demo.autumn import FIRST, NIGHTS, autumn
from flows.backfills import steps as backfill
from flows.backfills.steps import apply_backfill, plan, requested
from flows.home.settings import Settings
from flows.intake.incoming import Options
from flows.runs.ingest import ingest
from transforms.findings import finding
from transforms.rows.contract import contract
from warehouse.backfill.requests import backfills
from warehouse.schema.upgrade import connect, upgrade

RULE = "RDY-016"


def hardened() -> None:
    """A rule of the readiness report sets rows aside from now on, as by a new version of the contracts."""
    form = form_named("readiness_report")
    for edition in form.editions:
        rules = tuple(replace(each, severity="error") if each.id == RULE else each for each in edition.rules)
        object.__setattr__(edition, "rules", rules)
    RULES[RULE] = next(each for each in form.rules if each.id == RULE)
    contract.cache_clear()
    finding.texts.cache_clear()
    backfill.contract_version = lambda region: "another"  # type: ignore[assignment]


def lived(url: str, nights: int) -> dict[str, Any]:
    """Seconds of the nights together, of planning and of applying."""
    engine = connect(url)
    upgrade(engine)
    with tempfile.TemporaryDirectory() as home:
        settings = Settings(home=Path(home), database_url=url, vouched_channels="inbox,ingest")  # type: ignore[arg-type]
        settings.prepare()
        ingested = 0.0
        for night in autumn(tomsk(), nights):
            paths = put(night.files, settings.inbox)
            start = time.perf_counter()
            ingest(paths, Options(), settings)
            ingested += time.perf_counter() - start
        hardened()
        last = FIRST + dt.timedelta(days=nights)
        start = time.perf_counter()
        request = requested([], [], FIRST, last, "Правило стало строже")
        backfill_id = plan(engine, settings, request)
        planned = time.perf_counter() - start
        start = time.perf_counter()
        apply_backfill(engine, settings, backfill_id)
        applied = time.perf_counter() - start
    with engine.connect() as connection:
        told = backfills(connection, backfill_id).row(0, named=True)
    figures = {name: told[name] for name in ("deliveries", "changed", "figures")}
    return {"ingested": round(ingested, 2), "planned": round(planned, 2), "applied": round(applied, 2), **figures}


if __name__ == "__main__":
    report(lambda: lived(sys.argv[1], int(sys.argv[2]) if len(sys.argv) > 2 else NIGHTS))
