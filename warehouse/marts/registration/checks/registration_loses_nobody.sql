-- Every pupil counted by the export that holds is in the row of some unit and of some school.
SELECT d.as_of, d.by_unit, s.by_school, f.in_facts
FROM (SELECT as_of, sum(actual_pupils) AS by_unit FROM pg_temp.registration_by_municipality GROUP BY as_of) d
LEFT JOIN (
    SELECT as_of, sum(actual_pupils) AS by_school FROM pg_temp.registration_by_school GROUP BY as_of
) s ON s.as_of = d.as_of
CROSS JOIN LATERAL (
    SELECT sum(e.actual_pupils) AS in_facts
    FROM ops.reading_at(:region, d.as_of, cast(:known_at AS timestamptz)) r
    CROSS JOIN LATERAL (SELECT * FROM core.registration_export_fact f WHERE f.reading_id = r.reading_id OFFSET 0) e
    WHERE r.form = 'registration_export'
) f
WHERE coalesce(d.by_unit, 0) <> coalesce(f.in_facts, 0) OR coalesce(s.by_school, 0) <> coalesce(f.in_facts, 0)
