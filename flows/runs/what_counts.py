"""What counts now, told of each file of a run in one sentence."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from contracts.regions import zone_at
from contracts.texts import phrases
from flows.intake.outcome import Outcome
from warehouse.deliveries.in_force import Counts, in_force
from warehouse.deliveries.judging import said_across

if TYPE_CHECKING:
    from sqlalchemy import Engine


def with_what_counts(engine: Engine, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes of a run whose readings are all loaded, each with what counts now in its place."""
    readings = {outcome.reading_id for outcome in outcomes if outcome.reading_id is not None}
    with engine.connect() as connection:
        in_place = in_force(connection, readings)
    return [
        replace(
            outcome,
            in_force=_sentence(outcome, in_place[outcome.reading_id]),
            counts=_counts(outcome, in_place[outcome.reading_id]),
        )
        if outcome.reading_id in in_place
        else outcome
        for outcome in outcomes
    ]


def with_what_others_say(engine: Engine, outcomes: Sequence[Outcome]) -> list[Outcome]:
    """The outcomes of a run that has published, with what rules across forms now say of each."""
    with engine.connect() as connection:
        said = said_across(connection, {outcome.reading_id for outcome in outcomes if outcome.reading_id is not None})
    return [
        replace(
            outcome,
            findings=(
                *(finding for finding in outcome.findings if finding.scope != "forms"),
                *said.get(outcome.reading_id or 0, ()),
            ),
        )
        for outcome in outcomes
    ]


def _counts(outcome: Outcome, now: Counts | None) -> bool:
    return now is not None and now.reading_id == outcome.reading_id


def _sentence(outcome: Outcome, now: Counts | None) -> str:
    """What counts, as people say it."""
    words = phrases()
    if now is None:
        day = outcome.as_of
        return words["counts.nothing_then"].format(day=f"{day:%d.%m.%Y}") if day else words["counts.nothing"]
    if now.reading_id == outcome.reading_id:
        return words["counts.this"]
    when = f"{now.came_at.astimezone(zone_at(outcome.sender)):%d.%m.%Y %H:%M}"
    return words["counts.other"].format(file=now.file, when=when, day=f"{now.as_of:%d.%m.%Y}")
