"""What was received is read and loaded: what was read before keeps its outcome, registers come first."""

from __future__ import annotations

from collections.abc import Sequence

from flows.home.faults import Fault
from flows.home.progress import report
from flows.intake.arrival import Arrival, Key
from flows.intake.batches import batches, in_turns
from flows.intake.came_back import alone, explained
from flows.intake.intake import Intake
from flows.intake.loading import process_all
from flows.intake.outcome import Outcome, failed, in_order, unique
from flows.intake.readings import recognised
from flows.intake.seen import recalled
from flows.intake.spread import spread_of
from warehouse.deliveries.load import counts_at, readings_of
from warehouse.deliveries.recall import recall_readings


def take_in(intake: Intake, arrived: Sequence[Arrival | Outcome]) -> list[Outcome]:
    """Interpret and load what is new; an outcome for each that arrived."""
    arrivals = unique(arrived)
    outcomes = recall(intake, arrivals)
    deliveries, wrong = look(intake, [arrival for arrival in arrivals if arrival.key not in outcomes])
    outcomes |= {outcome.key: outcome for outcome in wrong}
    report(len(outcomes), len(arrivals))
    for turn in in_turns(deliveries):
        for done in process_all(intake, list(batches(turn))):
            outcomes |= {outcome.key: outcome for outcome in done}
            report(len(outcomes), len(arrivals))
    return in_order(arrived, outcomes)


def recall(intake: Intake, arrivals: Sequence[Arrival]) -> dict[Key, Outcome]:
    """Outcomes of arrivals that were read before; one that older rules refused is to be read again."""
    with intake.engine.connect() as connection:
        answering = readings_of(connection, [arrival.recorded_id for arrival in arrivals], intake.version)
        readings = recall_readings(connection, set(answering.values()))
    return {
        arrival.key: recalled(arrival, readings[answering[arrival.recorded_id]])
        for arrival in arrivals
        if arrival.recorded_id in answering
    }


def look(intake: Intake, arrivals: Sequence[Arrival]) -> tuple[list[Arrival], list[Outcome]]:
    """The arrivals with what each of them is, the older first; and outcomes of those at which even a look failed, and
    of receipts that came back without a table: they hold explanations alone, which are taken at once."""
    deliveries, done = [], []
    spread = spread_of(intake.settings, len(arrivals))
    found = recognised(arrivals, intake.files) if spread is None else spread.recognised(arrivals, intake.settings)
    for arrival, recognition in zip(arrivals, found, strict=True):
        if isinstance(recognition, Fault):
            done.append(failed(arrival, recognition))
        elif words := alone(recognition):
            done.append(explained(intake, recognition, words))
        else:
            deliveries.append(recognition)
    turn = counts_at(intake.engine, [arrival.recorded_id for arrival in deliveries])
    deliveries.sort(key=lambda arrival: (turn[arrival.recorded_id], arrival.recorded_id))
    return deliveries, done
