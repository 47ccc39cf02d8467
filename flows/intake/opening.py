"""Opening the deliveries of a run: in the reader processes, ahead of who asks, and small ones only once."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing
from functools import partial

from contracts.grid import Blocks, Grid, Unreadable
from documents.reading.sandbox import result, shared
from flows.home.faults import Fault, guarded
from flows.home.settings import Settings
from flows.intake.arrival import Arrival, Key
from transforms.interpret import Delivery

Content = Grid | Blocks | Unreadable
MOST_KEPT = 3_000_000
"""Cells of grids that are kept between the first look and the reading; about 200 MB."""
KEPT_BLOCKS = 250_000
"""For how many cells a large file counts: its table lies on the disk."""


class DeliveryFiles:
    """Opens deliveries for the tasks of one run."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.sandbox = shared(settings.reader_processes, settings.reader_limits)
        self._kept: dict[Key, Content] = {}
        self._room = MOST_KEPT
        self._guard = threading.Lock()

    def look(self, arrivals: Sequence[Arrival]) -> Iterator[Delivery | Fault]:
        """The deliveries of arrivals in their order; as many as there is room for are kept for `read`."""
        for arrival, found in zip(arrivals, self.read(arrivals), strict=True):
            if isinstance(found, Delivery):
                self._keep(arrival.key, found.content)
            yield found

    def read(self, arrivals: Sequence[Arrival]) -> Iterator[Delivery | Fault]:
        """The deliveries of arrivals in their order. A file that cannot be read is a delivery too."""
        kept = [self._taken(arrival.key) for arrival in arrivals]
        missing = [(arrival.file, arrival.path) for arrival, content in zip(arrivals, kept, strict=True) if not content]
        with closing(self.sandbox.in_order(missing)) as opened:
            for arrival, content in zip(arrivals, kept, strict=True):
                doing = f"opening delivery {arrival.sha256[:8]}"
                found = content if content else guarded(doing, partial(_content, next(opened)), delivery=arrival.sha256)
                yield found if isinstance(found, Fault) else self._delivery(arrival, found)

    def _delivery(self, arrival: Arrival, content: Content) -> Delivery:
        is_unowned = arrival.is_unowned and not self.settings.content_names_sender
        return Delivery(
            arrival.file, arrival.sha256, arrival.owner, arrival.received_at, content, arrival.claimed_at,
            unowned=(arrival.folder or "") if is_unowned else None,
        )  # fmt: skip

    def _keep(self, key: Key, content: Content) -> None:
        with self._guard:
            cells = weight(content)
            if cells <= self._room:
                self._kept[key] = content
                self._room -= cells

    def _taken(self, key: Key) -> Content | None:
        with self._guard:
            content = self._kept.pop(key, None)
            self._room += weight(content)
        return content


def _content(opened: Future[Grid | Blocks]) -> Content:
    try:
        return result(opened)
    except Unreadable as error:
        return error


def weight(content: Content | None) -> int:
    """The cells of a grid, blank ones included; what a large file counts for."""
    if isinstance(content, Grid):
        return sum(len(row) for sheet in content.sheets for row in sheet.rows)
    return KEPT_BLOCKS if isinstance(content, Blocks) else 0
