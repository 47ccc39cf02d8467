"""The reminders of a working day."""

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
from flows.messages.reminders import remind as write_reminders
from flows.nightly import business_date, run_name
from flows.runs.each_region import in_one, of_each
from flows.runs.record import recorded_run, settings_of
from warehouse.schema.calendar import is_working_day


@flow(name="remind", flow_run_name=run_name, persist_result=False)
def remind(home: str | None = None, region: str | None = None) -> State[Any]:
    """Remind senders of what is due, and send it: those of a region, or of all that are in force, one after the other;
    on a day that is not worked there, end at once."""
    settings = settings_of(home)
    now = dt.datetime.now(dt.UTC)
    chosen = asked_regions(region)
    days = {each.code: business_date(each.zone) for each in chosen}
    written = of_each(
        chosen, "reminding the senders", lambda each: _remind_as_run(settings, each, days[each.code], now)
    )
    told = {
        code: f"{days[code]} is not a working day" if count is None else f"{count} reminders were written"
        for code, count in written.items()
    }
    is_idle = all(count is None for count in written.values())
    return Completed(name="Not a working day" if is_idle else "Completed", message=in_one(told))


def _remind_as_run(settings: Settings, region: Region, day: dt.date, now: dt.datetime) -> int | None:
    """How many reminders were written; None when the day is not worked."""
    settings.prepare()
    with warehouse(settings) as engine:
        with engine.connect() as connection:
            if not is_working_day(connection, region.code, day):
                return None
        with recorded_run(engine, settings, "remind", region, day, str(flow_run.id)) as run:  # which sends them
            return write_reminders(engine, settings, region, now, run.run_id)
