"""What archived bytes say: deliveries are opened, a first look tells what each is, a reading of many all of it.

They are opened in the reader processes, ahead of who asks, and small ones only once. They are read with a context: the
register of their date, the secret of pseudonyms, and what was stated of them.
"""

from __future__ import annotations

import datetime as dt
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from dataclasses import replace
from functools import partial

import polars as pl

from contracts.circumstances import NOTHING_STATED, Stated
from contracts.forms import FORMS
from contracts.grid import Blocks, Grid, Unreadable
from contracts.reading import Reading, Stream
from documents.reading.sandbox import result
from flows.home.archived import readers
from flows.home.faults import Fault, guarded, guarded_all
from flows.home.settings import Settings
from flows.intake.arrival import Arrival, Key
from transforms.identity.identify import identify
from transforms.identity.returned import returned
from transforms.interpret import Context, Delivery, interpret

NEED_SCHOOLS = frozenset(
    form.name
    for form in FORMS
    if any(column.kind == "school_name" for edition in form.editions for column in edition.columns)
)
"""Forms whose facts are of schools."""
Content = Grid | Blocks | Unreadable
MOST_KEPT = 3_000_000
"""Cells of grids that are kept between the first look and the reading; about 200 MB."""
KEPT_BLOCKS = 250_000
"""For how many cells a large file counts: its table lies on the disk."""


RegisterOn = Callable[[str | None, dt.date | None], pl.DataFrame | None]
"""The register of a region that holds on a day, the newest without one: a frame as `Context` has it, or None, or one
without rows, where there is none."""


SecretOf = Callable[[dt.date | None], bytes]
"""The secret of pseudonyms: of pupils that of a day, of others the same for all."""
WITH_PUPILS = frozenset(form.name for form in FORMS if form.pupils is not None)


class Contexts:
    """The contexts of one run, one a region and day, for each of which `register_on` is asked once."""

    def __init__(self, register_on: RegisterOn, secret_of: SecretOf) -> None:
        self.register_on = register_on
        self.secret_of = secret_of
        self._of_day: dict[tuple[str | None, dt.date | None, bool], Context] = {}
        self._guard = threading.Lock()

    def of(self, batch: Sequence[Arrival]) -> Context:
        """That of deliveries of one form, region and date, of which the same was stated."""
        day, has_pupils = batch[0].stated.as_of or batch[0].as_of, batch[0].form in WITH_PUPILS
        asked = batch[0].region, day, has_pupils
        with self._guard:
            if asked not in self._of_day:
                schools = self.register_on(batch[0].region, day)
                secret = self.secret_of(day if has_pupils else None)
                self._of_day[asked] = Context(None if schools is None or schools.is_empty() else schools, secret)
            context = self._of_day[asked]
        return as_stated(context, batch[0].stated)

    def forget(self) -> None:
        """A register was loaded: ask anew."""
        with self._guard:
            self._of_day.clear()


def as_stated(context: Context, stated: Stated) -> Context:
    """The context of a delivery of which its caller said something."""
    return context if stated == NOTHING_STATED else replace(context, **vars(stated))


class DeliveryFiles:
    """Opens deliveries for the tasks of one run."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sandbox = readers(settings)
        self._kept: dict[Key, Content] = {}
        self._room = MOST_KEPT
        self._guard = threading.Lock()

    def look(self, arrivals: Sequence[Arrival]) -> Iterator[Delivery | Fault]:
        """The deliveries of arrivals in their order; as many as there is room for are kept for `read`."""
        for arrival, delivery in zip(arrivals, self.read(arrivals), strict=True):
            if isinstance(delivery, Delivery):
                self._keep(arrival.key, delivery.content)
            yield delivery

    def read(self, arrivals: Sequence[Arrival]) -> Iterator[Delivery | Fault]:
        """The deliveries of arrivals in their order. A file that cannot be read is a delivery too."""
        kept = [self._taken(arrival.key) for arrival in arrivals]
        missing = [(arrival.file, arrival.path) for arrival, content in zip(arrivals, kept, strict=True) if not content]
        with closing(self.sandbox.in_order(missing)) as opened:
            for arrival, before in zip(arrivals, kept, strict=True):
                doing = f"opening delivery {arrival.sha256[:8]}"
                now = before if before else guarded(doing, partial(_content, next(opened)), delivery=arrival.sha256)
                yield now if isinstance(now, Fault) else self._delivery(arrival, now)

    def _delivery(self, arrival: Arrival, content: Content) -> Delivery:
        is_unowned = arrival.is_unowned and not self.settings.content_names_sender
        return Delivery(
            arrival.file, arrival.sha256, arrival.owner, arrival.received_at, content, arrival.claimed_at,
            unowned=(arrival.folder or "") if is_unowned else None,
        )  # fmt: skip

    def _keep(self, key: Key, content: Content) -> None:
        with self._guard:
            cells = _weight(content)
            if cells <= self._room:
                self._kept[key] = content
                self._room -= cells

    def _taken(self, key: Key) -> Content | None:
        with self._guard:
            content = self._kept.pop(key, None)
            self._room += _weight(content)
        return content


def _content(opened: Future[Grid | Blocks]) -> Content:
    try:
        return result(opened)
    except Unreadable as error:
        return error


def _weight(content: Content | None) -> int:
    """The cells of a grid, blank ones included; what a large file counts for."""
    if isinstance(content, Grid):
        return sum(len(row) for sheet in content.sheets for row in sheet.rows)
    return KEPT_BLOCKS if isinstance(content, Blocks) else 0


def recognised(arrivals: Sequence[Arrival], files: DeliveryFiles) -> Iterator[Arrival | Fault]:
    """Find out the form, the sender and the date of each arrival, cheaply, in their order."""
    for arrival, delivery in zip(arrivals, files.look(arrivals), strict=True):
        if isinstance(delivery, Fault):
            yield delivery
        else:
            doing = f"looking at delivery {arrival.sha256[:8]}"
            yield guarded(doing, partial(_recognised, arrival, delivery), delivery=arrival.sha256)


def _recognised(arrival: Arrival, delivery: Delivery) -> Arrival:
    nobody = Context(None, b"")  # who the pupils are is not asked yet
    identified = identify(delivery, as_stated(nobody, arrival.stated))
    return replace(
        arrival,
        form=identified.form.name if identified.form else None,
        sender=identified.sender,
        region=identified.region,
        as_of=identified.as_of,
        cells=_weight(delivery.content),
        returned=returned(delivery.content),
    )


def readings(batch: Sequence[Arrival], context: Context, files: DeliveryFiles) -> list[Reading | Stream | Fault]:
    """Interpret arrivals of one form together, in the same order; one on which our code fails stops no other."""
    opened = list(files.read(batch))
    deliveries = [delivery for delivery in opened if isinstance(delivery, Delivery)]
    answers = iter(
        guarded_all("interpreting", lambda some: interpret(some, context), deliveries, lambda delivery: delivery.sha256)
    )
    return [delivery if isinstance(delivery, Fault) else next(answers) for delivery in opened]


def drained(answer: Reading | Stream) -> Reading:
    """The reading; a stream of pupils is run to its end and its rows are dropped."""
    if isinstance(answer, Reading):
        return answer
    for _ in answer:
        pass
    return answer.reading()
