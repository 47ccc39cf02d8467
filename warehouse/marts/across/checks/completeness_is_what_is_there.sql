-- Completeness is no more than what is there: pupils of the export of the day against those of the export before it in the
-- academic year, and schools with a loaded row against the schools of the register. Without the export of the day it is 0.
WITH registered AS (
    SELECT as_of, max(export_as_of) AS export_as_of, sum(actual_pupils) AS pupils, max(completeness) AS completeness,
        count(*) FILTER (WHERE in_register AND coalesce(pupils_6_11, 1) > 0) AS schools,
        count(*) FILTER (WHERE in_register AND coalesce(pupils_6_11, 1) > 0
            AND actual_pupils + unverified_pupils + archived_pupils > 0) AS schools_there
    FROM pg_temp.registration_by_school GROUP BY as_of
),
compared AS (
    SELECT 'registration_by_school' AS mart, r.as_of, r.completeness,
        CASE WHEN r.export_as_of IS DISTINCT FROM r.as_of THEN 0
            ELSE least(r.pupils / nullif(b.pupils, 0), r.schools_there::numeric / nullif(r.schools, 0)) END AS there
    FROM registered r
    CROSS JOIN LATERAL (
        SELECT sum(e.actual_pupils) AS pupils
        FROM ops.reading_at(:region, r.as_of - 1, cast(:known_at AS timestamptz)) h
        JOIN core.registration_export_fact e ON e.reading_id = h.reading_id
        WHERE h.form = 'registration_export' AND ref.academic_year(h.as_of) = ref.academic_year(r.as_of)
    ) b
    UNION ALL
    SELECT 'readiness_by_municipality', m.as_of, max(m.completeness), sum(m.accepted) / nullif(sum(m.schools), 0)
    FROM pg_temp.readiness_by_municipality m WHERE m.campaign IS NOT NULL GROUP BY m.as_of
)
SELECT * FROM compared WHERE completeness > there + 0.000001
