"""Backfills as they are asked for, and what became of them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from dataclasses import asdict, dataclass

import polars as pl
from sqlalchemy import Connection, Engine, text

from contracts.versions.inputs import JUDGE_DATES
from warehouse.core.frames import frame
from warehouse.core.slices import lock_slices

OPEN = """
INSERT INTO ops.backfill (region, status, requested_by, reason, forms, senders, from_as_of, to_as_of, campaign,
    register_known_at, contract_version, flow_run_id, inputs, reads, requested_at)
VALUES (:region, 'planning', :requested_by, :reason, :forms, :senders, :from_as_of, :to_as_of, :campaign,
    :register_known_at, :contract_version, :flow_run_id, cast(:inputs AS text[]), :reads, ops.clock())
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
WHERE r.region = :region
  AND coalesce(r.as_of, ref.region_date(r.region, ops.came_at(d))) BETWEEN :from_as_of AND :to_as_of
  -- What an officer has to decide, or has declined, does not come in by the way of a backfill.
  AND NOT EXISTS (SELECT FROM ops.reading n WHERE n.delivery_id = r.delivery_id AND n.reading_id > r.reading_id
                    AND n.status IN ('held', 'declined', 'overtaken'))
  AND (r.form IS NULL OR r.form = ANY (:forms) OR cardinality(cast(:forms AS text[])) = 0)
  AND (r.sender IS NULL OR r.sender = ANY (:senders) OR cardinality(cast(:senders AS text[])) = 0)
"""
# Dates that are published and would be judged by another version than they are.
JUDGED_ANEW = """
INSERT INTO ops.backfill_input (backfill_id, as_of, input_region, input, version_before, version_after)
SELECT :id, p.as_of, i.input_region, n.input, v.before, v.after
FROM (SELECT DISTINCT as_of FROM ops.publication WHERE region = :region AND as_of BETWEEN :from_as_of AND :to_as_of) p
CROSS JOIN (
    SELECT i.input, a.version FROM unnest(cast(:judging AS text[])) AS i (input)
    LEFT JOIN (SELECT split_part(e, '=', 1) AS input, nullif(split_part(e, '=', 2), '') AS version
               FROM unnest(cast(:inputs AS text[])) AS e) a ON a.input = i.input
    WHERE a.input IS NOT NULL OR cast(:inputs AS text[]) IS NULL
) n
CROSS JOIN LATERAL ref.inputs_named(:region, ARRAY[n.input]) i
CROSS JOIN LATERAL (
    SELECT ref.input_at(:region, i.input_region, n.input, p.as_of) AS before,
        ref.input_anew(i.input_region, n.input, p.as_of, n.version) AS after
) v
WHERE v.after <> v.before
"""
VERSIONS_OF = """
SELECT version FROM ref.input_version WHERE region IN ('', :region) AND input = :input AND holds
GROUP BY version ORDER BY min(position), version
"""
OPEN_OVER_THE_DATES = """
SELECT b.backfill_id FROM ops.backfill_input m
JOIN ops.backfill_input o
    ON o.as_of = m.as_of AND o.input_region = m.input_region AND o.input = m.input AND o.backfill_id <> m.backfill_id
JOIN ops.backfill b ON b.backfill_id = o.backfill_id AND b.status IN ('planning', 'planned') AND b.region = :region
WHERE m.backfill_id = :id LIMIT 1
"""
OPEN_OVER_THE_SAME = """
WITH mine AS MATERIALIZED (
    SELECT o.delivery_id, r.slice
    FROM ops.backfill_delivery o JOIN ops.reading r ON r.reading_id = o.reading_before
    WHERE o.backfill_id = :id
)
SELECT b.backfill_id FROM ops.backfill b
JOIN ops.backfill_delivery o ON o.backfill_id = b.backfill_id
JOIN ops.reading r ON r.reading_id = o.reading_before
WHERE b.backfill_id <> :id AND b.status IN ('planning', 'planned')
  AND (o.delivery_id IN (SELECT m.delivery_id FROM mine m)
       OR r.slice IN (SELECT m.slice FROM mine m WHERE m.slice IS NOT NULL))
LIMIT 1
"""
BACKFILLS = """
SELECT b.backfill_id, b.region, b.status, b.requested_by, b.reason, array_to_string(b.forms, ', ') AS forms,
    array_to_string(b.senders, ', ') AS senders, b.from_as_of, b.to_as_of, b.campaign, b.register_known_at,
    b.contract_version, b.requested_at, b.planned_at, b.approved_by, b.applied_at, b.reverted_at, b.cancelled_at,
    count(d.delivery_id) AS deliveries,
    count(d.delivery_id) FILTER (WHERE d.outcome = 'same') AS same,
    count(d.delivery_id) FILTER (WHERE d.outcome = 'proposed') AS changed,
    count(d.delivery_id) FILTER (WHERE d.outcome = 'waiting') AS waiting,
    (SELECT count(*) FROM ops.backfill_change c WHERE c.backfill_id = b.backfill_id) AS figures,
    (SELECT count(DISTINCT i.as_of) FROM ops.backfill_input i WHERE i.backfill_id = b.backfill_id) AS dates_judged,
    (SELECT string_agg(DISTINCT i.input, ', ') FROM ops.backfill_input i WHERE i.backfill_id = b.backfill_id) AS inputs
FROM ops.backfill b LEFT JOIN ops.backfill_delivery d ON d.backfill_id = b.backfill_id
WHERE b.backfill_id = :id OR cast(:id AS bigint) IS NULL
GROUP BY b.backfill_id ORDER BY b.backfill_id DESC
"""

# Runs that took deliveries in: opening, reading and publishing cost about what planning does.
SECONDS_A_DELIVERY = """
SELECT sum(extract(epoch FROM n.finished_at - n.started_at)) / nullif(sum(n.deliveries), 0)
FROM (
    SELECT r.started_at, r.finished_at, count(d.reading_id) AS deliveries
    FROM ops.run r JOIN ops.reading d ON d.run_id = r.run_id
    WHERE r.kind IN ('ingest', 'nightly') AND r.finished_at IS NOT NULL
    GROUP BY r.run_id ORDER BY r.run_id DESC LIMIT 30
) n
"""


@dataclass(frozen=True)
class Request:
    """What of a region is to be read again, and who asks for it why. No forms or senders means all of them.

    Deliveries are read with the register that holds on their as-of date as we know it now, or, with
    `register_known_at`, as we knew it then. Published dates are judged anew by `inputs` (a name each, or name=version);
    None means all of them, by the versions that judge the dates now. Without `reads` nothing is read again.
    """

    region: str
    requested_by: str
    reason: str
    forms: tuple[str, ...]
    senders: tuple[str, ...]
    from_as_of: dt.date
    to_as_of: dt.date
    contract_version: str
    campaign: str | None = None
    register_known_at: dt.datetime | None = None
    flow_run_id: str | None = None
    inputs: tuple[str, ...] | None = ()
    reads: bool = True


class Refused(Exception):
    """A backfill that cannot be opened, applied, reverted or cancelled; the text says why, for people."""


def lock_backfills(connection: Connection, region: str) -> None:
    """Be the only one who opens or cancels backfills of a region, of which none is being applied, until the transaction
    ends. Raises Timeout."""
    lock_slices(connection, [f"backfills of {region}"], [region])


def open_backfill(engine: Engine, request: Request) -> int:
    """Record a request and its work list: every delivery in question with its last reading, and every published date
    that another version of an input would judge. Raises Refused; Timeout when somebody publishes the region for too
    long."""
    if len(request.reason.split()) < 2:
        raise Refused("a backfill needs a reason in a sentence: why is the past read again?")
    parameters = {**asdict(request), "forms": list(request.forms), "senders": list(request.senders)}
    parameters["inputs"] = None if request.inputs is None else list(request.inputs)
    with engine.begin() as connection:
        lock_backfills(connection, request.region)
        backfill_id = int(connection.execute(text(OPEN), parameters).scalar_one())
        parameters["judging"] = list(JUDGE_DATES)
        _must_have_versions(connection, request.region, request.inputs or ())
        work = connection.execute(text(WORK), {**parameters, "id": backfill_id}).rowcount if request.reads else 0
        dates = connection.execute(text(JUDGED_ANEW), {**parameters, "id": backfill_id}).rowcount
        if not work and not dates:
            raise Refused(
                "no delivery was read for these forms, senders and dates"
                if request.reads
                else "no published date among these would be judged by another version of these inputs"
            )
        other = connection.scalar(text(OPEN_OVER_THE_SAME), {"id": backfill_id})
        if other is not None:
            raise Refused(f"backfill {other} is open over the same slices: apply or cancel it first")
        other = connection.scalar(text(OPEN_OVER_THE_DATES), {"id": backfill_id, "region": request.region})
        if other is not None:
            raise Refused(f"backfill {other} is open over the same dates: apply or cancel it first")
    return backfill_id


def _must_have_versions(connection: Connection, region: str, inputs: Sequence[str]) -> None:
    """Raises Refused for an input, or a version of it, that there is not."""
    for named in inputs:
        name, _, version = named.partition("=")
        versions = list(connection.scalars(text(VERSIONS_OF), {"region": region, "input": name}))
        if name not in JUDGE_DATES:
            raise Refused(f"no input that judges dates is named {name!r}; there are: {', '.join(JUDGE_DATES)}")
        if version and version not in versions:
            raise Refused(f"{name} has no version {version!r}; there are: {', '.join(versions)}")


def seconds_a_delivery(connection: Connection) -> float | None:
    """What a delivery cost in the last runs that took some in; None before the first."""
    seconds = connection.scalar(text(SECONDS_A_DELIVERY))
    return None if seconds is None else float(seconds)


def backfill_of(connection: Connection, flow_run_id: str) -> int | None:
    """The backfill that a run of Prefect has asked for; None when it has not yet."""
    statement = "SELECT backfill_id FROM ops.backfill WHERE flow_run_id = :flow_run_id"
    backfill_id: int | None = connection.scalar(text(statement), {"flow_run_id": flow_run_id})
    return backfill_id


def backfills(connection: Connection, backfill_id: int | None = None) -> pl.DataFrame:
    """One row a request, the newest first: what was asked, by whom and why, its status and counts of deliveries."""
    return frame(connection, BACKFILLS, {"id": backfill_id})
