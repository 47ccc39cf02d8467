"""What a deadline as it is printed means, and which figure measures an assignment, as functions of the warehouse."""

from __future__ import annotations

from contracts.deadline_patterns import deadline_patterns
from warehouse.schema.facts import literal

SCRIPT = """
CREATE FUNCTION ref.plain_words(said text) RETURNS text LANGUAGE sql IMMUTABLE SET search_path = '' AS $$
    SELECT btrim(regexp_replace(translate(lower(said), 'ё‐‑‒–—−', 'е------'), '[\\s\u00a0\u202f]+', ' ', 'g'), ' .;')
$$;

-- A day, month, period or the whole academic year. What names no year is of the academic year that is given; nothing
-- comes of a text that is no deadline, and of a day that no month has.
CREATE FUNCTION ref.deadline_of(printed text, academic_year integer)
RETURNS TABLE (kind text, starts_on date, ends_on date) LANGUAGE sql STABLE SET search_path = '' AS $$
    WITH met AS (
        SELECT p.kind, p.groups, regexp_match(ref.plain_words(printed), p.pattern) AS found
        FROM (VALUES {patterns}) AS p (place, kind, groups, pattern)
        WHERE ref.plain_words(printed) ~ p.pattern
        ORDER BY p.place LIMIT 1
    ),
    part AS (
        SELECT m.kind, g.name, m.found[g.place] AS said
        FROM met m CROSS JOIN LATERAL unnest(m.groups) WITH ORDINALITY AS g (name, place)
    ),
    stated AS (
        SELECT (SELECT m.kind FROM met m) AS kind,
            max(p.said::integer) FILTER (WHERE p.name = 'day') AS day,
            max(coalesce(n.month, p.said::integer)) FILTER (WHERE p.name IN ('month', 'month_number')) AS month,
            max(p.said::integer) FILTER (WHERE p.name = 'year') AS year,
            max(p.said::integer) FILTER (WHERE p.name = 'from_day') AS from_day,
            max(coalesce(n.month, p.said::integer)) FILTER (WHERE p.name LIKE 'from_month%') AS from_month,
            max(p.said::integer) FILTER (WHERE p.name = 'from_year') AS from_year
        FROM part p
        LEFT JOIN LATERAL (
            SELECT (strpos('янвфевмарапрмайиюниюлавгсеноктноядек', regexp_replace(p.said, '^ма[яе]$', 'май')) + 2) / 3
                AS month
            WHERE p.name IN ('month', 'from_month')
        ) n ON true
    ),
    dated AS (
        SELECT s.*, coalesce(
                s.year, s.from_year + (s.month < s.from_month)::integer, academic_year + (s.month < 9)::integer
            ) AS to_year
        FROM stated s
    ),
    months AS (
        SELECT d.*, make_date(d.to_year, d.month, 1) AS last_month,
            make_date(coalesce(d.from_year, d.to_year - (d.from_month > d.month)::integer), d.from_month, 1)
                AS first_month
        FROM dated d
    ),
    ends AS (
        SELECT m.kind,
            CASE m.kind
                WHEN 'ongoing' THEN make_date(academic_year, 9, 1)
                WHEN 'month' THEN m.last_month
                WHEN 'period' THEN m.first_month + coalesce(m.from_day, 1) - 1
            END AS starts_on,
            CASE
                WHEN m.kind = 'ongoing' THEN make_date(academic_year + 1, 8, 31)
                WHEN m.day IS NULL THEN (m.last_month + interval '1 month')::date - 1
                WHEN m.last_month + m.day - 1 < m.last_month + interval '1 month' THEN m.last_month + m.day - 1
            END AS ends_on
        FROM months m
    )
    SELECT e.kind, e.starts_on, e.ends_on FROM ends e WHERE e.ends_on IS NOT NULL
$$;

-- The figure that measures an assignment: the one of whose words every stem stands in its text, and of several the one
-- with most stems.
CREATE FUNCTION ref.assignment_metric_at(of_region text, day date, assignment text)
RETURNS TABLE (metric text, name text, mart text, figure text, of text, threshold numeric)
LANGUAGE sql STABLE SET search_path = '' AS $$
    SELECT m.metric, m.name, m.mart, m.figure, m.of, m.threshold
    FROM jsonb_to_recordset((SELECT ref.input_lines(of_region, 'assignment_metrics', day))) AS m (
        metric text, words text, name text, mart text, figure text, of text, threshold numeric)
    CROSS JOIN LATERAL (
        SELECT count(*) AS stems, bool_and(strpos(ref.plain_words(assignment), w.stem) > 0) AS all_there
        FROM unnest(string_to_array(m.words, ' ')) AS w (stem)
    ) s
    WHERE s.all_there
    ORDER BY s.stems DESC, m.metric LIMIT 1
$$;
"""


def assignments() -> str:
    """The script of these functions."""
    lines = (
        f"({place}, {literal(kind)}, {literal('{' + ','.join(groups) + '}')}::text[], {literal(pattern)})"
        for place, (kind, groups, pattern) in enumerate(deadline_patterns(), start=1)
    )
    return SCRIPT.replace("{patterns}", ", ".join(lines))
