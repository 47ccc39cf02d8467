"""What a run's publication changed: figures of reporting units, as published before it and by it."""

from __future__ import annotations

import polars as pl
from sqlalchemy import Connection, text

from warehouse.core.frames import frame

FIGURES = {
    "readiness_by_municipality": ("schools", "accepted", "rejected", "missing"),
    "registration_by_municipality": ("plan_pupils", "actual_pupils"),
}
HAS_PUBLISHED = "SELECT EXISTS (SELECT FROM ops.publication WHERE run_id = :run_id)"
# A date is compared with its own publication before; the run's last date, when it is new, with the date before it.
PAIRS = """
now AS (SELECT p.as_of, max(p.published_at) AS at FROM ops.publication p WHERE p.run_id = :run_id GROUP BY p.as_of),
pair AS (
    SELECT n.as_of, n.at, b.as_of AS before_as_of, b.published_at AS before_at
    FROM now n
    CROSS JOIN LATERAL (
        SELECT p.as_of, p.published_at FROM ops.publication p
        WHERE p.published_at < n.at
          AND (p.as_of = n.as_of OR (p.as_of < n.as_of AND n.as_of = (SELECT max(as_of) FROM now)))
        ORDER BY p.as_of DESC, p.published_at DESC LIMIT 1
    ) b
)
"""


def moved(connection: Connection, run_id: int) -> pl.DataFrame:
    """as_of, before_as_of, mart, name, metric, before, after: figures that a run's publication changed, the newest date
    first, the largest changes first. A date that was never published before, and is not the run's last, is left out."""
    figure_rows = " UNION ALL ".join(
        f"""
        SELECT p.as_of, p.before_as_of, '{name}' AS mart, m.name, f.metric, f.before, f.after
        FROM pair p
        CROSS JOIN LATERAL (
            SELECT coalesce(a.reporting_unit_name, b.reporting_unit_name) AS name, to_jsonb(a) AS a, to_jsonb(b) AS b
            FROM mart.{name}_as_known(p.as_of, p.at) a
            FULL JOIN mart.{name}_as_known(p.before_as_of, p.before_at) b ON b.reporting_unit = a.reporting_unit
        ) m
        CROSS JOIN LATERAL (
            SELECT metric, (m.b ->> metric)::bigint AS before, (m.a ->> metric)::bigint AS after
            FROM unnest(ARRAY{list(figures)}) AS metric
        ) f
        WHERE f.before IS DISTINCT FROM f.after
        """
        for name, figures in FIGURES.items()
    )
    statement = f"""
        WITH {PAIRS}
        SELECT * FROM ({figure_rows}) e
        ORDER BY e.as_of DESC, e.mart, abs(coalesce(e.after, 0) - coalesce(e.before, 0)) DESC, e.name, e.metric
    """
    if not connection.scalar(text(HAS_PUBLISHED), {"run_id": run_id}):  # then there may be no marts either
        return pl.DataFrame()
    return frame(connection, statement, {"run_id": run_id})
