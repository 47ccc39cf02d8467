"""What archived bytes say: a first look tells what each delivery is, a reading of many together all of it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from functools import partial

from contracts.reading import PupilStream, Reading
from flows.home.faults import Fault, guarded, guarded_all
from flows.intake.arrival import Arrival
from flows.intake.contexts import as_stated
from flows.intake.opening import DeliveryFiles, weight
from transforms.interpret import Context, Delivery, interpret
from transforms.tables.identify import identify


def recognised(arrivals: Sequence[Arrival], files: DeliveryFiles) -> Iterator[Arrival | Fault]:
    """Find out the form, the sender and the date of each arrival, cheaply, in their order."""
    for arrival, delivery in zip(arrivals, files.look(arrivals), strict=True):
        yield (
            delivery
            if isinstance(delivery, Fault)
            else guarded(
                f"looking at delivery {arrival.sha256[:8]}",
                partial(_recognised, arrival, delivery),
                delivery=arrival.sha256,
            )
        )


def _recognised(arrival: Arrival, delivery: Delivery) -> Arrival:
    identified = identify(
        delivery, as_stated(Context(None, b""), arrival.stated)
    )  # who the pupils are is not asked yet
    return replace(
        arrival,
        form=identified.form.name if identified.form else None,
        sender=identified.sender,
        as_of=identified.as_of,
        cells=weight(delivery.content),
    )


def readings(batch: Sequence[Arrival], context: Context, files: DeliveryFiles) -> list[Reading | PupilStream | Fault]:
    """Interpret arrivals of one form together, in the same order; one on which our code fails stops no other."""
    opened = list(files.read(batch))
    deliveries = [each for each in opened if isinstance(each, Delivery)]
    answers = iter(
        guarded_all("interpreting", lambda some: interpret(some, context), deliveries, lambda each: each.sha256)
    )
    return [each if isinstance(each, Fault) else next(answers) for each in opened]


def drained(answer: Reading | PupilStream) -> Reading:
    """The reading; a stream of pupils is run to its end and its rows are dropped."""
    if isinstance(answer, Reading):
        return answer
    for _ in answer:
        pass
    return answer.reading()
