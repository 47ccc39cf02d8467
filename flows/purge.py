"""Removing what need not be kept any longer."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.home.faults import Fault, guarded
from flows.nightly import run_name
from flows.runs.record import settings_of


@flow(name="purge", flow_run_name=run_name, persist_result=False)
def purge(home: str | None = None) -> State[Any]:
    """Remove what is older than the settings keep it."""
    from flows.upkeep.retention import purge as remove

    settings = settings_of(home)
    purged = guarded("removing what is old", partial(remove, settings, dt.datetime.now(dt.UTC)))
    if isinstance(purged, Fault):
        raise purged
    return Completed(message=str(purged))
