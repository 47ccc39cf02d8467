"""What counts now, told of each file of a run in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from contracts.texts import phrases
from flows.intake.outcome import Outcome
from warehouse.deliveries.in_force import Counts, in_force

if TYPE_CHECKING:
    from sqlalchemy import Engine


def with_what_counts(engine: Engine, outcomes: Sequence[Outcome], zone: ZoneInfo) -> list[Outcome]:
    """The outcomes of a run whose readings are all loaded, each with what counts now in its place."""
    readings = {each.reading_id for each in outcomes if each.reading_id is not None}
    with engine.connect() as connection:
        found = in_force(connection, readings)
    return [
        replace(each, in_force=sentence(each, found[each.reading_id], zone), counts=counts(each, found))
        if each.reading_id in found
        else each
        for each in outcomes
    ]


def counts(outcome: Outcome, found: dict[int, Counts | None]) -> bool:
    now = found.get(outcome.reading_id or 0)
    return now is not None and now.reading_id == outcome.reading_id


def sentence(outcome: Outcome, now: Counts | None, zone: ZoneInfo) -> str:
    """What counts, as people say it."""
    said = phrases()
    if now is None:
        day = outcome.as_of
        return said["counts.nothing_then"].format(day=f"{day:%d.%m.%Y}") if day else said["counts.nothing"]
    if now.reading_id == outcome.reading_id:
        return said["counts.this"]
    when = f"{now.came_at.astimezone(zone):%d.%m.%Y %H:%M}"
    return said["counts.other"].format(file=now.file, when=when, day=f"{now.as_of:%d.%m.%Y}")
