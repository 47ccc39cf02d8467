"""Receipts that come back with explanations: whose word they are, and what comes of one that holds nothing else."""

from __future__ import annotations

from functools import partial

from contracts.explanation import Returned
from flows.home.faults import LOGGER, Fault, guarded
from flows.home.log import logged
from flows.intake.arrival import Arrival
from flows.intake.incoming import NAMED
from flows.intake.intake import Intake
from flows.intake.outcome import Outcome, failed
from warehouse.deliveries.explanations import Brought, came_of, sender_asked
from warehouse.deliveries.load import take_alone


def alone(arrival: Arrival) -> Returned | None:
    """What a file says that is a receipt without a table in which somebody wrote something; None for another file."""
    returned = arrival.returned
    return returned if returned is not None and returned.is_alone and returned.says_something else None


def brought(intake: Intake, arrival: Arrival) -> Brought | None:
    """What a file brings back as a receipt; None for one that brings nothing."""
    returned = arrival.returned
    if returned is None or not returned.says_something:
        return None
    return Brought(arrival.recorded_id, _whose(intake, arrival, returned), returned)


def _whose(intake: Intake, arrival: Arrival, returned: Returned) -> str | None:
    """Whose word a receipt is: of whom an operator names, or the owner of its folder.

    A file that an operator hands in without a name is of whom it is recognised to be, else of whom the receipt answers.
    What lies in nobody's folder is nobody's.
    """
    sender = arrival.stated.sender or arrival.owner
    if sender is None and (arrival.channel == NAMED or intake.settings.content_names_sender):
        sender = arrival.sender
    if sender is None and arrival.channel == NAMED:
        with intake.engine.connect() as connection:
            sender = sender_asked(connection, returned.about)
    return sender


def explained(intake: Intake, arrival: Arrival, returned: Returned) -> Outcome:
    """Keep what a receipt without a table says; refused when nothing in it is of a finding of its sender."""
    taking = partial(_explained, intake, arrival, returned)
    done = guarded("taking explanations", taking, delivery=arrival.sha256)
    return failed(arrival, done) if isinstance(done, Fault) else done


def _explained(intake: Intake, arrival: Arrival, returned: Returned) -> Outcome:
    back = Brought(arrival.recorded_id, _whose(intake, arrival, returned), returned)
    is_new = take_alone(intake.engine, back, intake.run_id, intake.settings.lock_wait)
    with intake.engine.connect() as connection:
        came = came_of(connection, [arrival.recorded_id])[arrival.recorded_id]
    with logged(delivery=arrival.sha256):
        LOGGER.info(
            "delivery %s: a receipt of %s that came back: %d explanations taken, %d known, %d of no finding",
            arrival.sha256[:8], back.sender, came.taken, came.known, came.astray,
        )  # fmt: skip
    return Outcome(
        file=arrival.file, sha256=arrival.sha256, folder=arrival.folder, sender=back.sender,
        verdict="accepted" if came.taken or came.known else "refused", delivery_id=arrival.delivery_id,
        is_repeat=not is_new,
    )  # fmt: skip
