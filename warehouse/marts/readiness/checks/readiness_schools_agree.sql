-- The school rows of a unit add up to the unit's row.
SELECT m.as_of, m.reporting_unit, m.accepted, m.rejected, m.missing
FROM pg_temp.readiness_by_municipality m
LEFT JOIN (
    SELECT as_of, reporting_unit,
        count(*) FILTER (WHERE status = 'accepted') AS accepted,
        count(*) FILTER (WHERE status = 'rejected') AS rejected,
        count(*) FILTER (WHERE status = 'missing') AS missing
    FROM pg_temp.readiness_by_school
    GROUP BY as_of, reporting_unit
) s ON s.as_of = m.as_of AND s.reporting_unit = m.reporting_unit
WHERE (m.accepted, m.rejected, m.missing)
      <> (coalesce(s.accepted, 0), coalesce(s.rejected, 0), coalesce(s.missing, 0))
