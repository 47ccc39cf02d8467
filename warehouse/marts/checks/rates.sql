-- A rate is its numerator over its denominator, and is unknown where there is nothing to divide by.
-- for each rate
SELECT '{mart}' AS mart, as_of, {key}, {numerator}, {denominator}, {rate} FROM pg_temp.{mart}
WHERE ({rate} IS NULL) <> ({numerator} IS NULL OR {denominator} IS NULL OR {denominator} = 0)
   OR abs({rate} * {denominator} - {numerator}) > 0.000001
