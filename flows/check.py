"""A dry run: what would be said of files, without a database and without keeping anything."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import polars as pl

from contracts.reading import PupilStream, Reading
from flows.inbox import Arrival, digest, named
from flows.outcome import Outcome, failed, in_order, outcome_of, unique
from flows.progress import report
from flows.reader import Known, Options, batches, drained, first_look, readings, register_of
from flows.settings import PUPIL_KEY_BYTES, Settings
from flows.trouble import Fault, guarded
from transforms.interpret import Context


def check(paths: Sequence[Path], options: Options, settings: Settings) -> list[Outcome]:
    """An outcome a file. The register is the one named, else the one last loaded, else there is none."""
    # Pseudonyms only tell pupils of one file apart here, so any secret will do.
    context = Context(None, secrets.token_bytes(PUPIL_KEY_BYTES), options.form, options.sender, options.as_of)
    schools = None
    if options.register is not None:
        schools = register_of(options.register, context)
    elif settings.register.exists():
        schools = pl.read_parquet(settings.register)
    context = Context(schools, context.secret, options.form, options.sender, options.as_of)
    arrived: list[Arrival | Outcome] = []
    for incoming in named(paths, settings.inbox):
        found = guarded("reading a file", partial(digest, incoming))
        arrived.append(failed(incoming.file, "", incoming.folder, found) if isinstance(found, Fault) else found)
    outcomes: dict[str, Outcome] = {}
    known: list[Known] = []
    for arrival in unique(arrived):
        looked = first_look(arrival, context)
        if isinstance(looked, Fault):
            outcomes[arrival.sha256] = failed(arrival.file, arrival.sha256, arrival.folder, looked)
        else:
            known.append(looked)
    for batch in batches(known):
        for outcome in _checked([each.arrival for each in batch], context):
            outcomes[outcome.sha256] = outcome
        report(len(outcomes), len(known))
    return in_order(arrived, outcomes)


def _checked(arrivals: list[Arrival], context: Context) -> list[Outcome]:
    return [_told(arrival, found) for arrival, found in zip(arrivals, readings(arrivals, context), strict=True)]


def _told(arrival: Arrival, found: Reading | PupilStream | Fault) -> Outcome:
    """The outcome of a reading; a pupil export is read to its end."""
    whole = found if isinstance(found, Fault) else guarded("reading a delivery", lambda: drained(found))
    if isinstance(whole, Fault):
        return failed(arrival.file, arrival.sha256, arrival.folder, whole)
    return outcome_of(whole, arrival.folder)
