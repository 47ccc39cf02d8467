"""In which order and together with which others deliveries are worked on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence

from contracts.circumstances import Stated
from contracts.forms import FORMS
from flows.intake.arrival import Arrival

PUPIL_FORMS = frozenset(form.name for form in FORMS if form.pupils)
SMALL = 2_000_000
"""Bytes of a delivery that may share a batch with others."""
SMALL_GRID = 500_000
"""Cells of one that may: a small file can have a large sheet."""
LARGEST_BATCH = 400


def registers_first(recognised: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """Recognised arrivals in two parts, one after the other: the rest is read with the registers."""
    for part in (
        [each for each in recognised if each.is_register],
        [each for each in recognised if not each.is_register],
    ):
        if part:
            yield part


def in_turns(recognised: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """The same, the older first, each part in turns: in none are two of one form and sender, since the newer is
    compared with what the older has left."""
    for part in registers_first(recognised):
        yield from turns(part)


def turns(recognised: Sequence[Arrival]) -> list[list[Arrival]]:
    """Arrivals, the older first, in parts that are to be worked on one after the other."""
    found: list[list[Arrival]] = []
    depth: dict[tuple[str | None, str | None], int] = {}
    for each in recognised:
        key = (each.form, each.sender or each.folder)
        level = depth.get(key, 0)
        if each.form is not None:  # what nobody recognises is compared with nothing
            depth[key] = level + 1
        if level == len(found):
            found.append([])
        found[level].append(each)
    return found


def batches(recognised: Sequence[Arrival], most: int = LARGEST_BATCH) -> Iterator[list[Arrival]]:
    """Small deliveries of one form and date, of which the same was stated, together, at most so many; large ones and
    pupil exports alone."""
    together: dict[tuple[str | None, dt.date | None, Stated], list[Arrival]] = {}
    for each in recognised:
        if each.size > SMALL or each.cells > SMALL_GRID or each.form in PUPIL_FORMS:
            yield [each]
            continue
        kind = (each.form, each.as_of, each.stated)
        batch = together.setdefault(kind, [])
        batch.append(each)
        if len(batch) >= most:
            yield together.pop(kind)
    yield from together.values()
