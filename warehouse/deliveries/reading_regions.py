"""Of which region a reading is, before it is stored."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import Connection, text

from contracts.circumstances import INBOX
from contracts.regions import code_at
from contracts.vocabulary import owners

FOLDERS = "SELECT delivery_id, sender_folder FROM ops.delivery WHERE delivery_id = ANY (:deliveries)"
REGIONS = "SELECT sender, region FROM ref.sender WHERE sender = ANY (:senders)"


def regions_of(connection: Connection, came: Iterable[tuple[int, str | None]]) -> set[str | None]:
    """The regions of the readings of deliveries, each with its sender; None is among them for one that is of none."""
    return set(by_delivery(connection, dict(came)).values())


def by_delivery(connection: Connection, senders: dict[int, str | None]) -> dict[int, str | None]:
    """Delivery → whose its reading is: the region of its sender; where nobody is known to have sent it, of whose folder
    it lay in, else the only one in force, if there is but one."""
    nobody = [delivery_id for delivery_id, sender in senders.items() if sender is None]
    if nobody:
        folders = connection.execute(text(FOLDERS), {"deliveries": nobody}).tuples()
        senders = senders | {delivery_id: owners(INBOX).get(folder or "") for delivery_id, folder in folders}
    asked = {"senders": sorted({sender for sender in senders.values() if sender is not None})}
    by_sender = dict(connection.execute(text(REGIONS), asked).tuples().all())
    only = code_at(None)
    return {delivery_id: by_sender.get(sender or "", only) for delivery_id, sender in senders.items()}
