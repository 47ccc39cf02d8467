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
from warehouse.deliveries.recall import RecalledReading
from warehouse.deliveries.received import seen_before

if TYPE_CHECKING:
    from sqlalchemy import Engine


def unseen(engine: Engine, inbox: Sequence[Incoming]) -> list[Incoming]:
    """Those files of the inbox that did not lie there before as they are, and what is left out of it."""
    stamps = {}
    for file in inbox:
        if file.left_out is None:
            with suppress(OSError):  # one that is gone meanwhile is passed by when it is received
                stamps[file.inbox_path or ""] = stamp(file.path.lstat())
    with engine.connect() as connection:
        seen = seen_before(connection, stamps)
    return [file for file in inbox if file.inbox_path not in seen]


def news(engine: Engine, inbox: Sequence[Incoming]) -> list[Incoming]:
    """Of the same, what the last look did not find and leave out; an inbox that is gone is news each time."""
    with engine.connect() as connection:
        stamps_before = left_out.stamps(connection)
    return [
        file
        for file in unseen(engine, inbox)
        if file.inbox_path == "." or stamps_before.get(file.inbox_path or "") != seen_as(file)
    ]


def recalled(arrival: Arrival, reading: RecalledReading) -> Outcome:
    """The outcome that a delivery had when it was read."""
    return Outcome(
        file=arrival.file,
        sha256=arrival.sha256,
        folder=arrival.folder,
        form=reading.form,
        edition=reading.edition,
        sender=reading.sender,
        as_of=reading.as_of,
        verdict=answer(reading.verdict, reading.status),
        status=reading.status,
        rows=reading.rows,
        layout=reading.layout,
        findings=reading.findings,
        delivery_id=arrival.delivery_id,
        reading_id=reading.reading_id,
        is_repeat=True,
    )
