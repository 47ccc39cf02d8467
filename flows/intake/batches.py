"""From archived bytes to readings: opening deliveries, finding out what they are, and interpreting many together."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import polars as pl

from contracts.circumstances import NOTHING_STATED, Stated
from contracts.forms import FORMS
from contracts.reading import PupilStream, Reading
from contracts.rules import LEFT_OUT
from contracts.texts import rule_text
from flows.home.faults import Fault, guarded
from flows.home.settings import Settings
from flows.home.usage import UsageError
from flows.intake.incoming import Arrival, Incoming, NotTaken, digest
from flows.intake.opening import Opener, weight
from transforms.interpret import Context, Delivery, interpret
from transforms.tables.identify import identify

REGISTER_FORM = next(form.name for form in FORMS if form.defines_schools)
PUPIL_FORMS = frozenset(form.name for form in FORMS if form.pupils)
SMALL = 2_000_000
"""Bytes of a delivery that may share a batch with others."""
SMALL_GRID = 500_000
"""Cells of one that may: a small file can have a large sheet."""
LARGEST_BATCH = 400


@dataclass(frozen=True)
class Options:
    """What the caller says about the files, in place of what the files say themselves."""

    form: str | None = None
    sender: str | None = None
    as_of: dt.date | None = None
    register: Path | None = None


@dataclass(frozen=True)
class Known:
    """An arrival, and what a first look told about it."""

    arrival: Arrival
    form: str | None
    sender: str | None
    as_of: dt.date | None
    cells: int = 0

    @property
    def is_register(self) -> bool:
        return self.form == REGISTER_FORM

    @property
    def goes_alone(self) -> bool:
        return self.arrival.size > SMALL or self.cells > SMALL_GRID or self.form in PUPIL_FORMS


def first_looks(arrivals: Sequence[Arrival], context: Context, opener: Opener) -> Iterator[Known | Fault]:
    """Find out the form, the sender and the date of each arrival, cheaply, in their order."""
    for arrival, delivery in zip(arrivals, opener.look(arrivals), strict=True):
        yield (
            delivery
            if isinstance(delivery, Fault)
            else guarded(
                f"looking at delivery {arrival.sha256[:8]}",
                partial(_known, arrival, delivery, context),
                delivery=arrival.sha256,
            )
        )


def _known(arrival: Arrival, delivery: Delivery, context: Context) -> Known:
    found = identify(delivery, as_stated(replace(context, register=None), arrival.stated))
    form = found.form.name if found.form else None
    return Known(arrival, form, found.sender, found.as_of, weight(delivery.content))


def as_stated(context: Context, stated: Stated) -> Context:
    """The context of a delivery of which its caller said something."""
    return context if stated == NOTHING_STATED else replace(context, **vars(stated))


def readings(arrivals: Sequence[Arrival], context: Context, opener: Opener) -> list[Reading | PupilStream | Fault]:
    """Interpret arrivals of one form together, in the same order; one on which our code fails stops no other."""
    opened = list(opener.read(arrivals))
    answers = iter(_interpreted([each for each in opened if isinstance(each, Delivery)], context))
    return [each if isinstance(each, Fault) else next(answers) for each in opened]


def _interpreted(deliveries: Sequence[Delivery], context: Context) -> list[Reading | PupilStream | Fault]:
    if not deliveries:
        return []
    together = guarded(
        f"interpreting {len(deliveries)} deliveries from {deliveries[0].sha256[:8]} on",
        lambda: interpret(deliveries, context),
        delivery=deliveries[0].sha256 if len(deliveries) == 1 else None,
    )
    if not isinstance(together, Fault):
        return list(together)
    if len(deliveries) == 1:
        return [together]
    return [found for delivery in deliveries for found in _interpreted([delivery], context)]


def drained(found: Reading | PupilStream) -> Reading:
    """The reading; a stream of pupils is run to its end and its rows are dropped."""
    if isinstance(found, Reading):
        return found
    for _ in found:
        pass
    return found.reading()


def turns(known: Sequence[Known]) -> list[list[Known]]:
    """Deliveries, the older first, in parts that are to be worked on one after the other: in none are two of one form
    and sender, since the newer is compared with what the older has left."""
    found: list[list[Known]] = []
    depth: dict[tuple[str | None, str | None], int] = {}
    for each in known:
        key = (each.form, each.sender or each.arrival.folder)
        level = depth.get(key, 0)
        if each.form is not None:  # what nobody recognises is compared with nothing
            depth[key] = level + 1
        if level == len(found):
            found.append([])
        found[level].append(each)
    return found


def batches(known: Sequence[Known], most: int = LARGEST_BATCH) -> Iterator[list[Known]]:
    """Small deliveries of one form and date, of which the same was stated, together, at most so many; large ones and
    pupil exports alone."""
    together: dict[tuple[str | None, dt.date | None, Stated], list[Known]] = {}
    for each in known:
        if each.goes_alone:
            yield [each]
            continue
        kind = (each.form, each.as_of, each.arrival.stated)
        batch = together.setdefault(kind, [])
        batch.append(each)
        if len(batch) >= most:
            yield together.pop(kind)
    yield from together.values()


def register_known(settings: Settings, register: Path | None, context: Context, opener: Opener) -> pl.DataFrame | None:
    """The register without a database: the one named, else the one last loaded, else None. Raises UsageError, Fault."""
    if register is not None:
        return register_of(register, context, opener)
    return pl.read_parquet(settings.register) if settings.register.exists() else None


def register_of(path: Path, context: Context, opener: Opener) -> pl.DataFrame:
    """The register out of a delivery of it, for a check without a database. Raises UsageError, Fault."""
    register = replace(context, form=REGISTER_FORM, sender=None, as_of=None)
    try:
        arrival = digest(Incoming(path, None))
    except NotTaken as error:
        why = rule_text(LEFT_OUT[error.left_out.why].id).what
        raise UsageError(f"{path} is not a register that can be used: {why}") from None
    (found,) = readings([arrival], register, opener)
    if isinstance(found, Fault):
        raise found
    reading = drained(found)
    if reading.verdict == "refused":
        why = next(iter(reading.findings.filter(pl.col("severity") == "refuse")["message"]), "")
        raise UsageError(f"{path} is not a register that can be used: {why}")
    numbers = pl.int_range(1, len(reading.facts) + 1, dtype=pl.Int64, eager=True).alias("school_id")
    facts = reading.facts.select(pl.exclude("school_id")).insert_column(0, numbers)
    return facts.select(
        "school_id", "school_code", "short_name", "full_name", "territory", "subordination", "pupils_6_11"
    )
