"""Deliveries in, readings out: the whole way from cells to facts, without files, clocks or SQL."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from contracts.forms.rule_states import settled, states_of
from contracts.grid import Blocks, Grid, Unreadable
from contracts.reading import RAW_ROWS, Reading, Rows, Stream, empty, findings_frame
from transforms.batch import interpret_batch, reading
from transforms.fact_export import FactReading
from transforms.identity.identify import Context, Delivery, identify
from transforms.pupils import PupilReading
from transforms.rows.account import counted, kept_rows, sheet_parts
from transforms.rows.judged import Part
from transforms.rows.sieve import sieved
from transforms.tables.original import as_in_file

__all__ = ["Context", "Delivery", "interpret"]


def interpret(deliveries: Iterable[Delivery], context: Context) -> list[Reading | Stream]:
    """Read deliveries, those of one form, edition and region together, and answer in the same order.

    Each is identified, and its rows told apart, as soon as it is there, while others are still being opened. A pupil
    export, and a large file of a form that is read by blocks, come back as a stream to be drained; everything else as a
    `Reading`. Bad input never raises.
    """
    answers: dict[int, Reading | Stream] = {}
    batches: dict[tuple[str, str, str | None], list[tuple[int, Delivery, list[Part]]]] = {}
    for place, delivery in enumerate(deliveries):
        identified = identify(delivery, context)
        form = identified.form
        if form is not None and not (form.pupils or form.by_blocks) and isinstance(delivery.content, Blocks):
            identified = identify(replace(delivery, content=_in_full(delivery.content)), context)
        content = identified.content
        if identified.form is None or identified.edition is None or identified.layout.missing:
            answers[place] = _as_in_file(_refused(identified, context), identified)
        elif identified.form.pupils is not None:
            answers[place] = PupilReading(identified, context)
        elif isinstance(content, Blocks):
            answers[place] = FactReading(identified, context)
        elif isinstance(content, Grid):
            parts = sheet_parts(content, identified, context.schools, context.aliases_in(identified.region))
            together = identified.form.name, identified.edition.name, identified.region
            batches.setdefault(together, []).append((place, identified, parts))
    for batch in batches.values():
        places, identified_there, parts_of = zip(*batch, strict=True)
        readings = interpret_batch(identified_there, parts_of, context)
        answers |= {
            place: _as_in_file(reading, delivery)
            for place, delivery, reading in zip(places, identified_there, readings, strict=True)
        }
    return [answers[place] for place in range(len(answers))]


def _as_in_file(reading: Reading, delivery: Delivery) -> Reading:
    """A reading with the places of the file, where sheets of it were read as other ones."""
    if not isinstance(delivery.content, Grid) or delivery.form is None:
        return reading
    crosstab = delivery.form.crosstab
    return as_in_file(reading, delivery.content.sheets, {crosstab.empty} if crosstab else ())


def _in_full(blocks: Blocks) -> Grid | Unreadable:
    """A large file of a form whose rows are not read by blocks."""
    try:
        return blocks.grid()
    except Unreadable as error:
        return error


def _refused(delivery: Delivery, context: Context) -> Reading:
    """A reading of which nothing can be loaded: its form is unknown, or a required heading is missing.

    Cells of an unknown file, or of one with people, are not kept: they may be names. The archive has the bytes.
    """
    content = delivery.content
    form = delivery.form.name if delivery.form else None
    states = states_of(form, delivery.sender, delivery.as_of, delivery.campaign)
    findings = findings_frame(settled(delivery.findings, states))
    may_tell_names = delivery.form is None or delivery.form.names_people
    if not isinstance(content, Grid) or may_tell_names:
        refused_reading = reading(delivery, Rows(), findings, empty(RAW_ROWS))
        return sieved(delivery, refused_reading) if may_tell_names else refused_reading
    kept = kept_rows([sheet_parts(content, delivery, None, context.aliases_in(delivery.region))])
    return reading(delivery, counted(kept), findings, kept)
