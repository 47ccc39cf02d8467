"""What lies in the inbox and is not taken in, as the last look found it; how much of a sender was taken in on a day."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import Connection, text

NOTE = """
INSERT INTO ops.left_out (inbox_path, place, sender_folder, rule, stamp, run_id)
VALUES (:inbox_path, :place, :sender_folder, :rule, :stamp, :run_id)
ON CONFLICT (inbox_path) DO UPDATE SET rule = excluded.rule, stamp = excluded.stamp, seen_at = clock_timestamp(),
    place = excluded.place, sender_folder = excluded.sender_folder, run_id = excluded.run_id
"""
FORGET = "DELETE FROM ops.left_out WHERE inbox_path <> ALL (:still)"
STAMPS = "SELECT inbox_path, stamp FROM ops.left_out"
# The same bytes again are kept once.
USED = """
SELECT count(*) AS files, coalesce(sum(d.byte_size) FILTER (WHERE NOT a.is_repeat), 0)::bigint AS bytes
FROM ops.arrival a JOIN ops.delivery d ON d.delivery_id = a.delivery_id
WHERE a.sender_folder IS NOT DISTINCT FROM :folder AND a.arrived_at >= :since
"""


@dataclass(frozen=True)
class Entry:
    """An entry of the inbox that is not taken in: its path as recorded and as shown, its sender's folder, the rule that
    says why, and what tells whether it is still the same."""

    inbox_path: str
    place: str
    sender_folder: str | None
    rule: str
    stamp: str


@dataclass(frozen=True)
class Used:
    """Files and bytes."""

    files: int
    size: int


def note(connection: Connection, entry: Entry, run_id: int | None) -> None:
    """Record that an entry is not taken in, or still is not."""
    connection.execute(text(NOTE), {**entry.__dict__, "run_id": run_id})


def forget_others(connection: Connection, still: Collection[str]) -> None:
    """A look at the whole inbox found only these: the others were taken in, or are gone."""
    connection.execute(text(FORGET), {"still": list(still)})


def stamps(connection: Connection) -> dict[str, str]:
    """Path → stamp of what the last look did not take in."""
    return dict(connection.execute(text(STAMPS)).tuples().all())


def used(connection: Connection, folder: str | None, since: dt.datetime) -> Used:
    """What was taken in of a sender's folder since a moment, files in archives among it."""
    return Used(*connection.execute(text(USED), {"folder": folder, "since": since}).one())


def has_seen_files(connection: Connection) -> bool:
    """Did anything ever come by the inbox?"""
    return bool(connection.scalar(text("SELECT EXISTS (SELECT FROM ops.arrival WHERE inbox_path IS NOT NULL)")))
