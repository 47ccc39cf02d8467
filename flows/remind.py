"""The reminders of a working day."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.runtime import flow_run
from prefect.states import Completed

from contracts.regions import regions
from flows.home.connection import warehouse
from flows.home.faults import Fault, guarded
from flows.home.settings import Settings
from flows.messages.reminders import remind as write_reminders
from flows.nightly import business_date, run_name
from flows.runs.record import recorded_run, settings_of
from warehouse.schema.calendar import is_working_day


@flow(name="remind", flow_run_name=run_name, persist_result=False)
def remind(home: str | None = None) -> State[Any]:
    """Remind senders of what is due, and send it; on a day that is not worked, end at once."""
    settings = settings_of(home)
    day = business_date(settings.timezone)
    written = guarded("reminding the senders", partial(_remind_as_run, settings, day, dt.datetime.now(dt.UTC)))
    if isinstance(written, Fault):
        raise written
    if written is None:
        return Completed(name="Not a working day", message=f"{day} is not a working day")
    return Completed(message=f"{written} reminders were written")


def _remind_as_run(settings: Settings, day: dt.date, now: dt.datetime) -> int | None:
    """How many reminders were written; None when the day is not worked."""
    settings.prepare()
    with warehouse(settings) as engine:
        with engine.connect() as connection:
            if not is_working_day(connection, regions()[0].code, day):
                return None
        with recorded_run(engine, settings, "remind", day, str(flow_run.id)) as run:  # which sends what is written
            return write_reminders(engine, settings, now, run.run_id)
