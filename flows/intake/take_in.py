"""What was received is read and loaded: what was read before keeps its outcome, registers come first."""

from __future__ import annotations

from collections.abc import Sequence

from flows.home.faults import Fault
from flows.home.progress import report
from flows.intake.arrival import Arrival, Key
from flows.intake.batches import batches, in_turns
from flows.intake.intake import Intake
from flows.intake.loading import process
from flows.intake.outcome import Outcome, failed, in_order, unique
from flows.intake.readings import recognised
from flows.intake.seen import recalled
from warehouse.deliveries.load import counts_at, readings_of
from warehouse.deliveries.recall import stored_readings


def take_in(intake: Intake, arrived: Sequence[Arrival | Outcome]) -> list[Outcome]:
    """Interpret and load what is new; an outcome for each that arrived."""
    arrivals = unique(arrived)
    outcomes = recall(intake, arrivals)
    known, wrong = look(intake, [each for each in arrivals if each.key not in outcomes])
    outcomes |= {outcome.key: outcome for outcome in wrong}
    report(len(outcomes), len(arrivals))
    for part in in_turns(known):
        for batch in batches(part):
            outcomes |= {outcome.key: outcome for outcome in process(intake, batch)}
            report(len(outcomes), len(arrivals))
    return in_order(arrived, outcomes)


def recall(intake: Intake, arrivals: Sequence[Arrival]) -> dict[Key, Outcome]:
    """Outcomes of arrivals that were read before; one that older rules refused is to be read again."""
    with intake.engine.connect() as connection:
        answering = readings_of(connection, [each.recorded_id for each in arrivals], intake.version)
        stored = stored_readings(connection, set(answering.values()))
    return {
        each.key: recalled(each, stored[answering[each.recorded_id]])
        for each in arrivals
        if each.recorded_id in answering
    }


def look(intake: Intake, arrivals: Sequence[Arrival]) -> tuple[list[Arrival], list[Outcome]]:
    """The arrivals with what each of them is, the older first; with those at which even a look failed."""
    known, wrong = [], []
    for arrival, found in zip(arrivals, recognised(arrivals, intake.opener), strict=True):
        if isinstance(found, Fault):
            wrong.append(failed(arrival, found))
        else:
            known.append(found)
    turn = counts_at(intake.engine, [each.recorded_id for each in known])
    known.sort(key=lambda each: (turn[each.recorded_id], each.recorded_id))
    return known, wrong
