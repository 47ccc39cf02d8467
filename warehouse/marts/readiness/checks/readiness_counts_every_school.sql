-- No school of the register is lost on the way to the units (one that reports to an unknown unit would be).
SELECT m.as_of, m.schools, r.schools AS schools_in_register
FROM (SELECT as_of, sum(schools) AS schools FROM pg_temp.readiness_by_municipality GROUP BY as_of) m
CROSS JOIN LATERAL (
    SELECT count(*) AS schools FROM ref.school_at(:region, m.as_of, cast(:known_at AS timestamptz)) s WHERE s.in_register
) r
WHERE coalesce(m.schools, 0) <> r.schools
