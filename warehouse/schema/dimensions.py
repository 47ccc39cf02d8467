"""Dimensions that readings of a form define, made from its contract: things by a lasting code, as last told.

`ref.<of>_at(day, known)` has a row for each thing that was named up to the day; `ref.<of>` its versions over time, a
row for as long as nobody told otherwise. Schools have functions of their own (`views.sql`): they have a lasting id, and
the register says also which are no more.
"""

from __future__ import annotations

from contracts.form import Form
from warehouse.schema.facts import fact_columns, fact_table, literal

# They stand on what the scripts of the schema make anew; forms may have gone since they were made.
DROP_ALL = """
DO $$
DECLARE made record;
BEGIN
    FOR made IN SELECT c.relname AS name FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                WHERE n.nspname = 'ref' AND c.relkind = 'v'
                  AND to_regprocedure(format('ref.%I(date, timestamptz)', c.relname || '_at')) IS NOT NULL LOOP
        EXECUTE format('DROP VIEW ref.%I', made.name);
        EXECUTE format('DROP FUNCTION ref.%I(date, timestamptz)', made.name || '_at');
    END LOOP;
END $$
"""
NEWEST = "r.as_of DESC, r.counts_at DESC, r.delivery_id DESC, r.reading_id DESC"
AT = """
CREATE FUNCTION ref.{of}_at(day date, known timestamptz)
RETURNS TABLE ({columns}, told_on date, told_by text, in_force boolean)
LANGUAGE sql STABLE ROWS 1000 SET search_path = '' AS $$
    WITH held AS MATERIALIZED (SELECT h.reading_id FROM ops.reading_at(day, known) h WHERE h.form = {form})
    SELECT DISTINCT ON (f.{code}) {selected}, r.as_of, r.sender,
        bool_or(r.reading_id IN (SELECT h.reading_id FROM held h)) OVER (PARTITION BY f.{code})
    FROM ops.reading_known(known) r
    CROSS JOIN LATERAL (SELECT * FROM core.{table} e WHERE e.reading_id = r.reading_id OFFSET 0) f
    WHERE r.form = {form} AND r.as_of <= day
    ORDER BY f.{code}, {newest}
$$;
COMMENT ON FUNCTION ref.{of}_at(date, timestamptz) IS {about};
CREATE VIEW ref.{of} AS
WITH told AS (
    SELECT DISTINCT ON (f.{code}, r.as_of) {selected}, r.as_of
    FROM ops.reading_known('infinity') r
    JOIN core.{table} f ON f.reading_id = r.reading_id
    WHERE r.form = {form}
    ORDER BY f.{code}, {newest}
),
changed AS (
    SELECT t.*, t.said IS NOT DISTINCT FROM lag(t.said) OVER by_date AS is_same
    FROM (SELECT t.*, {said} AS said FROM told t) t
    WINDOW by_date AS (PARTITION BY t.{code} ORDER BY t.as_of)
)
SELECT {names}, c.as_of AS valid_from,
    coalesce(lead(c.as_of) OVER (PARTITION BY c.{code} ORDER BY c.as_of), 'infinity') AS valid_to
FROM changed c WHERE NOT c.is_same;
COMMENT ON VIEW ref.{of} IS {versions};
"""


def dimension(form: Form) -> str:
    """The script that makes what a form defines; empty for one that defines nothing, and for the register."""
    if form.defines is None or form.defines_schools:
        return ""
    of, code = form.defines.of, form.defines.code
    names = (code, *form.defines.attributes)
    types = {column.name: column.type for column in fact_columns(form)}
    return AT.format(
        of=of,
        code=code,
        table=fact_table(form),
        form=literal(form.name),
        columns=", ".join(f"{name} {types[name]}" for name in names),
        selected=", ".join(f"f.{name}" for name in names),
        names=", ".join(f"c.{name}" for name in names),
        said=f"ARRAY[{', '.join(f't.{name}::text' for name in form.defines.attributes)}]",
        newest=NEWEST,
        about=literal(f"{form.title}: кого называли до этого дня, как в последний раз; in_force — называет и теперь."),
        versions=literal(f"{form.title}: что о каждом говорили, версия на срок (valid_to не включается)."),
    )
