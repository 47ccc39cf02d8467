"""In which order and together with which others deliveries are worked on."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from typing import TypeVar

from contracts.circumstances import Stated
from contracts.forms import FORMS
from flows.intake.arrival import Arrival

T = TypeVar("T")
PUPIL_FORMS = frozenset(form.name for form in FORMS if form.pupils)
SMALL = 2_000_000
"""Bytes of a delivery that may share a batch with others."""
SMALL_GRID = 500_000
"""Cells of one that may: a small file can have a large sheet."""
LARGEST_BATCH = 150
"""Deliveries that are read together: a batch costs some 0.04 s whatever its size, and is loaded while the next one is
being read."""


def registers_first(recognised: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """Recognised arrivals in two parts, one after the other: the rest is read with the registers."""
    for group in (
        [arrival for arrival in recognised if arrival.is_register],
        [arrival for arrival in recognised if not arrival.is_register],
    ):
        if group:
            yield group


def in_turns(recognised: Sequence[Arrival]) -> Iterator[list[Arrival]]:
    """The same, the older first, each part in turns: in none are two of one form and sender, since the newer is
    compared with what the older has left."""
    for group in registers_first(recognised):
        yield from turns(group)


def turns(recognised: Sequence[Arrival]) -> list[list[Arrival]]:
    """Arrivals, the older first, in parts that are to be worked on one after the other."""
    levels: list[list[Arrival]] = []
    depth: dict[tuple[str | None, str | None], int] = {}
    for arrival in recognised:
        key = (arrival.form, arrival.sender or arrival.folder)
        level = depth.get(key, 0)
        if arrival.form is not None:  # what nobody recognises is compared with nothing
            depth[key] = level + 1
        if level == len(levels):
            levels.append([])
        levels[level].append(arrival)
    return levels


def batches(recognised: Sequence[Arrival], most: int = LARGEST_BATCH) -> Iterator[list[Arrival]]:
    """Small deliveries of one form, region and date, of which the same was stated, together, at most so many; large
    ones and pupil exports alone."""
    together: dict[tuple[str | None, str | None, dt.date | None, Stated], list[Arrival]] = {}
    for arrival in recognised:
        if arrival.size > SMALL or arrival.cells > SMALL_GRID or arrival.form in PUPIL_FORMS:
            yield [arrival]
            continue
        kind = (arrival.form, arrival.region, arrival.as_of, arrival.stated)
        together.setdefault(kind, []).append(arrival)
    for alike in together.values():
        yield from evenly(alike, most)


def evenly(things: Sequence[T], most: int) -> Iterator[list[T]]:
    """Things in their order, in as few lists of nearly one length as there have to be: none is longer than `most`."""
    count = -(-len(things) // most)
    for turn in range(count):
        yield list(things[turn * len(things) // count : (turn + 1) * len(things) // count])
