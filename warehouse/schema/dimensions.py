"""Dimensions that readings of a form define, made from its contract: things by a lasting code, as last told.

`ref.<of>_at(of_region, day, known)` has a row for each thing that was named in a region up to the day; `ref.<of>` its
versions over time, a row for as long as nobody told otherwise. Schools have functions of their own (`views.sql`): they
have a lasting id, and the register says also which are no more.

A thing of an academic year (a class) is told anew each year: `ref.class_at` has those of the year of the day,
`ref.class` ends a version with the year, and where its sender names it no more. `ref.class_promotion` links the years.
"""

from __future__ import annotations

from contracts.form import Form
from warehouse.schema.facts import fact_columns, fact_table, literal

NEWEST = "r.as_of DESC, r.counts_at DESC, r.delivery_id DESC, r.reading_id DESC"
AT = """
CREATE FUNCTION ref.{of}_at(of_region text, day date, known timestamptz)
RETURNS TABLE ({columns}, told_on date, told_by text, in_force boolean)
LANGUAGE sql STABLE ROWS 1000 SET search_path = '' AS $$
    WITH held AS MATERIALIZED (SELECT h.reading_id FROM ops.reading_at(of_region, day, known) h WHERE h.form = {form})
    SELECT DISTINCT ON ({keys}) {selected}, r.as_of, r.sender,
        bool_or(r.reading_id IN (SELECT h.reading_id FROM held h)) OVER (PARTITION BY {keys})
    FROM ops.reading_known(of_region, known) r
    CROSS JOIN LATERAL (SELECT * FROM core.{table} e WHERE e.reading_id = r.reading_id OFFSET 0) f
    WHERE r.form = {form} AND r.as_of <= day{of_year}
    ORDER BY {keys}, {newest}
$$;
COMMENT ON FUNCTION ref.{of}_at(text, date, timestamptz) IS {about};
"""
VERSIONS = """
CREATE VIEW ref.{of} AS
WITH told AS (
    SELECT DISTINCT ON (r.region, {keys}, r.as_of) r.region, {selected}, r.as_of
    FROM ops.reading_known('infinity') r
    JOIN core.{table} f ON f.reading_id = r.reading_id
    WHERE r.form = {form}
    ORDER BY r.region, {keys}, {newest}
),
changed AS (
    SELECT t.*, t.said IS NOT DISTINCT FROM lag(t.said) OVER by_date AS is_same
    FROM (SELECT t.*, {said} AS said FROM told t) t
    WINDOW by_date AS (PARTITION BY {changed_keys} ORDER BY t.as_of)
)
SELECT {names}, c.as_of AS valid_from,
    coalesce(lead(c.as_of) OVER (PARTITION BY {told_keys} ORDER BY c.as_of), 'infinity') AS valid_to
FROM changed c WHERE NOT c.is_same;
COMMENT ON VIEW ref.{of} IS {versions};
"""
# Of readings of one sender and date only the newest speaks: a name that it corrects was never one. What the sender's
# next reading names no more ends with it.
VERSIONS_OF_YEARS = """
CREATE VIEW ref.{of} AS
WITH reading AS (
    SELECT DISTINCT ON (r.sender, r.as_of) r.reading_id, r.delivery_id, r.counts_at, r.region, r.sender, r.as_of
    FROM ops.reading_known('infinity') r
    WHERE r.form = {form}
    ORDER BY r.sender, {newest}
),
ended AS (
    SELECT r.*, least(
        lead(r.as_of) OVER (PARTITION BY r.sender, ref.academic_year(r.as_of) ORDER BY r.as_of),
        make_date(ref.academic_year(r.as_of) + 1, 9, 1)) AS next_reading
    FROM reading r
),
told AS (
    SELECT DISTINCT ON (r.region, {keys}, r.as_of) r.region, {selected}, r.as_of, r.sender AS told_by, r.next_reading
    FROM ended r
    JOIN core.{table} f ON f.reading_id = r.reading_id
    ORDER BY r.region, {keys}, {newest}
),
changed AS (
    SELECT t.*, t.said IS NOT DISTINCT FROM lag(t.said) OVER by_date AS is_same,
        last_value(t.next_reading) OVER (by_date ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS ends_on
    FROM (SELECT t.*, {said} AS said FROM told t) t
    WINDOW by_date AS (PARTITION BY {changed_keys} ORDER BY t.as_of)
)
SELECT {names}, c.told_by, c.as_of AS valid_from,
    coalesce(lead(c.as_of) OVER (PARTITION BY {told_keys} ORDER BY c.as_of), c.ends_on) AS valid_to
FROM changed c WHERE NOT c.is_same;
COMMENT ON VIEW ref.{of} IS {versions};
"""
# What is gone in the year after and what is new in a year stand there alone.
PROMOTION = """
CREATE VIEW ref.{of}_promotion AS
WITH thing AS (SELECT DISTINCT {distinct} FROM ref.{of} c)
SELECT {common}, a.academic_year AS from_academic_year, a.{grows} AS from_{grows},
    b.academic_year AS to_academic_year, b.{grows} AS to_{grows}
FROM thing a
FULL JOIN thing b ON {joined};
COMMENT ON VIEW ref.{of}_promotion IS {promotion};
"""


def dimension(form: Form) -> str:
    """The script that makes what a form defines; empty for one that defines nothing, and for the register."""
    defines = form.defines
    if defines is None or form.defines_schools:
        return ""
    types = {column.name: column.type for column in fact_columns(form)}
    year = {"academic_year": "ref.academic_year(r.as_of)"} if defines.yearly else {}
    told = year | {name: f"f.{name}" for name in (*defines.key, *defines.attributes)}
    fixed = [name for name in defines.key if name != defines.grows]
    script = AT + (VERSIONS_OF_YEARS + PROMOTION * (defines.grows is not None) if defines.yearly else VERSIONS)
    return script.format(
        of=defines.of,
        keys=", ".join((*year.values(), *(f"f.{name}" for name in defines.key))),
        changed_keys=", ".join(f"t.{name}" for name in ("region", *year, *defines.key)),
        told_keys=", ".join(f"c.{name}" for name in ("region", *year, *defines.key)),
        of_year=" AND ref.academic_year(r.as_of) = ref.academic_year(day)" if defines.yearly else "",
        table=fact_table(form),
        form=literal(form.name),
        columns=", ".join(f"{name} {types.get(name, 'integer')}" for name in told),
        selected=", ".join(f"{value} AS {name}" for name, value in told.items()),
        names=", ".join(f"c.{name}" for name in ("region", *told)),
        said=f"ARRAY[{', '.join(f't.{name}::text' for name in defines.attributes)}]::text[]",
        newest=NEWEST,
        grows=defines.grows,
        distinct=", ".join(f"c.{name}" for name in ("region", *year, *defines.key)),
        common=", ".join(f"coalesce(a.{name}, b.{name}) AS {name}" for name in ("region", *fixed)),
        joined=" AND ".join(
            (
                "b.region = a.region",
                "b.academic_year = a.academic_year + 1",
                f"b.{defines.grows} = a.{defines.grows} + 1",
                *(f"coalesce(b.{name}::text, '') = coalesce(a.{name}::text, '')" for name in fixed),
            )
        ),
        about=literal(f"{form.title}: кого называли до этого дня, как в последний раз; in_force — называет и теперь."),
        versions=literal(f"{form.title}: что о каждом говорили, версия на срок (valid_to не включается)."),
        promotion=literal(f"{form.title}: во что перешло в следующем учебном году; пусто — нет или ещё не названо."),
    )
