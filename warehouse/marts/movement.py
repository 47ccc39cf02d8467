"""What a run's publication changed: figures of reporting units, as published before it and by it."""

from __future__ import annotations

import polars as pl
from sqlalchemy import Connection, text

from warehouse.core.frames import frame

HAS_PUBLISHED = "SELECT EXISTS (SELECT FROM ops.publication WHERE run_id = :run_id)"
# A date is compared with its own publication before; the run's last date, when it is new, with the date before it.
PAIRS = """
now AS (
    SELECT p.region, p.as_of, max(p.published_at) AS at FROM ops.publication p WHERE p.run_id = :run_id
    GROUP BY p.region, p.as_of
),
pair AS (
    SELECT n.region, n.as_of, n.at, b.as_of AS before_as_of, b.published_at AS before_at
    FROM now n
    CROSS JOIN LATERAL (
        SELECT p.as_of, p.published_at FROM ops.publication p
        WHERE p.region = n.region AND p.published_at < n.at
          AND (p.as_of = n.as_of
               OR (p.as_of < n.as_of AND n.as_of = (SELECT max(o.as_of) FROM now o WHERE o.region = n.region)))
        ORDER BY p.as_of DESC, p.published_at DESC LIMIT 1
    ) b
)
"""
MOVED = f"""
WITH {PAIRS}
SELECT p.region, p.as_of, p.before_as_of, m.* FROM pair p
CROSS JOIN LATERAL (
    SELECT mart, coalesce(a.name, b.name) AS name, metric, b.figure::bigint AS before, a.figure::bigint AS after
    FROM (
        SELECT f.mart, f.code, f.metric, f.name, f.figure FROM history.figure f
        WHERE f.kind = 'measure' AND f.grain = 'unit' AND f.region = p.region AND f.as_of = p.as_of
          AND f.published_at <= p.at AND f.replaced_at > p.at
    ) a
    FULL JOIN (
        SELECT f.mart, f.code, f.metric, f.name, f.figure FROM history.figure f
        WHERE f.kind = 'measure' AND f.grain = 'unit' AND f.region = p.region AND f.as_of = p.before_as_of
          AND f.published_at <= p.before_at AND f.replaced_at > p.before_at
    ) b USING (mart, code, metric)
    WHERE a.figure IS DISTINCT FROM b.figure
) m
ORDER BY p.region, p.as_of DESC, m.mart, abs(coalesce(m.after, 0) - coalesce(m.before, 0)) DESC, m.name, m.metric
"""


def moved(connection: Connection, run_id: int) -> pl.DataFrame:
    """region, as_of, before_as_of, mart, name, metric, before, after: figures that a run's publication changed, the
    newest date first, the largest changes first. A date that was never published before, and is not the run's last, is
    left out."""
    if not connection.scalar(text(HAS_PUBLISHED), {"run_id": run_id}):  # then there may be no marts either
        return pl.DataFrame()
    return frame(connection, MOVED, {"run_id": run_id})
