-- No published completeness of a form is more than the schools, units or pupils that its documents named.
WITH published AS (
    SELECT p.region, p.as_of, max(p.published_at) AS at FROM ops.publication p
    GROUP BY p.region, p.as_of
    HAVING max(p.published_at) > (SELECT a.applied_at FROM ops.applied a WHERE a.name = 'completeness')
),
told AS MATERIALIZED (
    SELECT r.region, r.as_of, r.form, f.covers, f.counts_pupils, p.at, max(r.completeness) AS completeness, array_agg(r.sender) AS senders
    FROM mart.reporting_rate r
    JOIN published p ON p.region = r.region AND p.as_of = r.as_of
    JOIN ref.form f ON f.form = r.form AND (f.covers IS NOT NULL OR f.counts_pupils)
    GROUP BY r.region, r.as_of, r.form, f.covers, f.counts_pupils, p.at
),
compared AS (
    SELECT t.region, t.as_of, t.form, t.completeness, c.there::numeric / nullif(c.expected, 0) AS there
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
    SELECT t.region, t.as_of, t.form, t.completeness, c.there::numeric / nullif(c.expected, 0)
    FROM told t
    CROSS JOIN LATERAL (
        SELECT count(*) AS expected, count(n.reporting_unit) AS there FROM ref.unit_at(t.region, t.as_of) u
        LEFT JOIN (SELECT DISTINCT e.reporting_unit FROM ops.reading_owed(t.region, t.as_of, t.at) h
                   CROSS JOIN LATERAL (SELECT * FROM core.units_loaded(h.form, h.reading_id) OFFSET 0) e
                   WHERE h.form = t.form) n ON n.reporting_unit = u.reporting_unit
    ) c
    WHERE t.covers = 'units'
    UNION ALL
    SELECT t.region, t.as_of, t.form, t.completeness,
        CASE WHEN n.documents > 0 THEN least(n.pupils / nullif(b.pupils, 0), n.schools::numeric / nullif(x.schools, 0)) ELSE 0 END
    FROM told t
    CROSS JOIN LATERAL (
        SELECT count(DISTINCT h.reading_id) AS documents, sum(e.pupils) AS pupils,
            count(DISTINCT s.school_id) FILTER (WHERE s.in_register AND coalesce(s.pupils_6_11, 1) > 0) AS schools
        FROM ops.reading_owed(t.region, t.as_of, t.at) h
        LEFT JOIN LATERAL (SELECT * FROM core.pupils_counted(h.form, h.reading_id) OFFSET 0) e ON true
        LEFT JOIN ref.school_at(t.region, t.as_of, t.at) s ON s.school_id = e.school_id
        WHERE h.form = t.form
    ) n
    CROSS JOIN LATERAL (
        SELECT sum(e.pupils) AS pupils
        FROM ops.reading_at(t.region, t.as_of - 1, t.at) h
        CROSS JOIN LATERAL (SELECT * FROM core.pupils_counted(h.form, h.reading_id) OFFSET 0) e
        WHERE h.form = t.form AND ref.academic_year(h.as_of) = ref.academic_year(t.as_of)
    ) b
    CROSS JOIN LATERAL (
        SELECT count(*) AS schools FROM ref.school_at(t.region, t.as_of, t.at) s
        WHERE s.in_register AND coalesce(s.pupils_6_11, 1) > 0
    ) x
    WHERE t.counts_pupils
)
SELECT form || ' of ' || region || ' of ' || as_of AS place,
    format('completeness %s with %s of what is expected', round(completeness, 4), round(there, 4)) AS wrong
FROM compared WHERE completeness > there + 0.000001
