"""What came and when: deliveries, arrivals, and the runs that saw them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping

from sqlalchemy import Connection, text

ARCHIVE = """
INSERT INTO ops.delivery (sha256, file_name, byte_size, received_at, archive_path)
VALUES (:sha256, :file_name, :byte_size, :received_at, :archive_path)
ON CONFLICT (sha256) DO NOTHING
RETURNING delivery_id
"""
ARRIVE = """
INSERT INTO ops.arrival
    (delivery_id, file_name, sender_folder, received_at, run_id, is_repeat, container_id, inbox_path, stamp)
VALUES (:delivery_id, :file_name, :sender_folder, :received_at, :run_id, :is_repeat, :container_id, :inbox_path, :stamp)
"""
SEEN = """
SELECT i.inbox_path FROM unnest(cast(:paths AS text[]), cast(:stamps AS text[])) AS i (inbox_path, stamp)
WHERE EXISTS (SELECT FROM ops.arrival a WHERE a.inbox_path = i.inbox_path AND a.stamp = i.stamp)
"""
FINISHED = "r.status IN ('current', 'superseded') AND (r.contract_version = :version OR r.verdict <> 'refused')"
# A zip archive is read as the deliveries in it; they wait for themselves.
WAITING = f"""
SELECT d.delivery_id FROM ops.delivery d
WHERE NOT EXISTS (SELECT FROM ops.reading r WHERE r.delivery_id = d.delivery_id AND {FINISHED})
  AND NOT EXISTS (SELECT FROM ops.arrival a WHERE a.container_id = d.delivery_id)
"""
ARCHIVED = """
SELECT d.delivery_id, d.file_name, d.sha256, d.byte_size, d.received_at, d.archive_path,
    (SELECT a.sender_folder FROM ops.arrival a WHERE a.delivery_id = d.delivery_id ORDER BY a.arrival_id LIMIT 1)
FROM ops.delivery d WHERE d.delivery_id = ANY (:deliveries) ORDER BY d.received_at, d.delivery_id
"""
READINGS = f"""
SELECT r.delivery_id, max(r.reading_id) FROM ops.reading r
WHERE r.delivery_id = ANY (:deliveries) AND {FINISHED}
GROUP BY r.delivery_id
"""


def record_arrival(
    connection: Connection,
    sha256: str,
    file_name: str,
    byte_size: int,
    received_at: dt.datetime,
    archive_path: str,
    sender_folder: str | None = None,
    run_id: int | None = None,
    container_id: int | None = None,
    inbox_path: str | None = None,
    stamp: str | None = None,
) -> tuple[int, bool]:
    """Record that these bytes were seen; returns (delivery_id, is_repeat). The first time makes the delivery.

    `received_at` needs a time zone. `sender_folder` is the inbox folder, if any, in which the file lay, and
    `container_id` the delivery of the zip archive, if any, in which it came. `inbox_path` and `stamp` tell the next
    look at the inbox that this file was seen.
    """
    if received_at.tzinfo is None:
        raise ValueError(f"received_at has no time zone: {received_at}")
    seen = {"sha256": sha256, "file_name": file_name, "byte_size": byte_size, "received_at": received_at}
    delivery_id = connection.scalar(text(ARCHIVE), {**seen, "archive_path": archive_path})
    is_repeat = delivery_id is None
    if is_repeat:
        delivery_id = connection.scalar(text("SELECT delivery_id FROM ops.delivery WHERE sha256 = :sha256"), seen)
    arrival = {
        **seen, "delivery_id": delivery_id, "sender_folder": sender_folder, "run_id": run_id, "is_repeat": is_repeat,
        "container_id": container_id, "inbox_path": inbox_path, "stamp": stamp,
    }  # fmt: skip
    connection.execute(text(ARRIVE), arrival)
    return int(delivery_id or 0), is_repeat


def seen_before(connection: Connection, stamps: Mapping[str, str]) -> set[str]:
    """Of paths in the inbox, each with its stamp, those at which that very file was seen before."""
    asked = {"paths": list(stamps), "stamps": list(stamps.values())}
    return set(connection.scalars(text(SEEN), asked))


def waiting(connection: Connection, contract_version: str) -> list[int]:
    """What was received less what has a finished reading: deliveries to be read, wherever they came from and however
    long ago. One that older rules refused is among them."""
    return list(connection.scalars(text(WAITING), {"version": contract_version}))


def readings_of(connection: Connection, delivery_ids: Collection[int], contract_version: str) -> dict[int, int]:
    """Delivery → its newest finished reading; deliveries that have none, and so have to be read, are left out.

    A reading by older rules counts, since judging the past anew is a decision of its own. Only a delivery that older
    rules refused gets another chance.
    """
    found = connection.execute(text(READINGS), {"deliveries": list(delivery_ids), "version": contract_version})
    return dict(found.tuples().all())


def start_run(
    connection: Connection,
    kind: str,
    as_of: dt.date | None = None,
    flow_run_id: str | None = None,
    backfill_id: int | None = None,
) -> int:
    """Record a run as running; returns run_id."""
    statement = """
        INSERT INTO ops.run (kind, as_of, flow_run_id, backfill_id) VALUES (:kind, :as_of, :flow_run_id, :backfill_id)
        RETURNING run_id
    """
    asked = {"kind": kind, "as_of": as_of, "flow_run_id": flow_run_id, "backfill_id": backfill_id}
    return int(connection.execute(text(statement), asked).scalar_one())


def finish_run(connection: Connection, run_id: int, state: str) -> None:
    """Record how a run ended: `completed`, `failed`, or what else its caller calls it."""
    statement = "UPDATE ops.run SET state = :state, finished_at = clock_timestamp() WHERE run_id = :run_id"
    connection.execute(text(statement), {"state": state, "run_id": run_id})


def archived(
    connection: Connection, delivery_ids: Collection[int]
) -> list[tuple[int, str, str, int, dt.datetime, str, str | None]]:
    """Id, file name, sha256, size, time of receipt, place in the archive and first folder of deliveries."""
    found = connection.execute(text(ARCHIVED), {"deliveries": list(delivery_ids)})
    return [(row[0], row[1], row[2], row[3], row[4], row[5], row[6]) for row in found]
