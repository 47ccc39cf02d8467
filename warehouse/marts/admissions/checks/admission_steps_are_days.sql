-- Each step has its day.
SELECT s.as_of, s.step, s.date_as_printed
FROM pg_temp.admission_steps s
WHERE s.step_on IS NULL OR s.month_day IS NULL OR (s.days_to_step < 0) <> (s.admission_steps_past = 1)
