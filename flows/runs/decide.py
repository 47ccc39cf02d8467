"""An officer's decision on a delivery that waits, or on explanations: a run that publishes and tells the sender."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING, Literal

from contracts.explanation import Decision
from contracts.regions import region_of, regions
from contracts.regions.pack import Region
from flows.home.connection import warehouse
from flows.home.faults import Fault, guarded
from flows.home.settings import Settings
from flows.intake.publishing import publish_changes
from flows.outbox.receipts import write_receipts
from flows.page.after_publish import write_site
from flows.runs.record import recorded_run
from warehouse.deliveries.decision import Decided, decide
from warehouse.deliveries.explanation_decision import DecidedOf, decide_of
from warehouse.deliveries.receipt_contents import addresses

if TYPE_CHECKING:
    from sqlalchemy import Engine

KIND = "decision"


def decide_and_publish(
    settings: Settings, delivery_id: int, decision: Literal["current", "declined"], by: str, reason: str
) -> tuple[Decided, list[dt.date]]:
    """Decide, publish what that changes, write the receipt again; what was decided and the dates published.

    Deciding the same again publishes what may still wait for it. Raises NotWaiting, Timeout.
    """
    settings.prepare()
    with warehouse(settings) as engine:
        outcome = decide(engine, delivery_id, decision, by, reason, settings.lock_wait)
        with engine.connect() as connection:
            region = region_of(addresses(connection, [outcome.reading_id])[outcome.reading_id].place)
        message = f"delivery {delivery_id}: {'accepted' if decision == 'current' else 'declined'}"
        dates = _told(engine, settings, region, message)
    return outcome, dates


def decide_of_explanations(
    settings: Settings, ids: Sequence[int], decision: Decision, by: str, reason: str | None
) -> tuple[list[DecidedOf], list[dt.date]]:
    """The same of explanations, which may be of several regions. Raises NotThere, Timeout."""
    settings.prepare()
    dates: set[dt.date] = set()
    with warehouse(settings) as engine:
        decided = decide_of(engine, ids, decision, by, reason, settings.lock_wait)
        of_regions = {each.region for each in decided}
        for region in regions():
            if region.code in of_regions:
                many = sum(each.region == region.code for each in decided)
                dates.update(_told(engine, settings, region, f"{many} explanations: {decision}"))
    return decided, sorted(dates)


def _told(engine: Engine, settings: Settings, region: Region, message: str) -> list[dt.date]:
    """Publish what a decision changes, write receipts and the page again, as a run; the dates published."""
    with recorded_run(engine, settings, KIND, region, None, None) as run:
        run.message = message
        published = guarded("publishing", partial(publish_changes, engine, settings, region, None, run.run_id))
        if isinstance(published, Fault):
            raise published
        write_receipts(engine, settings, region, [], None)
        write_site(engine, settings, region)
    return published
