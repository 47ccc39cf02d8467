-- A rate is its numerator over its denominator, and the band follows from it; nothing to divide by is no_data.
WITH rated (mart, as_of, reporting_unit, numerator, denominator, rate, band) AS (
    SELECT 'readiness_by_municipality', as_of, reporting_unit, accepted, schools, accepted_rate, band
    FROM pg_temp.readiness_by_municipality
    UNION ALL
    SELECT 'registration_by_municipality', as_of, reporting_unit, actual_pupils, plan_pupils, completion_rate, band
    FROM pg_temp.registration_by_municipality
)
SELECT * FROM rated
WHERE (rate IS NULL) <> (numerator IS NULL OR denominator IS NULL OR denominator = 0)
   OR (rate IS NULL) <> (band = 'no_data')
   OR abs(rate * denominator - numerator) > 0.000001
   OR band IS NULL
