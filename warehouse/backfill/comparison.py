"""Before and after: what a backfill's proposals would change in the marts, row by row and column by column."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Collection

import polars as pl
from sqlalchemy import Connection, Engine, text

from contracts.forms import FORMS
from warehouse.backfill.apply import mark, status_of, touched
from warehouse.backfill.older_rules import MARKS, keep_confirmed
from warehouse.backfill.proposals import look_through
from warehouse.backfill.requests import Refused
from warehouse.core.frames import frame
from warehouse.core.slices import holding
from warehouse.core.transaction import begun, retried
from warehouse.marts.definitions import Mart, marts, views
from warehouse.marts.publication import audit, build_all, published_dates
from warehouse.marts.shapes import shape
from warehouse.schema.facts import fact_table, key_columns
from warehouse.schema.restricted import account, note_access

UNTOLD = ("region", "position", "known_at", "as_of", "inputs_judged_by", *MARKS)
"""Columns that differ without a figure having moved."""
OF_THE_DATE = ("completeness", "is_final")
"""What every row of a date says alike: told once, by the regional totals, lest it hide the figures that moved."""
STANDING_FORMS_CHANGED = """
SELECT coalesce(bool_or(f.holds_before_first), false), min(r.as_of)
FROM ops.reading r JOIN ref.form f ON f.form = r.form
WHERE r.backfill_id = :id OR r.reading_id IN (
    SELECT reading_before FROM ops.backfill_delivery
    WHERE backfill_id = :id AND (outcome = 'proposed' OR confirms IS NOT NULL))
"""
JUDGED_DATES = "SELECT DISTINCT as_of FROM ops.backfill_input WHERE backfill_id = :id"
INPUTS = """
SELECT i.input, b.version AS before, a.version AS after, min(i.as_of) AS first, max(i.as_of) AS last,
    count(*) AS dates, b.lines::text AS lines_before, a.lines::text AS lines_after, a.what
FROM ops.backfill_input i
JOIN ref.input_version b ON b.input_version = i.version_before
JOIN ref.input_version a ON a.input_version = i.version_after
WHERE i.backfill_id = :id
GROUP BY i.input_region, i.input, b.input_version, a.input_version ORDER BY i.input, i.input_region, min(i.as_of)
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
SELECT c.mart, c.as_of, c.key, c.name, c.column_name AS "column", format_type(a.atttypid, a.atttypmod) AS "type",
    c.before, c.after
FROM ops.backfill_change c
LEFT JOIN pg_attribute a ON a.attrelid = to_regclass('mart.' || c.mart) AND a.attname = c.column_name
WHERE c.backfill_id = :id ORDER BY c.mart, c.as_of, c.key, c.column_name
"""
CELLS = {
    "form": pl.String(), "sender": pl.String(), "as_of": pl.Date(), "key": pl.String(), "column": pl.String(),
    "type": pl.String(), "before": pl.String(), "after": pl.String(),
}  # fmt: skip
CHANGED_CELLS = """
WITH pair AS (
    SELECT o.delivery_id, o.reading_before, n.reading_id AS reading_after, coalesce(n.sender, b.sender) AS sender,
        coalesce(n.as_of, b.as_of) AS as_of
    FROM ops.backfill_delivery o
    JOIN ops.reading b ON b.reading_id = o.reading_before
    JOIN ops.reading n ON n.delivery_id = o.delivery_id AND n.backfill_id = o.backfill_id
    WHERE o.backfill_id = :id AND :form IN (b.form, n.form)
),
before AS (
    SELECT p.delivery_id, {key} AS key, to_jsonb(f) - 'reading_id' AS cells
    FROM pair p JOIN {table} f ON f.reading_id = p.reading_before
),
after AS (
    SELECT p.delivery_id, {key} AS key, to_jsonb(f) - 'reading_id' AS cells
    FROM pair p JOIN {table} f ON f.reading_id = p.reading_after
)
SELECT cast(:form AS text) AS form, p.sender, p.as_of, key, each.name AS "column",
    format_type(t.atttypid, t.atttypmod) AS "type", b.cells ->> each.name AS before, a.cells ->> each.name AS after
FROM before b
FULL JOIN after a USING (delivery_id, key)
JOIN pair p USING (delivery_id)
CROSS JOIN LATERAL jsonb_object_keys(coalesce(a.cells, b.cells)) AS each (name)
LEFT JOIN pg_attribute t ON t.attrelid = to_regclass(:table) AND t.attname = each.name
WHERE b.cells ->> each.name IS DISTINCT FROM a.cells ->> each.name AND each.name <> 'school_id'
ORDER BY b.cells IS NULL OR a.cells IS NULL, p.as_of, p.sender, key, t.attnum LIMIT :most
"""
SEEN = """
UPDATE ops.backfill SET planned_at = ops.clock() WHERE backfill_id = :id AND status = 'planning' RETURNING planned_at
"""


def affected_dates(connection: Connection, backfill_id: int) -> list[dt.date]:
    """Published dates whose marts a backfill may change: those from its first changed reading on, or all of them when
    a register or a plan changed, and those that it judges by other inputs."""
    all_dates, first = connection.execute(text(STANDING_FORMS_CHANGED), {"id": backfill_id}).one()
    judged = set(connection.scalars(text(JUDGED_DATES), {"id": backfill_id}))
    published = published_dates(connection, status_of(connection, backfill_id).region)
    return [day for day in published if all_dates or day in judged or (first is not None and day >= first)]


@retried
def compare(engine: Engine, backfill_id: int, *, wait: dt.timedelta, on_wait: Callable[[str], None]) -> int:
    """Build the marts aside as if a plan were applied, audit them, and store what would change; the plan is then ready.

    Returns how many figures would move. Raises AuditFailed when the marts would not pass, Refused when the plan is not
    being made, Timeout when a slice stays locked for longer than `wait`.
    """
    with engine.connect().execution_options(isolation_level="REPEATABLE READ") as connection, begun(connection):
        seen_at = _snapshot(engine, connection, backfill_id, wait, on_wait)
        keep_confirmed(connection, backfill_id)
        region = status_of(connection, backfill_id).region
        dates = affected_dates(connection, backfill_id)
        look_through(connection, backfill_id)
        if build_all(connection, region, dates):
            note_access(connection, account(), f"backfill plan {backfill_id}")
        moved = 0
        if dates:
            audit(connection, region)
            totals = [view for view in views() if view.name.endswith("_region")]
            moved = sum(_store_changes(connection, backfill_id, region, mart, dates) for mart in (*marts(), *totals))
        mark(connection, backfill_id, "planned", seen_at)
    return moved


def _snapshot(
    engine: Engine, connection: Connection, backfill_id: int, wait: dt.timedelta, on_wait: Callable[[str], None]
) -> dt.datetime:
    """Take the connection's snapshot while nobody writes the backfill's slices; returns the moment. Raises Refused.

    What was written before is in the snapshot, and what comes later became current later: apply can tell what moved.
    """
    with engine.connect() as asking:
        slices = touched(asking, backfill_id)
    with holding(engine, slices, wait, on_wait) as alone:
        with alone.begin():  # recorded before anything else can be: what comes later is later, whatever the clock does
            seen_at: dt.datetime | None = alone.scalar(text(SEEN), {"id": backfill_id})
        connection.execute(text("SELECT 1"))
    if seen_at is None:
        raise Refused(f"backfill {backfill_id} is {status_of(connection, backfill_id).status}, not being planned")
    return seen_at


def _store_changes(
    connection: Connection, backfill_id: int, region: str, mart: Mart, dates: Collection[dt.date]
) -> int:
    """Keep what would change in a mart, or in a regional total over the marts aside; returns how many figures."""
    key = f"concat_ws(' | ', {', '.join(mart.key)})" if mart.key else "''"
    aside = f"({_over_aside(mart)})" if mart.is_view else f"pg_temp.{mart.name}"
    before, after = shape(connection, mart.relation), shape(connection, f"pg_temp.{mart.name}")
    untold = UNTOLD if mart.is_view else (*UNTOLD, *OF_THE_DATE)
    compared = [name for name, _ in before if name not in untold]
    # Rows become JSON only where a figure differs: as JSON all of them take five times as long to compare.
    same = ", ".join(f"b.{name}" for name in compared), ", ".join(f"a.{name}" for name in compared)
    differ = "true" if after and after != before else f"({same[0]}) IS DISTINCT FROM ({same[1]})"
    statement = f"""
        INSERT INTO ops.backfill_change (backfill_id, mart, as_of, key, name, column_name, before, after)
        SELECT :id, :mart, as_of, row_key, coalesce(after ->> :label, before ->> :label), each.name,
            before ->> each.name, after ->> each.name
        FROM (
            SELECT as_of, row_key, to_jsonb(b) AS before, to_jsonb(a) AS after
            FROM (SELECT m.*, {key} AS row_key FROM {mart.relation} m
                  WHERE m.region = :region AND m.as_of = ANY (:dates)) b
            FULL JOIN (SELECT m.*, {key} AS row_key FROM {aside} m) a USING (as_of, row_key)
            WHERE {differ}
        ) AS moved
        CROSS JOIN LATERAL jsonb_object_keys(coalesce(after, before)) AS each (name)
        WHERE before ->> each.name IS DISTINCT FROM after ->> each.name AND each.name <> ALL (:untold)
    """
    parameters = {
        "id": backfill_id, "region": region, "mart": mart.name, "label": mart.label, "dates": list(dates),
        "untold": [*untold, "row_key"],
    }  # fmt: skip
    return int(connection.execute(text(statement), parameters).rowcount)


def _over_aside(view: Mart) -> str:
    """The SELECT of a view on marts, over the rows put aside."""
    select = view.select
    for base in marts():
        select = select.replace(f"FROM {base.relation} AS", f"FROM pg_temp.{base.name} AS")
    return select


def changes(connection: Connection, backfill_id: int) -> pl.DataFrame:
    """mart, as_of, key, name, column, type, before, after: every figure that moves, as texts of the SQL type."""
    return frame(connection, CHANGES, {"id": backfill_id})


def changed_inputs(connection: Connection, backfill_id: int) -> pl.DataFrame:
    """input, before, after, first, last, dates, lines_before, lines_after, what: versions by which dates are judged."""
    return frame(connection, INPUTS, {"id": backfill_id})


def changed_deliveries(connection: Connection, backfill_id: int) -> pl.DataFrame:
    """Deliveries that are now read otherwise: file, form, sender, date, verdicts and row counts before and after."""
    return frame(connection, DELIVERIES, {"id": backfill_id})


def changed_cells(connection: Connection, backfill_id: int, most: int = 200) -> pl.DataFrame:
    """A sample of the loaded values that come out otherwise: form, sender, as_of, key, column, type, before, after.

    Values that changed come before rows that come or go. What names people is not looked into: their figures are in the
    marts.
    """
    samples = [pl.DataFrame(schema=CELLS)]
    for form in FORMS:
        if form.names_people:
            continue
        table = f"core.{fact_table(form)}"
        statement = CHANGED_CELLS.format(
            key=f"concat_ws(' | ', {', '.join(map(_key_text, key_columns(form)))})", table=table
        )
        samples.append(
            frame(connection, statement, {"id": backfill_id, "form": form.name, "table": table, "most": most})
        )
    return pl.concat(samples).head(most)


def _key_text(column: str) -> str:
    """What tells a fact's row apart, in words of the register in place of numbers of ours."""
    if column == "school_id":
        return "(SELECT i.school_code FROM ref.school_identity i WHERE i.school_id = f.school_id)"
    return f"f.{column}"


def changed_findings(connection: Connection, backfill_id: int) -> pl.DataFrame:
    """rule, severity, before, after: findings that appear and vanish."""
    return frame(connection, FINDINGS, {"id": backfill_id})
