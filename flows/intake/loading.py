"""Readings are loaded into the warehouse, and each delivery has its outcome, whatever happens."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from functools import partial

from contracts.reading import PupilStream, Reading, answer
from flows.home.faults import LOGGER, Fault, guarded, guarded_all
from flows.home.log import logged
from flows.intake.arrival import REGISTER_FORM, Arrival, Key
from flows.intake.intake import Intake
from flows.intake.outcome import Outcome, failed, outcome_of, waiting
from flows.intake.readings import NEED_SCHOOLS, readings
from warehouse.deliveries.load import LoadResult, load_many, load_pupils


def process(intake: Intake, batch: Sequence[Arrival]) -> list[Outcome]:
    """Interpret and load deliveries of one form and date; an outcome for each, in their order."""
    if not batch:
        return []
    context = guarded("reading the register", partial(intake.contexts.of, batch))
    if isinstance(context, Fault):
        return [failed(arrival, context) for arrival in batch]
    if context.register is None and batch[0].form in NEED_SCHOOLS:
        LOGGER.info("%d deliveries of %s wait: no register of schools is loaded yet", len(batch), batch[0].form)
        return [waiting(arrival, REGISTER_FORM) for arrival in batch]
    results: dict[Key, LoadResult | Fault] = {}
    whole: list[tuple[Arrival, Reading]] = []
    for arrival, reading in zip(batch, readings(batch, context, intake.files), strict=True):
        if isinstance(reading, Fault):
            results[arrival.key] = reading
        elif isinstance(reading, Reading):
            whole.append((arrival, reading))
        else:
            results[arrival.key] = _load_pupils(intake, arrival, reading)
    loaded = guarded_all("loading", partial(_load_together, intake), whole, lambda pair: pair[0].sha256)
    results |= {arrival.key: result for (arrival, _), result in zip(whole, loaded, strict=True)}
    if any(arrival.is_register for arrival in batch):
        intake.contexts.forget()
    return [_outcome(arrival, results[arrival.key]) for arrival in batch]


def _load_together(intake: Intake, whole: Sequence[tuple[Arrival, Reading]]) -> list[LoadResult]:
    pairs = [(reading, arrival.recorded_id) for arrival, reading in whole]
    return load_many(intake.engine, pairs, intake.version, intake.run_id, intake.settings.lock_wait)


def _load_pupils(intake: Intake, arrival: Arrival, stream: PupilStream) -> LoadResult | Fault:
    return guarded(
        f"loading delivery {arrival.sha256[:8]}",
        lambda: load_pupils(
            intake.engine, stream, arrival.recorded_id, intake.version, intake.run_id, intake.settings.lock_wait
        ),
        delivery=arrival.sha256,
    )


def _outcome(arrival: Arrival, result: LoadResult | Fault) -> Outcome:
    """The outcome of a delivery; the log hears of what was loaded."""
    if isinstance(result, Fault):
        return failed(arrival, result)
    reading = result.reading
    with logged(delivery=arrival.sha256):
        LOGGER.info(
            "delivery %s: %s of %s for %s is %s; read %d, loaded %d, quarantined %d, %d findings; reading %d is %s",
            arrival.sha256[:8], reading.form, reading.sender, reading.as_of, reading.verdict, reading.rows.read,
            reading.rows.loaded, reading.rows.quarantined, reading.findings.height, result.reading_id,
            result.status,
        )  # fmt: skip
    return replace(
        outcome_of(reading, arrival), reading_id=result.reading_id, is_repeat=result.status == "same",
        verdict=answer(reading.verdict, result.status), status=result.status,
    )  # fmt: skip
