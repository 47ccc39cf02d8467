"""Before and after: what a backfill's proposals would change in the marts, row by row and column by column."""

from __future__ import annotations

import datetime as dt
from collections.abc import Collection

import polars as pl
from sqlalchemy import Connection, Engine, text

from contracts.forms import FORMS
from warehouse.backfill import look_through, mark, status_of
from warehouse.facts import fact_table, key_columns
from warehouse.mart import Mart, marts
from warehouse.publish import audit, build, published_dates
from warehouse.query import frame
from warehouse.requests import Refused

UNTOLD = ("position", "known_at", "as_of")
"""Columns that differ without a figure having moved."""
STANDING_FORMS_CHANGED = """
SELECT coalesce(bool_or(f.holds_before_first), false), min(r.as_of)
FROM ops.reading r JOIN ref.form f ON f.form = r.form
WHERE r.backfill_id = :id OR r.reading_id IN (
    SELECT reading_before FROM ops.backfill_delivery WHERE backfill_id = :id AND outcome = 'proposed')
"""
DELIVERIES = """
SELECT o.delivery_id, d.file_name, coalesce(n.form, b.form) AS form, coalesce(n.sender, b.sender) AS sender,
    coalesce(n.as_of, b.as_of) AS as_of, b.verdict AS verdict_before, n.verdict AS verdict_after,
    b.rows_loaded AS loaded_before, n.rows_loaded AS loaded_after,
    b.rows_quarantined AS quarantined_before, n.rows_quarantined AS quarantined_after
FROM ops.backfill_delivery o
JOIN ops.delivery d ON d.delivery_id = o.delivery_id
JOIN ops.reading b ON b.reading_id = o.reading_before
JOIN ops.reading n ON n.delivery_id = o.delivery_id AND n.backfill_id = o.backfill_id
WHERE o.backfill_id = :id ORDER BY 3, 4, 5, 1
"""
FINDINGS = """
WITH found AS (
    SELECT f.rule, f.severity, r.backfill_id IS NOT DISTINCT FROM :id AS is_new, count(*) AS findings
    FROM ops.finding f JOIN ops.reading r ON r.reading_id = f.reading_id
    WHERE r.backfill_id = :id OR r.reading_id IN (
        SELECT reading_before FROM ops.backfill_delivery WHERE backfill_id = :id AND outcome = 'proposed')
    GROUP BY 1, 2, 3
)
SELECT rule, severity, coalesce(sum(findings) FILTER (WHERE NOT is_new), 0)::bigint AS before,
    coalesce(sum(findings) FILTER (WHERE is_new), 0)::bigint AS after
FROM found GROUP BY 1, 2
HAVING coalesce(sum(findings) FILTER (WHERE NOT is_new), 0) <> coalesce(sum(findings) FILTER (WHERE is_new), 0)
ORDER BY rule
"""
CHANGES = """
SELECT mart, as_of, key, name, column_name AS "column", before, after
FROM ops.backfill_change WHERE backfill_id = :id ORDER BY mart, as_of, key, column_name
"""


def affected_dates(connection: Connection, backfill_id: int) -> list[dt.date]:
    """Published dates whose marts a backfill may change: those from its first changed reading on, or all of them when
    a register or a plan changed."""
    all_dates, first = connection.execute(text(STANDING_FORMS_CHANGED), {"id": backfill_id}).one()
    return [day for day in published_dates(connection) if all_dates or (first is not None and day >= first)]


def compare(engine: Engine, backfill_id: int) -> int:
    """Build the marts aside as if a plan were applied, audit them, and store what would change; the plan is then ready.

    Returns how many figures would move. Raises AuditFailed when the marts would not pass, Refused when the plan is not
    being made.
    """
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, connection.begin():
        status = status_of(connection, backfill_id).status
        if status != "planning":
            raise Refused(f"backfill {backfill_id} is {status}, not being planned")
        dates = affected_dates(connection, backfill_id)
        look_through(connection, backfill_id)
        for mart in marts():
            build(connection, mart, dates)
        moved = 0
        if dates:
            audit(connection)
            moved = sum(store_changes(connection, backfill_id, mart, dates) for mart in marts())
        mark(connection, backfill_id, "planned", connection.scalar(text("SELECT clock_timestamp()")))
    return moved


def store_changes(connection: Connection, backfill_id: int, mart: Mart, dates: Collection[dt.date]) -> int:
    key = f"concat_ws(' | ', {', '.join(mart.key)})"
    statement = f"""
        INSERT INTO ops.backfill_change (backfill_id, mart, as_of, key, name, column_name, before, after)
        SELECT :id, :mart, as_of, key, coalesce(a.told ->> :label, b.told ->> :label), each.name,
            b.told ->> each.name, a.told ->> each.name
        FROM (SELECT m.as_of, {key} AS key, to_jsonb(m) AS told FROM {mart.relation} m WHERE m.as_of = ANY (:dates)) b
        FULL JOIN (SELECT m.as_of, {key} AS key, to_jsonb(m) AS told FROM pg_temp.{mart.name} m) a USING (as_of, key)
        CROSS JOIN LATERAL jsonb_object_keys(coalesce(a.told, b.told)) AS each (name)
        WHERE b.told ->> each.name IS DISTINCT FROM a.told ->> each.name AND each.name <> ALL (:untold)
    """
    asked = {"id": backfill_id, "mart": mart.name, "label": mart.label, "dates": list(dates), "untold": list(UNTOLD)}
    return int(connection.execute(text(statement), asked).rowcount)


def changes(connection: Connection, backfill_id: int) -> pl.DataFrame:
    """mart, as_of, key, name, column, before, after: every figure that moves, texts as the mart would print them."""
    return frame(connection, CHANGES, {"id": backfill_id})


def changed_deliveries(connection: Connection, backfill_id: int) -> pl.DataFrame:
    """Deliveries that are now read otherwise: file, form, sender, date, verdicts and row counts before and after."""
    return frame(connection, DELIVERIES, {"id": backfill_id})


def changed_cells(connection: Connection, backfill_id: int, most: int = 200) -> pl.DataFrame:
    """A sample of the loaded values that come out otherwise: form, key, column, before, after."""
    found = [pl.DataFrame(schema=dict.fromkeys(("form", "key", "column", "before", "after"), pl.String()))]
    for form in FORMS:
        key = f"concat_ws(' | ', {', '.join(key_columns(form))})"
        statement = f"""
            WITH told AS (
                SELECT o.delivery_id, r.backfill_id IS NOT NULL AND r.backfill_id = :id AS is_new, {key} AS key,
                    to_jsonb(f) - 'reading_id' AS cells
                FROM ops.backfill_delivery o
                JOIN ops.reading r ON r.reading_id = o.reading_before
                    OR (r.backfill_id = o.backfill_id AND r.delivery_id = o.delivery_id)
                JOIN core.{fact_table(form)} f ON f.reading_id = r.reading_id
                WHERE o.backfill_id = :id AND o.outcome = 'proposed'
            )
            SELECT cast(:form AS text) AS form, key, each.name AS "column", b.cells ->> each.name AS before,
                a.cells ->> each.name AS after
            FROM (SELECT * FROM told WHERE NOT is_new) b
            FULL JOIN (SELECT * FROM told WHERE is_new) a USING (delivery_id, key)
            CROSS JOIN LATERAL jsonb_object_keys(coalesce(a.cells, b.cells)) AS each (name)
            WHERE b.cells ->> each.name IS DISTINCT FROM a.cells ->> each.name
            ORDER BY 2, 3 LIMIT :most
        """
        found.append(frame(connection, statement, {"id": backfill_id, "form": form.name, "most": most}))
    return pl.concat(found).head(most)


def changed_findings(connection: Connection, backfill_id: int) -> pl.DataFrame:
    """rule, severity, before, after: findings that appear and vanish."""
    return frame(connection, FINDINGS, {"id": backfill_id})
