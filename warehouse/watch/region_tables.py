"""What of a warehouse is a region's: which rows of which tables, and which of their columns are numbers of this
warehouse, that are others elsewhere.

Rows go by the order of the tables, so that each comes after those that it names. Numbers of another warehouse begin
where its own end: each kind is moved by one step, so their order, which tells the later of two, stays.
"""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, text

from warehouse.marts.public_release import public_marts

NUMBERS = {
    "delivery_id": "ops.delivery", "container_id": "ops.delivery", "same_as": "ops.delivery",
    "reading_id": "ops.reading", "superseded_by": "ops.reading", "other_reading_id": "ops.reading",
    "reading_before": "ops.reading", "before_reading_id": "ops.reading",
    "first_reading": "ops.reading", "gone_reading": "ops.reading",
    "run_id": "ops.run", "backfill_id": "ops.backfill", "incident_id": "ops.incident", "arrival_id": "ops.arrival",
    "event_id": "ops.incident_event", "explanation_id": "ops.explanation", "decision_id": "ops.explanation_decision",
    "statement_id": "ops.statement", "finding_id": "ops.finding", "finding_across_id": "ops.finding_across",
    "publication_id": "ops.publication", "school_id": "ref.school_identity",
    "from_school_id": "ref.school_identity", "to_school_id": "ref.school_identity",
    "series_id": "restricted.pupil_series",
}  # fmt: skip
"""Column → the table whose numbers it holds."""
LISTS_OF_NUMBERS = {"held": "ops.reading"}
VERSIONS = ("input_version", "version_before", "version_after")
"""Columns with a version of an input, which another warehouse knows by its name and not by its number."""
IN_DETAILS = {"delivery_id": "ops.delivery", "reading_id": "ops.reading", "run_id": "ops.run"}
"""What is a number within the details of an incident."""
LOCKED = (
    "restricted.pupil_series", "ops.finding_across", "ops.reading", "ops.finding", "ref.school_identity",
    "ops.delivery", "ops.arrival",
)  # fmt: skip
"""Numbered tables in the order in which whoever loads and judges writes them; the others come after."""
OWN = "t.region = :region"
OF_DELIVERY = "t.delivery_id IN (SELECT delivery_id FROM pg_temp.own_delivery)"
OF_READING = "t.reading_id IN (SELECT reading_id FROM ops.reading WHERE region = :region)"
OF_BACKFILL = "t.backfill_id IN (SELECT backfill_id FROM ops.backfill WHERE region = :region)"
OF_SERIES = """t.series_id IN (
    SELECT s.series_id FROM restricted.pupil_series s JOIN ref.sender r USING (sender) WHERE r.region = :region)"""
OF_VERSION = """(t.region = :region OR t.input_version IN (
    SELECT input_version FROM ops.date_input WHERE region = :region
    UNION SELECT unnest(ARRAY[i.version_before, i.version_after]) FROM ops.backfill_input i
    JOIN ops.backfill b ON b.backfill_id = i.backfill_id WHERE b.region = :region))"""
LISTS = ("region", "reporting_unit", "sender", "campaign", "band_rule", "contract_version", "calendar_day", "collected",
         "reporting_unit_alias")  # fmt: skip
"""Tables of `ref` that a pack fills: what it does not name any more comes with the rows."""
LISTED = {f"ref.{name}": OWN for name in LISTS}
PLACES = {
    **LISTED,
    "ref.input_version": OF_VERSION,
    "ref.school_identity": OWN,
    "ops.backfill": OWN,
    "ops.run": OWN,
    "ops.delivery": OF_DELIVERY,
    "ops.arrival": OF_DELIVERY,
    "ops.purged": OF_DELIVERY,
    "ops.returned_receipt": OF_DELIVERY,
    "ops.reading": OWN,
    "ops.finding": OF_READING,
    "ops.raw_row": OF_READING,
    "ops.finding_across": OWN,
    "ops.judged_across": OWN,
    "ops.statement": OWN,
    "ops.explanation": OWN,
    "ops.explanation_decision":
        "t.explanation_id IN (SELECT explanation_id FROM ops.explanation WHERE region = :region)",
    "ops.incident": OWN,
    "ops.incident_event": "t.incident_id IN (SELECT incident_id FROM ops.incident WHERE region = :region)",
    "ops.publication": OWN,
    "ops.date_input": OWN,
    "ops.backfill_change": OF_BACKFILL,
    "ops.backfill_delivery": f"{OF_BACKFILL} AND {OF_DELIVERY}",
    "ops.backfill_input": OF_BACKFILL,
    "restricted.pupil_series": OF_SERIES,
    "restricted.pupil_reading": OF_READING,
    "restricted.pupil_version": OF_SERIES,
}  # fmt: skip
"""Table → which of its rows are a region's; those of facts (`core`), of marts (`history`) and of releases
(`mart_public`) are asked for."""
STAY = ("ops.alembic_version", "ops.applied", "ops.key", "ops.left_out", "ops.message", "ops.restricted_access",
        "ref.access", "ref.form", "ref.level_norm", "ref.rule")  # fmt: skip
"""What is of the warehouse and not of a region, and does not leave: who may see what, whom was told what, keys."""
OF_MARTS = ("history.", "mart_public.")
"""Schemas whose tables have the columns of marts, which other versions of the code have others of, and no number of a
warehouse."""
OWN_ROWS = """
CREATE TEMP TABLE own_delivery ON COMMIT DROP AS
WITH own AS (
    SELECT delivery_id FROM ops.reading WHERE region = :region
    UNION SELECT delivery_id FROM ops.statement WHERE region = :region AND delivery_id IS NOT NULL
    UNION SELECT e.delivery_id FROM ops.returned_receipt e JOIN ref.sender s USING (sender) WHERE s.region = :region
    UNION SELECT d.delivery_id FROM ops.delivery d
    JOIN ref.sender s ON s.sender IN (d.stated_sender, d.sender_folder)
    WHERE s.region = :region AND NOT EXISTS (SELECT FROM ops.reading r WHERE r.delivery_id = d.delivery_id)
)
SELECT delivery_id FROM own
UNION SELECT a.container_id FROM ops.arrival a WHERE a.container_id IS NOT NULL
GROUP BY a.container_id HAVING bool_and(a.delivery_id IN (SELECT delivery_id FROM own));
CREATE TEMP TABLE own_run ON COMMIT DROP AS SELECT run_id FROM ops.run WHERE region = :region
"""
COLUMNS = """
SELECT a.attname FROM pg_attribute a
WHERE a.attrelid = cast(:table AS regclass) AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
ORDER BY a.attnum
"""
ALL_TABLES = """
SELECT n.nspname || '.' || c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY (:schemas) AND c.relkind IN ('r', 'p') AND NOT c.relispartition ORDER BY 1
"""


@dataclass(frozen=True)
class Rows:
    """A table, which of its rows are meant, and its columns in their order."""

    table: str
    whose: str
    columns: tuple[str, ...]


def tables(connection: Connection) -> list[Rows]:
    """The tables with rows of regions, each after those that its rows name."""
    of_facts = connection.scalars(text(ALL_TABLES), {"schemas": ["core"]}).all()
    of_marts = connection.scalars(text(ALL_TABLES), {"schemas": ["history"]}).all()
    of_releases = ["mart_public.release", *(f"mart_public.{mart.name}" for mart, _ in public_marts())]
    places = {**PLACES, **dict.fromkeys(of_facts, OF_READING), **dict.fromkeys([*of_marts, *of_releases], OWN)}
    return [Rows(table, whose, columns_of(connection, table)) for table, whose in places.items()]


def columns_of(connection: Connection, table: str) -> tuple[str, ...]:
    """The columns of a table that are written, in their order."""
    return tuple(connection.scalars(text(COLUMNS), {"table": table}))


def of_no_table(connection: Connection) -> list[str]:
    """Tables of which nothing says whether their rows leave with a region."""
    there = connection.scalars(text(ALL_TABLES), {"schemas": ["ops", "ref", "restricted"]}).all()
    return [table for table in there if table not in PLACES and table not in STAY]
