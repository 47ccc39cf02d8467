"""A dry run: what would be said of files, without a database and without keeping anything."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

import polars as pl

from contracts.circumstances import Stated
from contracts.reading import Reading, Stream
from contracts.regions import code_at
from flows.home.faults import Fault, guarded
from flows.home.progress import report
from flows.home.settings import PUPIL_KEY_BYTES, Settings
from flows.intake.archive import digested
from flows.intake.arrival import Arrival, Key
from flows.intake.batches import batches, registers_first
from flows.intake.incoming import Incoming, NotTaken, Options, named
from flows.intake.left_out import not_taken
from flows.intake.outcome import Outcome, failed, in_order, outcome_of, unique
from flows.intake.readings import Contexts, DeliveryFiles, drained, readings, recognised
from flows.intake.register_file import register_at_hand, register_of


def check(paths: Sequence[Path], options: Options, settings: Settings) -> list[Outcome]:
    """An outcome a file. The register is the one named, else the one last loaded, else there is none."""
    with TemporaryDirectory() as unpacked:
        files = DeliveryFiles(settings)
        named_register = None
        if options.register is not None:
            named_register = register_of(options.register, files, code_at(options.sender))

        def register_on(region: str | None, _: dt.date | None) -> pl.DataFrame | None:
            if named_register is not None:
                return named_register
            return register_at_hand(settings, None, files, region)

        # Pseudonyms only tell pupils of one file apart here, so any secret will do.
        secret = secrets.token_bytes(PUPIL_KEY_BYTES)
        contexts = Contexts(register_on, lambda _: secret)
        arrived: list[Arrival | Outcome] = []
        come = partial(_deliveries, Path(unpacked), settings, options.stated, dt.datetime.now(dt.UTC))
        for incoming in named(paths, settings.inbox):
            deliveries = guarded("reading a file", partial(come, incoming))
            arrived += [failed(incoming, deliveries)] if isinstance(deliveries, Fault) else deliveries
        return in_order(arrived, _checked(unique(arrived), contexts, files))


def _deliveries(
    unpacked: Path, settings: Settings, stated: Stated, now: dt.datetime, incoming: Incoming
) -> list[Arrival | Outcome]:
    """The deliveries that a file would be if it came now, or why it is none."""
    try:
        arrivals = digested(incoming, unpacked, settings.reader_limits)
    except NotTaken as error:
        return [not_taken(incoming, error.left_out)]
    vouched = settings.vouches_for(incoming.channel)
    return [replace(arrival, received_at=arrival.came(now, is_vouched=vouched), stated=stated) for arrival in arrivals]


def _checked(arrivals: Sequence[Arrival], contexts: Contexts, files: DeliveryFiles) -> dict[Key, Outcome]:
    """The outcome of each; what is read here is compared with nothing, so it needs no turns."""
    outcomes: dict[Key, Outcome] = {}
    deliveries: list[Arrival] = []
    for arrival, recognition in zip(arrivals, recognised(arrivals, files), strict=True):
        if isinstance(recognition, Fault):
            outcomes[arrival.key] = failed(arrival, recognition)
        else:
            deliveries.append(recognition)
    for group in registers_first(deliveries):
        for batch in batches(group):
            answers = readings(batch, contexts.of(batch), files)
            outcomes |= {arrival.key: _outcome(arrival, answer) for arrival, answer in zip(batch, answers, strict=True)}
            report(len(outcomes), len(deliveries))
    return outcomes


def _outcome(arrival: Arrival, answer: Reading | Stream | Fault) -> Outcome:
    """The outcome of a reading; a pupil export is read to its end."""
    whole = answer if isinstance(answer, Fault) else guarded("reading a delivery", lambda: drained(answer))
    return failed(arrival, whole) if isinstance(whole, Fault) else outcome_of(whole, arrival)
