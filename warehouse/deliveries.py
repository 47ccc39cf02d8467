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
# A zip archive is read as the deliveries in it; they wait for themselves. A file that states that there is nothing to
# report has no rows to read.
WAITING = f"""
SELECT d.delivery_id FROM ops.delivery d
WHERE NOT EXISTS (SELECT FROM ops.reading r WHERE r.delivery_id = d.delivery_id AND {FINISHED})
  AND NOT EXISTS (SELECT FROM ops.arrival a WHERE a.container_id = d.delivery_id)
  AND NOT EXISTS (SELECT FROM ops.statement n WHERE n.delivery_id = d.delivery_id)
  AND NOT EXISTS (SELECT FROM ops.purged p WHERE p.delivery_id = d.delivery_id)
"""
# A run that was killed between archiving and reading leaves deliveries that are no news to the next look at the inbox.
INTERRUPTED = f"""
SELECT EXISTS ({WAITING}) AND 'crashed' = (
    SELECT r.state FROM ops.run r WHERE r.kind IN ('nightly', 'inbox') ORDER BY r.run_id DESC LIMIT 1
)
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


def was_interrupted(connection: Connection, contract_version: str) -> bool:
    """Did the last run that took in deliveries die with some of them still to be read?"""
    return bool(connection.scalar(text(INTERRUPTED), {"version": contract_version}))


def open_runs(connection: Connection) -> list[tuple[int, str, dt.datetime]]:
    """Number, flow run and start of runs that have not ended, as far as we were told."""
    statement = """
        SELECT run_id, flow_run_id, started_at FROM ops.run WHERE finished_at IS NULL AND flow_run_id IS NOT NULL
    """
    return [(row[0], row[1], row[2]) for row in connection.execute(text(statement))]


def recorded_runs(connection: Connection, flow_run_ids: Collection[str]) -> set[str]:
    """Of flow runs, those that have a run here."""
    statement = "SELECT flow_run_id FROM ops.run WHERE flow_run_id = ANY (:asked)"
    return set(connection.scalars(text(statement), {"asked": list(flow_run_ids)}))


def folders_waiting(connection: Connection) -> set[str]:
    """The inbox folders of deliveries that nobody has read yet, by whatever rules."""
    statement = """
        SELECT DISTINCT a.sender_folder FROM ops.arrival a JOIN ops.delivery d ON d.delivery_id = a.delivery_id
        WHERE a.sender_folder IS NOT NULL
          AND NOT EXISTS (SELECT FROM ops.reading r WHERE r.delivery_id = d.delivery_id)
          AND NOT EXISTS (SELECT FROM ops.statement n WHERE n.delivery_id = d.delivery_id)
          AND NOT EXISTS (SELECT FROM ops.arrival i WHERE i.container_id = d.delivery_id)
    """
    return set(connection.scalars(text(statement)))


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


def finish_run(connection: Connection, run_id: int, state: str, message: str | None = None) -> None:
    """Record how a run ended: `completed`, `failed`, or what else its caller calls it; `message` says it in a sentence,
    without anything of what was in the files."""
    statement = """
        UPDATE ops.run SET state = :state, finished_at = clock_timestamp(), message = :message WHERE run_id = :run_id
    """
    connection.execute(text(statement), {"state": state, "run_id": run_id, "message": message})


def archived(
    connection: Connection, delivery_ids: Collection[int]
) -> list[tuple[int, str, str, int, dt.datetime, str, str | None]]:
    """Id, file name, sha256, size, time of receipt, place in the archive and first folder of deliveries."""
    found = connection.execute(text(ARCHIVED), {"deliveries": list(delivery_ids)})
    return [(row[0], row[1], row[2], row[3], row[4], row[5], row[6]) for row in found]
