"""A dry run: what would be said of files, without a database and without keeping anything."""

from __future__ import annotations

import datetime as dt
import secrets
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory

from contracts.reading import PupilStream, Reading
from flows.home.faults import Fault, guarded
from flows.home.progress import report
from flows.home.settings import PUPIL_KEY_BYTES, Settings
from flows.intake.batches import Known, Options, batches, drained, first_looks, readings, register_known
from flows.intake.incoming import Arrival, Incoming, Key, NotTaken, digested, named
from flows.intake.left_out import not_taken
from flows.intake.opening import Opener
from flows.intake.outcome import Outcome, failed, in_order, outcome_of, unique
from transforms.interpret import Context


def check(paths: Sequence[Path], options: Options, settings: Settings) -> list[Outcome]:
    """An outcome a file. The register is the one named, else the one last loaded, else there is none."""
    with TemporaryDirectory() as folder:
        return _outcomes(paths, options, settings, Path(folder))


def _outcomes(paths: Sequence[Path], options: Options, settings: Settings, unpacked: Path) -> list[Outcome]:
    """The same, with a folder for what comes out of zip archives."""
    # Pseudonyms only tell pupils of one file apart here, so any secret will do.
    context = Context(None, secrets.token_bytes(PUPIL_KEY_BYTES), options.form, options.sender, options.as_of)
    opener = Opener(settings)
    context = replace(context, register=register_known(settings, options.register, context, opener))
    arrived: list[Arrival | Outcome] = []
    now = dt.datetime.now(dt.UTC)
    for incoming in named(paths, settings.inbox):
        found = guarded("reading a file", partial(_deliveries, incoming, unpacked, settings, now))
        arrived += [failed(incoming, found)] if isinstance(found, Fault) else found
    outcomes: dict[Key, Outcome] = {}
    known: list[Known] = []
    arrivals = unique(arrived)
    for arrival, looked in zip(arrivals, first_looks(arrivals, context, opener), strict=True):
        if isinstance(looked, Fault):
            outcomes[arrival.key] = failed(arrival, looked)
        else:
            known.append(looked)
    for batch in batches(known):
        for outcome in _checked([each.arrival for each in batch], context, opener):
            outcomes[outcome.key] = outcome
        report(len(outcomes), len(known))
    return in_order(arrived, outcomes)


def _deliveries(incoming: Incoming, unpacked: Path, settings: Settings, now: dt.datetime) -> list[Arrival | Outcome]:
    """The deliveries that a file would be if it came now, or why it is none."""
    try:
        found = digested(incoming, unpacked, settings.reader_limits)
    except NotTaken as error:
        return [not_taken(incoming, error.left_out)]
    vouched = settings.vouches_for(incoming.channel)
    return [replace(each, received_at=each.came(now, is_vouched=vouched)) for each in found]


def _checked(arrivals: list[Arrival], context: Context, opener: Opener) -> list[Outcome]:
    found = readings(arrivals, context, opener)
    return [_told(arrival, each) for arrival, each in zip(arrivals, found, strict=True)]


def _told(arrival: Arrival, found: Reading | PupilStream | Fault) -> Outcome:
    """The outcome of a reading; a pupil export is read to its end."""
    whole = found if isinstance(found, Fault) else guarded("reading a delivery", lambda: drained(found))
    if isinstance(whole, Fault):
        return failed(arrival, whole)
    return outcome_of(whole, arrival)
