"""What of an inbox is new, and what came of a file that is not."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from typing import TYPE_CHECKING

from contracts.reading import answer
from flows.intake.arrival import Arrival
from flows.intake.incoming import Incoming, stamp
from flows.intake.left_out_record import seen_as
from flows.intake.outcome import Outcome
from warehouse.deliveries import not_taken as left_out
from warehouse.deliveries.recall import StoredReading
from warehouse.deliveries.received import seen_before

if TYPE_CHECKING:
    from sqlalchemy import Engine


def unseen(engine: Engine, inbox: Sequence[Incoming]) -> list[Incoming]:
    """Those files of the inbox that did not lie there before as they are, and what is left out of it."""
    stamps = {}
    for each in inbox:
        if each.left_out is None:
            with suppress(OSError):  # one that is gone meanwhile is passed by when it is received
                stamps[each.inbox_path or ""] = stamp(each.path.lstat())
    with engine.connect() as connection:
        seen = seen_before(connection, stamps)
    return [file for file in inbox if file.inbox_path not in seen]


def news(engine: Engine, inbox: Sequence[Incoming]) -> list[Incoming]:
    """Of the same, what the last look did not find and leave out; an inbox that is gone is news each time."""
    with engine.connect() as connection:
        known = left_out.known(connection)
    return [
        each
        for each in unseen(engine, inbox)
        if each.inbox_path == "." or known.get(each.inbox_path or "") != seen_as(each)
    ]


def recalled(arrival: Arrival, stored: StoredReading) -> Outcome:
    """The outcome that a delivery had when it was read."""
    return Outcome(
        file=arrival.file,
        sha256=arrival.sha256,
        folder=arrival.folder,
        form=stored.form,
        edition=stored.edition,
        sender=stored.sender,
        as_of=stored.as_of,
        verdict=answer(stored.verdict, stored.status),
        status=stored.status,
        rows=stored.rows,
        layout=stored.layout,
        findings=stored.findings,
        delivery_id=arrival.delivery_id,
        reading_id=stored.reading_id,
        is_repeat=True,
    )
