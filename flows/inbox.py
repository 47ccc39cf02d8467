"""The inbox by day: what came since the last look is taken in as a night would do it; else nothing happens."""

from __future__ import annotations

from functools import partial
from typing import Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner

from contracts.versions.rule_versions import contract_version
from flows.home.connection import warehouse
from flows.home.faults import Fault, guarded
from flows.home.settings import Settings
from flows.intake.incoming import discover
from flows.intake.seen import news
from flows.nightly import business_date, run_name, taken_in
from flows.runs.record import settings_of
from warehouse.deliveries.received import was_interrupted

NOTHING_NEW = "Nothing new"


@flow(
    name="inbox",
    flow_run_name=run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=Settings().workers),  # type: ignore[arg-type]
    persist_result=False,
)
def inbox(home: str | None = None) -> State[Any]:
    """Take in what came, publish what it changes, and write receipts; end at once when nothing came."""
    settings = settings_of(home)
    is_news = guarded("looking into the inbox", partial(something_came, settings))
    if isinstance(is_news, Fault):
        raise is_news
    if not is_news:
        return Completed(name=NOTHING_NEW, message="nothing came since the last look")
    return taken_in(settings, business_date(settings.timezone), "inbox")


def something_came(settings: Settings) -> bool:
    """Is there a file that nobody has seen, or no inbox, or did the run that saw a file end before it read it?"""
    settings.prepare()
    files = discover(settings.inbox)
    with warehouse(settings) as engine:
        if news(engine, files):
            return True
        with engine.connect() as connection:
            return was_interrupted(connection, contract_version())
