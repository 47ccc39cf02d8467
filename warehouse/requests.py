"""Backfills as they are asked for, and what became of them."""

from __future__ import annotations

import datetime as dt
from dataclasses import dataclass

import polars as pl
from sqlalchemy import Connection, Engine, text

from warehouse.copying import run_script
from warehouse.query import frame

OPEN = """
INSERT INTO ops.backfill (status, requested_by, reason, forms, senders, from_as_of, to_as_of, contract_version)
VALUES ('planning', :requested_by, :reason, :forms, :senders, :from_as_of, :to_as_of, :contract_version)
RETURNING backfill_id
"""
WORK = """
INSERT INTO ops.backfill_delivery (backfill_id, delivery_id, reading_before)
SELECT :id, r.delivery_id, r.reading_id
FROM (
    SELECT DISTINCT ON (r.delivery_id) r.*
    FROM ops.reading r
    WHERE r.status IN ('current', 'superseded')
    ORDER BY r.delivery_id, r.became_current_at DESC, r.reading_id DESC
) r
JOIN ops.delivery d ON d.delivery_id = r.delivery_id
WHERE coalesce(r.as_of, ref.local_date(d.received_at)) BETWEEN :from_as_of AND :to_as_of
  AND (r.form IS NULL OR r.form = ANY (:forms) OR cardinality(cast(:forms AS text[])) = 0)
  AND (r.sender IS NULL OR r.sender = ANY (:senders) OR cardinality(cast(:senders AS text[])) = 0)
"""
OPEN_OVER_THE_SAME = """
SELECT b.backfill_id FROM ops.backfill b
JOIN ops.backfill_delivery o ON o.backfill_id = b.backfill_id
JOIN ops.backfill_delivery n ON n.delivery_id = o.delivery_id AND n.backfill_id = :id
WHERE b.backfill_id <> :id AND b.status IN ('planning', 'planned')
LIMIT 1
"""

BACKFILLS = """
SELECT b.backfill_id, b.status, b.requested_by, b.reason, array_to_string(b.forms, ', ') AS forms,
    array_to_string(b.senders, ', ') AS senders, b.from_as_of, b.to_as_of, b.contract_version,
    b.requested_at, b.planned_at, b.applied_at, b.reverted_at, b.cancelled_at,
    count(d.delivery_id) AS deliveries,
    count(d.delivery_id) FILTER (WHERE d.outcome = 'same') AS same,
    count(d.delivery_id) FILTER (WHERE d.outcome = 'proposed') AS changed,
    count(d.delivery_id) FILTER (WHERE d.outcome = 'waiting') AS waiting,
    (SELECT count(*) FROM ops.backfill_change c WHERE c.backfill_id = b.backfill_id) AS figures
FROM ops.backfill b LEFT JOIN ops.backfill_delivery d ON d.backfill_id = b.backfill_id
WHERE b.backfill_id = :id OR cast(:id AS bigint) IS NULL
GROUP BY b.backfill_id ORDER BY b.backfill_id DESC
"""


@dataclass(frozen=True)
class Request:
    """What is to be read again, and who asks for it why. No forms or senders means all of them."""

    requested_by: str
    reason: str
    forms: tuple[str, ...]
    senders: tuple[str, ...]
    from_as_of: dt.date
    to_as_of: dt.date
    contract_version: str


class Refused(Exception):
    """A backfill that cannot be opened, applied, reverted or cancelled; the text says why, for people."""


def open_backfill(engine: Engine, request: Request) -> int:
    """Record a request and its work list: every delivery in question with its last reading. Raises Refused."""
    if len(request.reason.split()) < 2:
        raise Refused("a backfill needs a reason in a sentence: why is the past read again?")
    asked = {
        "requested_by": request.requested_by, "reason": request.reason, "forms": list(request.forms),
        "senders": list(request.senders), "from_as_of": request.from_as_of, "to_as_of": request.to_as_of,
        "contract_version": request.contract_version,
    }  # fmt: skip
    with engine.begin() as connection:
        run_script(connection, "LOCK TABLE ops.backfill IN SHARE ROW EXCLUSIVE MODE")
        backfill_id = int(connection.execute(text(OPEN), asked).scalar_one())
        work = connection.execute(text(WORK), {**asked, "id": backfill_id}).rowcount
        if not work:
            raise Refused("no delivery was read for these forms, senders and dates")
        other = connection.scalar(text(OPEN_OVER_THE_SAME), {"id": backfill_id})
        if other is not None:
            raise Refused(f"backfill {other} is open over the same deliveries: apply or cancel it first")
    return backfill_id


def backfills(connection: Connection, backfill_id: int | None = None) -> pl.DataFrame:
    """One row a request, the newest first: what was asked, by whom and why, its status and counts of deliveries."""
    return frame(connection, BACKFILLS, {"id": backfill_id})
