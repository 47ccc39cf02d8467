-- Each reporting unit valid on the date stands exactly once in every mart of units.
WITH stands (mart, as_of, reporting_unit) AS (
    SELECT 'readiness_by_municipality', as_of, reporting_unit FROM pg_temp.readiness_by_municipality
    UNION ALL SELECT 'registration_by_municipality', as_of, reporting_unit FROM pg_temp.registration_by_municipality
    UNION ALL SELECT 'readiness_and_registration', as_of, reporting_unit FROM pg_temp.readiness_and_registration
),
place AS (SELECT DISTINCT mart, as_of FROM stands)
SELECT p.mart, p.as_of, u.reporting_unit, count(s.reporting_unit) AS times
FROM place p
CROSS JOIN LATERAL ref.unit_at(p.as_of) u
LEFT JOIN stands s ON s.mart = p.mart AND s.as_of = p.as_of AND s.reporting_unit = u.reporting_unit
GROUP BY p.mart, p.as_of, u.reporting_unit
HAVING count(s.reporting_unit) <> 1
