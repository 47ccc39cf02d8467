"""Readings are loaded into the warehouse, and each delivery has its outcome, whatever happens."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextvars import copy_context
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from typing import TypeVar

from contracts.reading import Reading, Stream, answer
from documents.reading.sandbox import result
from flows.home.faults import LOGGER, Fault, guarded, guarded_all
from flows.home.log import logged
from flows.intake.arrival import REGISTER_FORM, Arrival, Key
from flows.intake.came_back import brought
from flows.intake.intake import Intake
from flows.intake.outcome import Outcome, failed, outcome_of, waiting
from flows.intake.readings import NEED_SCHOOLS, WITH_PUPILS, readings
from flows.intake.spread import Job, Spread, spread_of
from warehouse.deliveries.load import LoadResult, load_many, load_stream

T = TypeVar("T")
R = TypeVar("R")


@dataclass(frozen=True)
class Interpreted:
    """A batch with what each of its deliveries says, or with their outcomes when they are not to be read now."""

    batch: Sequence[Arrival]
    readings: Sequence[Reading | Stream | Fault]
    outcomes: Sequence[Outcome] = ()


def process(intake: Intake, batch: Sequence[Arrival]) -> list[Outcome]:
    """Interpret and load deliveries of one form and date; an outcome for each, in their order."""
    return loaded(intake, interpreted(intake, batch))


def process_all(intake: Intake, batches: Sequence[Sequence[Arrival]]) -> Iterator[list[Outcome]]:
    """The same of batches of one turn, one after the other: while one is being loaded the next is interpreted, by other
    processes where the settings say so.

    Not so with registers, since what is read is judged by them.
    """
    spread = spread_of(intake.settings, sum(map(len, batches)))
    if spread is not None and not batches[0][0].is_register:
        yield from _spread(intake, spread, batches)
        return
    each = map(partial(interpreted, intake), batches)
    first = next(each, None)
    if first is None:
        return
    if any(arrival.is_register for arrival in first.batch):
        yield from (loaded(intake, one) for one in chain([first], each))
    else:
        yield from beside(partial(loaded, intake), chain([first], each))


def _spread(intake: Intake, spread: Spread, batches: Sequence[Sequence[Arrival]]) -> Iterator[list[Outcome]]:
    """Of batches of one turn those that can be are interpreted by other processes, and loaded as they come back."""
    here = [batch for batch in batches if batch[0].form in WITH_PUPILS]
    there = (_ready(intake, batch) for batch in batches if batch[0].form not in WITH_PUPILS)
    not_now: list[Interpreted] = []

    def jobs() -> Iterator[Job]:
        for each in there:
            if isinstance(each, Interpreted):
                not_now.append(each)
            else:
                yield each

    for job, answers in spread.read(jobs(), intake.settings):
        yield loaded(intake, Interpreted(job.batch, answers))
    yield from (loaded(intake, each) for each in not_now)
    yield from (process(intake, batch) for batch in here)


def beside(work: Callable[[T], R], things: Iterable[T]) -> Iterator[R]:
    """What comes of some work on things, in their order: each is worked on in a thread while the next one is made."""
    with ThreadPoolExecutor(1, "profmin loading") as thread:
        running: Future[R] | None = None
        for thing in things:
            if running is not None:
                yield result(running)
            running = thread.submit(copy_context().run, work, thing)
        if running is not None:
            yield result(running)


def interpreted(intake: Intake, batch: Sequence[Arrival]) -> Interpreted:
    """Read deliveries of one form and date."""
    ready = _ready(intake, batch)
    if isinstance(ready, Interpreted):
        return ready
    return Interpreted(batch, readings(batch, ready.context, intake.files))


def _ready(intake: Intake, batch: Sequence[Arrival]) -> Job | Interpreted:
    """Deliveries with what they are read with; with their outcomes when they are not to be read now."""
    if not batch:
        return Interpreted(batch, ())
    context = guarded("reading the register", partial(intake.contexts.of, batch))
    if isinstance(context, Fault):
        return Interpreted(batch, (), [failed(arrival, context) for arrival in batch])
    whose = batch[0].region  # of nobody's file there is no register to wait for: it is refused by what is known
    if context.register is None and whose is not None and batch[0].form in NEED_SCHOOLS:
        LOGGER.info("%d deliveries of %s wait: no register of schools is loaded yet", len(batch), batch[0].form)
        return Interpreted(batch, (), [waiting(arrival, REGISTER_FORM) for arrival in batch])
    return Job(batch, context)


def loaded(intake: Intake, interpreted_batch: Interpreted) -> list[Outcome]:
    """Load what deliveries say; an outcome for each, in their order."""
    batch = interpreted_batch.batch
    if interpreted_batch.outcomes:
        return list(interpreted_batch.outcomes)
    results: dict[Key, LoadResult | Fault] = {}
    whole: list[tuple[Arrival, Reading]] = []
    for arrival, reading in zip(batch, interpreted_batch.readings, strict=True):
        if isinstance(reading, Fault):
            results[arrival.key] = reading
        elif isinstance(reading, Reading):
            whole.append((arrival, reading))
        else:
            results[arrival.key] = _load_stream(intake, arrival, reading)
    stored = guarded_all("loading", partial(_load_together, intake), whole, lambda pair: pair[0].sha256)
    results |= {arrival.key: result for (arrival, _), result in zip(whole, stored, strict=True)}
    if any(arrival.is_register for arrival in batch):
        intake.contexts.forget()
    return [_outcome(arrival, results[arrival.key]) for arrival in batch]


def _load_together(intake: Intake, whole: Sequence[tuple[Arrival, Reading]]) -> list[LoadResult]:
    pairs = [(reading, arrival.recorded_id) for arrival, reading in whole]
    back = [each for arrival, _ in whole if (each := brought(intake, arrival))]
    return load_many(intake.engine, pairs, intake.version, intake.run_id, intake.settings.lock_wait, back)


def _load_stream(intake: Intake, arrival: Arrival, stream: Stream) -> LoadResult | Fault:
    return guarded(
        f"loading delivery {arrival.sha256[:8]}",
        lambda: load_stream(
            intake.engine,
            stream,
            arrival.recorded_id,
            intake.version,
            intake.run_id,
            intake.settings.lock_wait,
            brought(intake, arrival),
            intake.settings.scratch or intake.settings.home,
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
