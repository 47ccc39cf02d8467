-- A school stands once in a mart of schools.
SELECT 'readiness_by_school' AS mart, as_of, school_code FROM pg_temp.readiness_by_school
GROUP BY as_of, school_code HAVING count(*) > 1
UNION ALL
SELECT 'registration_by_school', as_of, school_code FROM pg_temp.registration_by_school
GROUP BY as_of, school_code HAVING count(*) > 1
UNION ALL
SELECT 'activity_by_school', as_of, school_code FROM pg_temp.activity_by_school
GROUP BY as_of, school_code HAVING count(*) > 1
UNION ALL
SELECT 'registration_snapshot', as_of, school_code FROM pg_temp.registration_snapshot
GROUP BY as_of, school_code, grade HAVING count(*) > 1
