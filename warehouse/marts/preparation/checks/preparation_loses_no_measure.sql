-- A measure is done, not done or not known of, and of a direction all are counted.
SELECT m.as_of, m.direction, m.measure, m.measure_status
FROM pg_temp.preparation_measures m
WHERE m.measure_status NOT IN ('done', 'not_done', 'not_known') OR (m.measure_status = 'not_known' AND m.has_ticks)
