-- Each reporting unit valid on the date stands exactly once in every mart of units.
-- for each mart by reporting_unit
SELECT '{mart}' AS mart, p.as_of, u.reporting_unit, count(s.reporting_unit) AS times
FROM (SELECT DISTINCT as_of FROM pg_temp.{mart}) p
CROSS JOIN LATERAL ref.unit_at(:region, p.as_of) u
LEFT JOIN pg_temp.{mart} s ON s.as_of = p.as_of AND s.reporting_unit = u.reporting_unit
GROUP BY p.as_of, u.reporting_unit
HAVING count(s.reporting_unit) <> 1
