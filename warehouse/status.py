"""How the warehouse stands now: runs, what was published last, who sent what, what waits, which backfills are open."""

from __future__ import annotations

import polars as pl
from sqlalchemy import Connection, text

from warehouse.database import connect
from warehouse.deliveries import waiting
from warehouse.query import frame

RUNS = """
SELECT run_id, kind, as_of, started_at, finished_at, state FROM ops.run ORDER BY run_id DESC LIMIT :most
"""
PUBLISHED = """
SELECT p.as_of, max(p.published_at) AS published_at, max(p.known_at) AS known_at
FROM ops.publication p WHERE p.as_of = (SELECT max(as_of) FROM ops.publication)
GROUP BY p.as_of
"""
SENDERS = """
SELECT h.form, h.form_title, h.sender, h.sender_name, h.status, h.is_received, h.on_time, h.deadline, h.received_at
FROM mart.delivery_health h
WHERE h.is_expected AND h.as_of = (SELECT max(as_of) FROM ops.publication) ORDER BY h.position
"""
WAITING = """
SELECT d.delivery_id, d.file_name, left(d.sha256, 8) AS sha256, d.received_at,
    (SELECT a.sender_folder FROM ops.arrival a WHERE a.delivery_id = d.delivery_id ORDER BY a.arrival_id LIMIT 1)
        AS folder
FROM ops.delivery d WHERE d.delivery_id = ANY (:deliveries) ORDER BY d.received_at, d.delivery_id
"""
OPEN_BACKFILLS = """
SELECT backfill_id, status, requested_by, reason, from_as_of, to_as_of, requested_at
FROM ops.backfill WHERE status IN ('planning', 'planned') ORDER BY backfill_id
"""


def is_set_up(url: str) -> bool:
    """Is there a warehouse in this database? Asks without making one."""
    engine = connect(url)
    try:
        with engine.connect() as connection:
            return connection.scalar(text("SELECT to_regclass('ops.applied')")) is not None
    finally:
        engine.dispose()


def only_reading(connection: Connection) -> None:
    """Let the transaction change nothing."""
    connection.execute(text("SET TRANSACTION READ ONLY"))


def last_runs(connection: Connection, most: int) -> pl.DataFrame:
    """run_id, kind, as_of, started_at, finished_at, state: the newest first."""
    return frame(connection, RUNS, {"most": most})


def last_published(connection: Connection) -> pl.DataFrame:
    """as_of, published_at, known_at of the latest as-of date; no row when nothing was ever published."""
    return frame(connection, PUBLISHED, {})


def senders(connection: Connection) -> pl.DataFrame:
    """Who owes what for the latest published date, and what became of it; empty when nothing was ever published."""
    if connection.scalar(text("SELECT to_regclass('mart.delivery_health')")) is None:
        return pl.DataFrame()
    return frame(connection, SENDERS, {})


def deliveries_waiting(connection: Connection, contract_version: str) -> pl.DataFrame:
    """delivery_id, file_name, sha256 (its first digits), received_at, folder: what the next run will read."""
    return frame(connection, WAITING, {"deliveries": waiting(connection, contract_version)})


def open_backfills(connection: Connection) -> pl.DataFrame:
    """backfill_id, status, requested_by, reason, from_as_of, to_as_of, requested_at of requests not decided yet."""
    return frame(connection, OPEN_BACKFILLS, {})
