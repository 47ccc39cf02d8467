"""Publish marts without taking anything in: of a date that somebody asks for, or of what is not published yet."""

from __future__ import annotations

import datetime as dt
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from contracts.regions.pack import Region
from flows.home.asked_region import asked_regions
from flows.home.connection import warehouse
from flows.home.settings import Settings
from flows.intake.publishing import publish_changes
from flows.nightly import run_name
from flows.outbox.receipts import write_receipts
from flows.page.after_publish import write_site
from flows.runs.each_region import in_one, of_each
from flows.runs.record import recorded_run, settings_of


@flow(name="publish", flow_run_name=run_name, persist_result=False)
def publish(as_of: dt.date | None = None, home: str | None = None, region: str | None = None) -> State[Any]:
    """Publish the marts of a date, and of every date that what was loaded since then may have changed: of a region, or
    of all that are in force, one after the other."""
    settings = settings_of(home)
    published = of_each(
        asked_regions(region), "publishing the marts", lambda each: _publish_as_run(settings, each, as_of)
    )
    if not any(published.values()):
        return Completed(name="Nothing new", message="every loaded delivery is published")
    told = {code: f"published marts as of {', '.join(map(str, dates))}" for code, dates in published.items() if dates}
    return Completed(message=in_one(told))


def _publish_as_run(settings: Settings, region: Region, as_of: dt.date | None) -> list[dt.date]:
    settings.prepare()
    with (
        warehouse(settings) as engine,
        recorded_run(engine, settings, "publish", region, as_of, str(flow_run.id)) as run,
    ):
        dates = publish_changes(engine, settings, region, as_of, run.run_id)
        write_receipts(engine, settings, region, [], None)  # of documents of which others now say something else
        write_site(engine, settings, region)
        return dates
