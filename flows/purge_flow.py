"""Removing what need not be kept any longer."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed

from flows.nightly import run_name, settings_of
from flows.trouble import Fault, guarded


@flow(name="purge", flow_run_name=run_name, persist_result=False)
def purge(home: str | None = None) -> State[Any]:
    """Remove what is older than the settings keep it."""
    from flows.purge import purge as remove

    settings = settings_of(home)
    found = guarded("removing what is old", partial(remove, settings, dt.datetime.now(dt.UTC)))
    if isinstance(found, Fault):
        raise found
    return Completed(message=str(found))
