"""The inbox by day: what came since the last look is taken in as a night would do it; else nothing happens."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from prefect import flow
from prefect.client.schemas.objects import State
from prefect.states import Completed
from prefect.task_runners import ThreadPoolTaskRunner

from contracts.regions import regions
from contracts.regions.pack import Region
from flows.home.connection import warehouse
from flows.home.faults import Fault, guarded
from flows.home.settings import Settings
from flows.intake.incoming import Incoming, discover, lying_with
from flows.intake.receiving import still_unread
from flows.intake.seen import news
from flows.nightly import run_name, taken_in
from flows.runs.record import settings_of
from warehouse.deliveries.received import has_a_night, was_cut_off

if TYPE_CHECKING:
    from sqlalchemy import Engine

NOTHING_NEW = "Nothing new"


@flow(
    name="inbox",
    flow_run_name=run_name,
    task_runner=ThreadPoolTaskRunner(max_workers=Settings().workers),  # type: ignore[arg-type]
    persist_result=False,
)
def inbox(home: str | None = None) -> State[Any]:
    """Take in what came, region by region, publish what it changes, and write receipts; end at once when nothing
    came."""
    settings = settings_of(home)
    to_look_at = guarded("looking into the inbox", partial(regions_with_news, settings))
    if isinstance(to_look_at, Fault):
        raise to_look_at
    if not to_look_at:
        return Completed(name=NOTHING_NEW, message="nothing came since the last look")
    return taken_in(settings, to_look_at, None, "inbox")


def regions_with_news(settings: Settings) -> list[Region]:
    """The regions of which there is a file that nobody has seen, or no inbox, or whose last run saw a file and ended
    before it read it. One whose night takes it in at this moment is looked at next time."""
    settings.prepare()
    files = discover(settings.inbox)
    with warehouse(settings) as engine:
        return [region for region in regions() if _has_news(engine, region, lying_with(region, files))]


def _has_news(engine: Engine, region: Region, files: list[Incoming]) -> bool:
    with engine.connect() as connection:
        if has_a_night(connection, region.code):
            return False
    if news(engine, files):
        return True
    with engine.connect() as connection:
        return was_cut_off(connection, region.code) and bool(still_unread(connection, region))
