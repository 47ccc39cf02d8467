"""After a run: look at the incidents, write down what is to be told, send what is due."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from contracts.regions.pack import Region
from flows.home.settings import Settings
from flows.messages.composing import compose
from flows.messages.delivering import Delivered, deliver
from flows.messages.routing import routes
from warehouse.core.transaction import retried
from warehouse.incidents.messages import enqueue, hearers_of, working_days
from warehouse.incidents.observe import observe

if TYPE_CHECKING:
    from sqlalchemy import Engine


def tell_of_incidents(
    engine: Engine, settings: Settings, region: Region, now: dt.datetime, run_id: int | None = None
) -> Delivered:
    """Bring the incidents of a region, and of the installation, up to date and tell the recipients what happened.

    What is observed and its messages are written in one transaction: nothing is noticed without being told. Sending
    comes after it. Raises what `deliver` raises; a wrong routing before anything was observed.
    """
    write_down(engine, settings, region, now, run_id)
    return deliver(engine, settings, now)


@retried
def write_down(engine: Engine, settings: Settings, region: Region, now: dt.datetime, run_id: int | None = None) -> int:
    """Observe the incidents and enqueue what is to be told; says how many messages are new."""
    tables = {region.code: routes(settings, region), None: routes(settings, None)}
    cool_down = dt.timedelta(days=settings.cool_down_days)
    with engine.begin() as connection:
        events = observe(
            connection, region.code, now, cool_down, settings.escalate_days, run_id,
            nightly_hours=settings.nightly_hours,
        )  # fmt: skip
        heard = hearers_of(connection, [event.incident_id for event in events if event.kind == "closed"])
        messages = [
            message
            for code, table in tables.items()
            for message in compose(
                [event for event in events if event.region == code], table, now, settings, heard,
                working_days(connection, code or ""),
            )
        ]  # fmt: skip
        return enqueue(connection, messages, now, run_id)
