-- No published completeness is more than what was there: pupils of an export against the one
-- before, its schools and those of reports against the register.
-- needs: mart.registration_by_school, mart.readiness_by_municipality
WITH published AS (
    SELECT p.region, p.as_of, max(p.published_at) AS at FROM ops.publication p
    GROUP BY p.region, p.as_of
    HAVING max(p.published_at) > (SELECT a.applied_at FROM ops.applied a WHERE a.name = 'completeness')
),
export AS (
    SELECT p.region, p.as_of, h.reading_id, h.as_of AS export_as_of, p.at FROM published p
    CROSS JOIN LATERAL ops.reading_at(p.region, p.as_of, p.at) h
    WHERE h.form = 'registration_export'
),
compared AS (
    SELECT x.region, x.as_of, x.export_as_of,
        (SELECT sum(e.actual_pupils) FROM core.registration_export_fact e WHERE e.reading_id = x.reading_id) AS pupils,
        (SELECT sum(e.actual_pupils) FROM ops.reading_at(x.region, x.as_of - 1, x.at) h
         JOIN core.registration_export_fact e ON e.reading_id = h.reading_id
         WHERE h.form = 'registration_export' AND ref.academic_year(h.as_of) = ref.academic_year(x.as_of)) AS before
    FROM export x
)
SELECT 'registration of ' || c.region || ' of ' || c.as_of AS place,
    format('completeness %s with %s pupils of %s, %s schools of %s', round(m.completeness, 4), c.pupils, c.before, m.there,
           m.schools) AS wrong
FROM compared c
JOIN (
    SELECT region, as_of, max(completeness) AS completeness,
        count(*) FILTER (WHERE in_register AND coalesce(pupils_6_11, 1) > 0) AS schools,
        count(*) FILTER (WHERE in_register AND coalesce(pupils_6_11, 1) > 0
            AND actual_pupils + unverified_pupils + archived_pupils > 0) AS there
    FROM mart.registration_by_school GROUP BY region, as_of
) m ON m.region = c.region AND m.as_of = c.as_of
WHERE m.completeness > CASE WHEN c.export_as_of < c.as_of THEN 0
    ELSE least(c.pupils / nullif(c.before, 0), m.there::numeric / nullif(m.schools, 0)) END + 0.000001
UNION ALL
SELECT 'readiness of ' || m.region || ' of ' || m.as_of, format('completeness %s with %s schools of %s', round(max(m.completeness), 4),
                                          sum(m.accepted), sum(m.schools))
FROM mart.readiness_by_municipality m JOIN published p ON p.region = m.region AND p.as_of = m.as_of
WHERE m.campaign IS NOT NULL
GROUP BY m.region, m.as_of
HAVING max(m.completeness) > sum(m.accepted) / nullif(sum(m.schools), 0) + 0.000001
