-- No published completeness of a form is more than the schools or units that its documents named.
-- needs: mart.reporting_rate
WITH published AS (
    SELECT p.region, p.as_of, max(p.published_at) AS at FROM ops.publication p
    GROUP BY p.region, p.as_of
    HAVING max(p.published_at) > (SELECT a.applied_at FROM ops.applied a WHERE a.name = 'completeness')
),
told AS MATERIALIZED (
    SELECT r.region, r.as_of, r.form, f.covers, p.at, max(r.completeness) AS completeness, array_agg(r.sender) AS senders
    FROM mart.reporting_rate r
    JOIN published p ON p.region = r.region AND p.as_of = r.as_of
    JOIN ref.form f ON f.form = r.form AND f.covers IS NOT NULL
    GROUP BY r.region, r.as_of, r.form, f.covers, p.at
),
compared AS (
    SELECT t.region, t.as_of, t.form, t.completeness, c.there, c.expected
    FROM told t
    CROSS JOIN LATERAL (
        SELECT count(*) AS expected, count(n.school_id) AS there
        FROM (SELECT s.school_id, s.subordination FROM ref.school_at(t.region, t.as_of, t.at) s
              WHERE s.in_register AND s.subordination = ANY (t.senders)) s
        LEFT JOIN (SELECT DISTINCT e.school_id, h.sender FROM ops.reading_owed(t.region, t.as_of, t.at) h
                   CROSS JOIN LATERAL (SELECT * FROM core.schools_loaded(h.form, h.reading_id) OFFSET 0) e
                   WHERE h.form = t.form) n ON n.school_id = s.school_id AND n.sender = s.subordination
    ) c
    WHERE t.covers = 'schools'
    UNION ALL
    SELECT t.region, t.as_of, t.form, t.completeness, c.there, c.expected
    FROM told t
    CROSS JOIN LATERAL (
        SELECT count(*) AS expected, count(n.reporting_unit) AS there FROM ref.unit_at(t.region, t.as_of) u
        LEFT JOIN (SELECT DISTINCT e.reporting_unit FROM ops.reading_owed(t.region, t.as_of, t.at) h
                   CROSS JOIN LATERAL (SELECT * FROM core.units_loaded(h.form, h.reading_id) OFFSET 0) e
                   WHERE h.form = t.form) n ON n.reporting_unit = u.reporting_unit
    ) c
    WHERE t.covers = 'units'
)
SELECT form || ' of ' || region || ' of ' || as_of AS place,
    format('completeness %s with %s of %s', round(completeness, 4), there, expected) AS wrong
FROM compared WHERE completeness > there::numeric / nullif(expected, 0) + 0.000001
