-- Completeness of a form that covers schools or units is no more than those that its documents name, of all that owe it.
WITH told AS MATERIALIZED (
    SELECT r.as_of, r.form, f.covers, max(r.completeness) AS completeness, array_agg(r.sender) AS senders
    FROM pg_temp.reporting_rate r
    JOIN ref.form f ON f.form = r.form AND f.covers IS NOT NULL
    GROUP BY r.as_of, r.form, f.covers
),
compared AS (
    SELECT t.as_of, t.form, t.completeness, c.there, c.expected
    FROM told t
    CROSS JOIN LATERAL (
        SELECT count(*) AS expected, count(n.school_id) AS there
        FROM (SELECT s.school_id, s.subordination FROM ref.school_at(:region, t.as_of, cast(:known_at AS timestamptz)) s
              WHERE s.in_register AND s.subordination = ANY (t.senders)) s
        LEFT JOIN (SELECT DISTINCT e.school_id, h.sender FROM ops.reading_owed(:region, t.as_of, cast(:known_at AS timestamptz)) h
                   CROSS JOIN LATERAL (SELECT * FROM core.schools_loaded(h.form, h.reading_id) OFFSET 0) e
                   WHERE h.form = t.form) n ON n.school_id = s.school_id AND n.sender = s.subordination
    ) c
    WHERE t.covers = 'schools'
    UNION ALL
    SELECT t.as_of, t.form, t.completeness, c.there, c.expected
    FROM told t
    CROSS JOIN LATERAL (
        SELECT count(*) AS expected, count(n.reporting_unit) AS there FROM ref.unit_at(:region, t.as_of) u
        LEFT JOIN (SELECT DISTINCT e.reporting_unit FROM ops.reading_owed(:region, t.as_of, cast(:known_at AS timestamptz)) h
                   CROSS JOIN LATERAL (SELECT * FROM core.units_loaded(h.form, h.reading_id) OFFSET 0) e
                   WHERE h.form = t.form) n ON n.reporting_unit = u.reporting_unit
    ) c
    WHERE t.covers = 'units'
)
SELECT * FROM compared WHERE completeness > there::numeric / nullif(expected, 0) + 0.000001
