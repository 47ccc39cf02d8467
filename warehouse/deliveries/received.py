"""What was seen, what waits to be read, and the runs that did it."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection, Mapping
from dataclasses import dataclass

from sqlalchemy import Connection, text

from contracts.circumstances import Stated

SEEN = """
SELECT i.inbox_path FROM unnest(cast(:paths AS text[]), cast(:stamps AS text[])) AS i (inbox_path, stamp)
WHERE EXISTS (SELECT FROM ops.arrival a WHERE a.inbox_path = i.inbox_path AND a.stamp = i.stamp)
"""
# What older rules refused, or held, gets another chance by newer ones.
FINISHED = (
    "ops.came_of_run(r.status)"
    " AND (r.contract_version = ANY (:versions) OR (r.verdict <> 'refused' AND r.status <> 'held'))"
)
# A zip archive is read as the deliveries in it; they wait for themselves. A file that states that there is nothing to
# report has no rows to read, and equal facts under another name are read by the first one.
WAITING = f"""
SELECT d.delivery_id FROM ops.delivery d
WHERE d.same_as IS NULL
  AND NOT EXISTS (SELECT FROM ops.reading r WHERE r.delivery_id = d.delivery_id AND {FINISHED})
  AND NOT EXISTS (SELECT FROM ops.arrival a WHERE a.container_id = d.delivery_id)
  AND NOT EXISTS (SELECT FROM ops.statement n WHERE n.delivery_id = d.delivery_id)
  AND NOT EXISTS (SELECT FROM ops.returned_receipt e WHERE e.delivery_id = d.delivery_id AND e.is_alone)
  AND NOT EXISTS (SELECT FROM ops.purged p WHERE p.delivery_id = d.delivery_id)
"""
# A run that ends between archiving and reading leaves deliveries that are no news to the next look at the inbox. Those
# of one that was stopped or killed are taken up at once; what fails by itself is tried three times, then by the night.
CUT_OFF = """
SELECT (array_agg(r.state ORDER BY r.run_id DESC))[1] = 'crashed'
    OR (array_agg(r.state ORDER BY r.run_id DESC))[1] = 'failed' AND count(*) FILTER (WHERE r.state = 'failed') < 3
FROM (SELECT run_id, state FROM ops.run WHERE region = :region AND kind IN ('nightly', 'inbox')
      ORDER BY run_id DESC LIMIT 3) r
"""
# One that was killed with nobody to mark it as dead says for ever that it runs.
NIGHT = """
SELECT EXISTS (SELECT FROM ops.run r WHERE r.region = :region AND r.kind = 'nightly' AND r.state = 'running'
               AND r.started_at > clock_timestamp() - interval '6 hours')
"""
ARCHIVED = """
SELECT d.delivery_id, d.file_name, d.sha256, d.byte_size, ops.came_at(d) AS came_at, d.claimed_at, d.archive_path,
    d.sender_folder, d.channel, d.stated_form, d.stated_sender, d.stated_as_of
FROM ops.delivery d WHERE d.delivery_id = ANY (:deliveries) ORDER BY d.counts_at, d.delivery_id
"""
READINGS = f"""
SELECT d.delivery_id, max(r.reading_id) FROM ops.delivery d
JOIN ops.reading r ON r.delivery_id = coalesce(d.same_as, d.delivery_id)
WHERE d.delivery_id = ANY (:deliveries) AND {FINISHED}
GROUP BY d.delivery_id
"""


@dataclass(frozen=True)
class Archived:
    """A delivery as the archive keeps it; `came_at` is when it came, `stated` what the caller said of it then."""

    delivery_id: int
    file_name: str
    sha256: str
    byte_size: int
    came_at: dt.datetime
    claimed_at: dt.datetime | None
    archive_path: str
    folder: str | None
    channel: str | None
    stated: Stated


def seen_before(connection: Connection, stamps: Mapping[str, str]) -> set[str]:
    """Of paths in the inbox, each with its stamp, those at which that very file was seen before."""
    asked = {"paths": list(stamps), "stamps": list(stamps.values())}
    return set(connection.scalars(text(SEEN), asked))


def waiting(connection: Connection, contract_version: str) -> list[int]:
    """What was received less what has a finished reading: deliveries to be read, wherever they came from and however
    long ago. One that older rules refused is among them."""
    return list(connection.scalars(text(WAITING), {"versions": [contract_version]}))


def has_deliveries(connection: Connection) -> bool:
    """Was anything ever received?"""
    return bool(connection.scalar(text("SELECT EXISTS (SELECT FROM ops.delivery)")))


def has_a_night(connection: Connection, region: str) -> bool:
    """Is a night of a region at work?"""
    return bool(connection.scalar(text(NIGHT), {"region": region}))


def was_cut_off(connection: Connection, region: str) -> bool:
    """Did the last run that took in deliveries of a region die, or fail less than three times?"""
    return bool(connection.scalar(text(CUT_OFF), {"region": region}))


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
        SELECT DISTINCT d.sender_folder FROM ops.delivery d
        WHERE d.sender_folder IS NOT NULL AND d.same_as IS NULL
          AND NOT EXISTS (SELECT FROM ops.reading r WHERE r.delivery_id = d.delivery_id)
          AND NOT EXISTS (SELECT FROM ops.statement n WHERE n.delivery_id = d.delivery_id)
          AND NOT EXISTS (SELECT FROM ops.returned_receipt e WHERE e.delivery_id = d.delivery_id AND e.is_alone)
          AND NOT EXISTS (SELECT FROM ops.arrival i WHERE i.container_id = d.delivery_id)
    """
    return set(connection.scalars(text(statement)))


def readings_of(connection: Connection, delivery_ids: Collection[int], contract_version: str) -> dict[int, int]:
    """Delivery → its newest finished reading; deliveries that have none, and so have to be read, are left out.

    A reading by older rules counts, since judging the past anew is a decision of its own. Only a delivery that older
    rules refused gets another chance.
    """
    rows = connection.execute(text(READINGS), {"deliveries": list(delivery_ids), "versions": [contract_version]})
    return dict(rows.tuples().all())


def start_run(
    connection: Connection,
    kind: str,
    as_of: dt.date | None = None,
    flow_run_id: str | None = None,
    backfill_id: int | None = None,
    region: str | None = None,
) -> int:
    """Record a run as running; returns run_id. One that is of no one region has none."""
    statement = """
        INSERT INTO ops.run (region, kind, as_of, flow_run_id, backfill_id)
        VALUES (:region, :kind, :as_of, :flow_run_id, :backfill_id)
        RETURNING run_id
    """
    asked = {
        "region": region, "kind": kind, "as_of": as_of, "flow_run_id": flow_run_id, "backfill_id": backfill_id,
    }  # fmt: skip
    return int(connection.execute(text(statement), asked).scalar_one())


def finish_run(connection: Connection, run_id: int, state: str, message: str | None = None) -> None:
    """Record how a run ended: `completed`, `failed`, or what else its caller calls it; `message` says it in a sentence,
    without anything of what was in the files."""
    statement = """
        UPDATE ops.run SET state = :state, finished_at = greatest(clock_timestamp(), started_at), message = :message
        WHERE run_id = :run_id
    """
    connection.execute(text(statement), {"state": state, "run_id": run_id, "message": message})


def archived(connection: Connection, delivery_ids: Collection[int]) -> list[Archived]:
    """What the archive keeps of deliveries, in the order in which they count."""
    rows = connection.execute(text(ARCHIVED), {"deliveries": list(delivery_ids)})
    return [
        Archived(row[0], row[1], row[2], row[3], row[4], row[5], row[6], row[7], row[8], Stated(*row[9:]))
        for row in rows
    ]
