"""Publish marts without taking anything in: of a date that somebody asks for, or of what is not published yet."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from flows.home.connection import warehouse
from flows.home.faults import Fault, guarded
from flows.home.settings import Settings
from flows.intake.publishing import publish_changes
from flows.nightly import run_name
from flows.outbox.receipts import write_receipts
from flows.runs.record import recorded_run, settings_of


@flow(name="publish", flow_run_name=run_name, persist_result=False)
def publish(as_of: dt.date | None = None, home: str | None = None) -> State[Any]:
    """Publish the marts of a date, and of every date that what was loaded since then may have changed."""
    settings = settings_of(home)
    dates = guarded("publishing the marts", partial(_publish_as_run, settings, as_of))
    if isinstance(dates, Fault):
        raise dates
    if not dates:
        return Completed(name="Nothing new", message="every loaded delivery is published")
    return Completed(message=f"published marts as of {', '.join(map(str, dates))}")


def _publish_as_run(settings: Settings, as_of: dt.date | None) -> list[dt.date]:
    settings.prepare()
    with warehouse(settings) as engine, recorded_run(engine, settings, "publish", as_of, str(flow_run.id)) as run:
        dates = publish_changes(engine, settings, as_of, run.run_id)
        write_receipts(engine, settings, [], None)  # of documents of which others now say something else
        return dates
