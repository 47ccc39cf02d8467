"""How the warehouse stands now: what was published last, who sent what, what is wrong, what waits."""

from __future__ import annotations

import datetime as dt
from typing import NamedTuple

import polars as pl
from sqlalchemy import Connection, text

from warehouse.core.frames import frame
from warehouse.deliveries.received import waiting
from warehouse.marts.publication import marts_published
from warehouse.schema.upgrade import connect

PUBLISHED = """
SELECT p.as_of, max(p.published_at) AS published_at, max(p.known_at) AS known_at
FROM ops.publication p
WHERE p.region = :region AND p.as_of = (SELECT max(o.as_of) FROM ops.publication o WHERE o.region = :region)
GROUP BY p.as_of
"""
# Marts are published together; when rows changed last is each one's own, because equal rows stay as they are.
MART = """
SELECT '{name}' AS mart, l.as_of, l.published_at, r.changed_at, r.rows
FROM last l
CROSS JOIN LATERAL (
    SELECT max(h.published_at) AS changed_at, count(*) AS rows FROM {history} h
    WHERE h.replaced_at = 'infinity' AND h.region = :region AND h.as_of = l.as_of
) r
"""
SENDERS = """
SELECT h.form, h.form_title, h.sender, h.sender_name, h.status, h.is_received, h.on_time, h.deadline, h.received_at
FROM mart.delivery_health h
WHERE h.is_expected AND h.region = :region
  AND h.as_of = (SELECT max(o.as_of) FROM ops.publication o WHERE o.region = :region)
ORDER BY h.position
"""
WAITING = """
SELECT d.delivery_id, d.file_name, left(d.sha256, 8) AS sha256, ops.came_at(d) AS received_at,
    d.sender_folder AS folder
FROM ops.delivery d WHERE d.delivery_id = ANY (:deliveries) ORDER BY d.counts_at, d.delivery_id
"""
OPEN_BACKFILLS = """
SELECT backfill_id, region, status, requested_by, reason, from_as_of, to_as_of, requested_at
FROM ops.backfill WHERE status IN ('planning', 'planned') ORDER BY backfill_id
"""
HAS_REGISTER = "SELECT EXISTS (SELECT FROM ref.register_known(:region, 'infinity'))"
# The most serious first: our own, then what went up to the next contact, then the oldest.
OPEN_INCIDENTS = """
SELECT i.incident_id, i.incident_class, i.condition, i.name, i.region, i.form, f.title AS form_title, i.sender,
    c.name AS sender_name, i.subject, i.opened_at, i.level, i.acknowledged_by, i.assigned_to, i.muted_until
FROM ops.incident i
LEFT JOIN ref.form f ON f.form = i.form
LEFT JOIN ref.sender c ON c.sender = i.sender
WHERE i.state = 'open'
ORDER BY array_position(ARRAY['own', 'lateness', 'data'], i.incident_class), i.level DESC, i.opened_at, i.incident_id
"""
# `tried` counts those that were tried and wait to be tried again.
UNSENT = """
SELECT channel, outcome, count(*) AS messages, count(*) FILTER (WHERE attempts > 0) AS tried,
    min(created_at) AS oldest_created_at
FROM ops.message WHERE outcome IN ('waiting', 'sending', 'failed')
GROUP BY channel, outcome ORDER BY channel, outcome
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


class LastPublication(NamedTuple):
    """When the marts of a date were published, and what was known then."""

    as_of: dt.date
    published_at: dt.datetime
    known_at: dt.datetime


def last_published(connection: Connection, region: str) -> LastPublication | None:
    """The publication of a region's latest as-of date; None when nothing of it was ever published."""
    return next(map(LastPublication._make, frame(connection, PUBLISHED, {"region": region}).iter_rows()), None)


def freshness_of_marts(connection: Connection, region: str) -> pl.DataFrame:
    """mart, as_of and published_at of a region's last publication; when a row of that date changed last, and how many
    rows it has. A mart that was never published for the region is left out."""
    published = marts_published(connection, region)
    selects = " UNION ALL ".join(MART.format(name=mart.name, history=mart.history) for mart in published)
    rows = f"WITH last AS ({PUBLISHED}) {selects} ORDER BY mart"
    return frame(connection, rows, {"region": region}) if published else pl.DataFrame()


def senders(connection: Connection, region: str) -> pl.DataFrame:
    """Who of a region owes what for its latest published date, and what became of it; empty when nothing was ever
    published."""
    return frame(connection, SENDERS, {"region": region})


def deliveries_waiting(connection: Connection, contract_version: str) -> pl.DataFrame:
    """delivery_id, file_name, sha256 (its first digits), received_at, folder: what the next run will read."""
    return frame(connection, WAITING, {"deliveries": waiting(connection, contract_version)})


def has_register(connection: Connection, region: str) -> bool:
    """Is a region's register of schools loaded? Without one no form of its schools is read."""
    return bool(connection.scalar(text(HAS_REGISTER), {"region": region}))


def open_backfills(connection: Connection) -> pl.DataFrame:
    """backfill_id, region, status, requested_by, reason, from_as_of, to_as_of, requested_at of requests not decided
    yet."""
    return frame(connection, OPEN_BACKFILLS, {})


def open_incidents(connection: Connection) -> pl.DataFrame:
    """incident_id, incident_class, condition, name, region, form, form_title, sender, sender_name, subject, opened_at,
    level, acknowledged_by, assigned_to, muted_until: the most serious first."""
    return frame(connection, OPEN_INCIDENTS, {})


def messages_unsent(connection: Connection) -> pl.DataFrame:
    """channel, outcome (waiting, sending, failed), messages, tried, oldest_created_at."""
    return frame(connection, UNSENT, {})
