"""The watchdog: is the night there, did runs die without a word, and is everything said that was to be said.

Prefect's automations start it when a run fails, is late or is missed; it also looks by itself. What it finds goes the
way of every incident, so that nothing is told twice. No automation watches the watchdog: else it would start itself.
"""

from __future__ import annotations

import datetime as dt
import os
from functools import partial
from typing import TYPE_CHECKING, Any

from prefect import flow, get_run_logger
from prefect.client.schemas.objects import State
from prefect.states import Completed

from contracts.regions import regions
from flows.home.connection import warehouse
from flows.home.faults import Fault, guarded
from flows.home.settings import Settings
from flows.nightly import run_name
from flows.runs.freshness import all_fresh, freshness
from flows.runs.record import settings_of
from flows.service.deployments import whose
from flows.service.drain import crash_silent
from flows.service.prefect_api import Api
from flows.service.taken_up import take_up
from warehouse.deliveries.received import finish_run, open_runs, recorded_runs, start_run

if TYPE_CHECKING:
    from sqlalchemy import Engine

LOOKS_BACK = dt.timedelta(days=1)
ENDED_BADLY = {"FAILED": "failed", "CRASHED": "crashed"}
OVER = {"COMPLETED", "CANCELLED", *ENDED_BADLY}
WATCHED = ("nightly", "inbox", "publish", "remind", "purge")


@flow(name="watchdog", flow_run_name=run_name, persist_result=False)
def watchdog(home: str | None = None) -> State[Any]:
    """Clear away dead runs, begin nights of dead machines again, ask how fresh the warehouse is, and send what is to be
    told."""
    settings = settings_of(home)
    api = Api(os.environ["PREFECT_API_URL"], os.environ.get("PREFECT_API_AUTH_STRING"))
    now = dt.datetime.now(dt.UTC)
    failure = guarded("looking around", partial(_look_around, settings, api, now))
    if isinstance(failure, Fault):
        raise failure
    answer = all_fresh(freshness(settings, now, regions()))
    return Completed(name="Fresh" if answer.fresh else "Not fresh", message=answer.sentence)


def _look_around(settings: Settings, api: Api, now: dt.datetime) -> None:
    from flows.messages.after_run import tell_of_incidents

    logger = get_run_logger()
    settings.prepare()
    for run in crash_silent(api, dt.timedelta(seconds=settings.silent_seconds)):
        logger.warning("%s gave no sign of life and is marked as crashed", run["name"])
    with warehouse(settings) as engine:
        for name in _record_ends(engine, api, now):
            logger.warning("%s ended without saying so", name)
        for run in take_up(api, now):
            logger.warning("%s is there in place of a night that crashed", run["name"])
        for region in regions():
            guarded(f"telling of incidents of {region.code}", partial(tell_of_incidents, engine, settings, region, now))


def _record_ends(engine: Engine, api: Api, now: dt.datetime) -> list[str]:
    """Record in the warehouse how runs ended that could not do so themselves; returns their names.

    A killed run has left «running» there, and one that failed before it reached the warehouse has left nothing.
    """
    since = now - LOOKS_BACK
    with engine.connect() as connection:
        dead = [
            run_id for run_id, flow_run_id, began in open_runs(connection) if _is_over(api, flow_run_id, began < since)
        ]
    bad = {
        run["id"]: run
        for run in api.runs(tuple(ENDED_BADLY), end_time={"after_": since.isoformat()})
        if run["state"]["name"] != "Refused"  # whoever asked for that backfill was told
    }
    deployed = {deployment["id"]: whose(deployment["name"]) for deployment in api.deployments()}
    ended = [f"run {run_id}" for run_id in dead]
    with engine.begin() as connection:
        for run_id in dead:
            finish_run(connection, run_id, "crashed")
        recorded = recorded_runs(connection, list(bad))
        for flow_run_id, run in bad.items():
            kind, region = deployed.get(run["deployment_id"], ("", None))
            if flow_run_id not in recorded and kind in WATCHED:
                state = ENDED_BADLY[run["state"]["type"]]
                finish_run(connection, start_run(connection, kind, flow_run_id=flow_run_id, region=region), state)
                ended.append(run["name"])
    return ended


def _is_over(api: Api, flow_run_id: str, is_old: bool) -> bool:
    """Has a run ended? One that Prefect does not know is another server's, perhaps that of a command that still works:
    it is over when it is old."""
    run = api.call("GET", f"/flow_runs/{flow_run_id}")
    return is_old if run is None else run["state"]["type"] in OVER
