"""An officer's decision on a delivery that waits: recorded as a run, published, and told to the sender."""

from __future__ import annotations

import datetime as dt
from functools import partial
from typing import Literal

from contracts.regions import region_of
from flows.home.connection import warehouse
from flows.home.faults import Fault, guarded
from flows.home.settings import Settings
from flows.intake.publishing import publish_changes
from flows.outbox.receipts import write_receipts
from flows.runs.record import recorded_run
from warehouse.deliveries.decision import Decided, decide
from warehouse.deliveries.receipt_contents import addresses

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
        dates: list[dt.date] = []
        with recorded_run(engine, settings, KIND, region, None, None) as run:
            run.message = f"delivery {delivery_id}: {'accepted' if decision == 'current' else 'declined'}"
            published = guarded("publishing", partial(publish_changes, engine, settings, region, None, run.run_id))
            if isinstance(published, Fault):
                raise published
            dates = published
            write_receipts(engine, settings, region, [], None)
    return outcome, dates
