"""Deliveries in, readings out: the whole way from cells to facts, without files, clocks or SQL."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from contracts.grid import Blocks, Grid, Unreadable
from contracts.reading import RAW_ROWS, PupilStream, Reading, Rows, empty, findings_frame
from transforms.batch import interpret_batch, reading
from transforms.cells.key import unit_aliases
from transforms.pupils import PupilReading
from transforms.rows.account import counted, kept_rows, sheet_parts
from transforms.rows.sieve import sieved
from transforms.tables.identify import Context, Delivery, identify

__all__ = ["Context", "Delivery", "interpret", "recognise"]


def recognise(delivery: Delivery, context: Context) -> str | None:
    """The name of a delivery's form, or None; cheap, so that registers can be read before reports."""
    form = identify(delivery, replace(context, register=None)).form
    return form.name if form else None


def interpret(deliveries: Sequence[Delivery], context: Context) -> list[Reading | PupilStream]:
    """Read deliveries, those of one form and edition together, and answer in the same order.

    A pupil export comes back as a stream to be drained; everything else as a `Reading`. Bad input never raises.
    """
    answers: dict[int, Reading | PupilStream] = {}
    batches: dict[tuple[str, str], list[tuple[int, Delivery]]] = {}
    for place, delivery in enumerate(deliveries):
        found = identify(delivery, context)
        if found.form is not None and found.form.pupils is None and isinstance(delivery.content, Blocks):
            found = identify(replace(delivery, content=in_full(delivery.content)), context)
        if found.form is None or found.edition is None or found.layout.missing:
            answers[place] = refused(found)
        elif found.form.pupils is not None:
            answers[place] = PupilReading(found, context)
        else:
            batches.setdefault((found.form.name, found.edition.name), []).append((place, found))
    for batch in batches.values():
        readings = interpret_batch([found for _, found in batch], context)
        answers |= {place: reading for (place, _), reading in zip(batch, readings, strict=True)}
    return [answers[place] for place in range(len(deliveries))]


def in_full(blocks: Blocks) -> Grid | Unreadable:
    """A large file of a form whose rows are not read by blocks."""
    try:
        return blocks.grid()
    except Unreadable as error:
        return error


def refused(found: Delivery) -> Reading:
    """A reading of which nothing can be loaded: its form is unknown, or a required heading is missing.

    Cells of an unknown file, or of one with pupils, are not kept: they may be names. The archive has the bytes.
    """
    content = found.content
    if not isinstance(content, Grid) or found.form is None or found.form.pupils is not None:
        told = reading(found, Rows(), findings_frame(found.findings), empty(RAW_ROWS))
        return sieved(found, told) if found.form is None or found.form.pupils is not None else told
    kept = kept_rows([sheet_parts(content, found, None, unit_aliases())])
    return reading(found, counted(kept), findings_frame(found.findings), kept)
