-- Accepted, rejected and missing schools are all the schools of the unit.
SELECT as_of, reporting_unit, schools, accepted, rejected, missing
FROM pg_temp.readiness_by_municipality
WHERE accepted + rejected + missing <> schools
