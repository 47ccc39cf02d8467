-- The mart that shows both says what the two marts say.
SELECT b.as_of, b.reporting_unit
FROM pg_temp.readiness_and_registration b
JOIN pg_temp.readiness_by_municipality r ON r.as_of = b.as_of AND r.reporting_unit = b.reporting_unit
JOIN pg_temp.registration_by_municipality g ON g.as_of = b.as_of AND g.reporting_unit = b.reporting_unit
WHERE (b.schools, b.accepted, b.accepted_rate, b.readiness_band)
      IS DISTINCT FROM (r.schools, r.accepted, r.accepted_rate, r.band)
   OR (b.plan_pupils, b.actual_pupils, b.completion_rate, b.registration_band)
      IS DISTINCT FROM (g.plan_pupils, g.actual_pupils, g.completion_rate, g.band)
