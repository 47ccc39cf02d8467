-- Every planned pupil is in the row of some unit.
SELECT d.as_of, d.by_unit, f.in_facts
FROM (SELECT as_of, sum(plan_pupils) AS by_unit FROM pg_temp.registration_by_municipality GROUP BY as_of) d
CROSS JOIN LATERAL (
    SELECT sum(p.plan_pupils) AS in_facts
    FROM ops.reading_at(:region, d.as_of, cast(:known_at AS timestamptz)) r
    CROSS JOIN LATERAL (SELECT * FROM core.registration_plan_fact e WHERE e.reading_id = r.reading_id OFFSET 0) p
    WHERE r.form = 'registration_plan'
) f
WHERE coalesce(d.by_unit, 0) <> coalesce(f.in_facts, 0)
