"""Runs: when each was, how it ended, and what became of the deliveries that it read."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from typing import NamedTuple

import polars as pl
from sqlalchemy import Connection, text

from warehouse.core.frames import frame

# Deliveries that are not read by a run, because it failed on them, are in its state and its message.
RUNS = """
SELECT u.run_id, u.region, u.kind, u.as_of, u.started_at, u.finished_at, u.state, u.message, u.backfill_id,
    coalesce(u.flow_run_id, b.flow_run_id) AS flow_run_id, r.accepted, r.partial, r.refused, r.held
FROM ops.run u
LEFT JOIN ops.backfill b ON b.backfill_id = u.backfill_id
CROSS JOIN LATERAL (
    SELECT count(*) FILTER (WHERE r.held_at IS NULL AND r.verdict = 'accepted') AS accepted,
        count(*) FILTER (WHERE r.held_at IS NULL AND r.verdict = 'partial') AS partial,
        count(*) FILTER (WHERE r.verdict = 'refused') AS refused,
        count(*) FILTER (WHERE r.held_at IS NOT NULL) AS held
    FROM ops.reading r WHERE r.run_id = u.run_id AND r.status <> 'unfinished'
) r
"""
LAST = (
    f"{RUNS} WHERE u.kind {{kinds}} AND u.region IS NOT DISTINCT FROM cast(:region AS text)"
    " ORDER BY u.run_id DESC LIMIT :most"
)


class Run(NamedTuple):
    """A run: of which kind, for which date, how it ended, and how many of its deliveries are what."""

    run_id: int
    region: str | None
    kind: str
    as_of: dt.date | None
    started_at: dt.datetime
    finished_at: dt.datetime | None
    state: str
    message: str | None
    backfill_id: int | None
    flow_run_id: str | None
    accepted: int
    partial: int
    refused: int
    held: int


def last_nights(connection: Connection, region: str, most: int) -> pl.DataFrame:
    """The last nightly runs of a region, a row a `Run`: the newest first."""
    return frame(connection, LAST.format(kinds="= 'nightly'"), {"region": region, "most": most})


def last_others(connection: Connection, region: str | None, most: int) -> pl.DataFrame:
    """The same of all other runs of a region, or of those that are of no one region."""
    return frame(connection, LAST.format(kinds="<> 'nightly'"), {"region": region, "most": most})


def runs_named(connection: Connection, run_ids: Sequence[int] = (), flow_run_id: str | None = None) -> list[Run]:
    """Runs by their numbers, or by the Prefect flow run that they belong to: the oldest first."""
    statement = f"{RUNS} WHERE u.run_id = ANY (:run_ids) OR coalesce(u.flow_run_id, b.flow_run_id) = :flow_run_id"
    asked = {"run_ids": list(run_ids), "flow_run_id": flow_run_id}
    return list(map(Run._make, frame(connection, f"{statement} ORDER BY u.run_id", asked).iter_rows()))


def newest_run(connection: Connection) -> int | None:
    """The number of the run that began last; None when there was none."""
    run_id: int | None = connection.scalar(text("SELECT max(run_id) FROM ops.run"))
    return run_id
