-- Where there is a movement it ends at the registered pupils of the day, and where there is none no figure says nought.
SELECT m.as_of, m.reporting_unit, m.movement_status, m.closing_pupils, r.actual_pupils
FROM pg_temp.registration_movement_by_unit m
JOIN pg_temp.registration_by_municipality r ON r.as_of = m.as_of AND r.reporting_unit = m.reporting_unit
WHERE m.movement_status IS NULL
   OR m.closing_pupils IS DISTINCT FROM CASE WHEN m.export_as_of = m.as_of THEN r.actual_pupils END
   OR (m.movement_status = 'compared') IS DISTINCT FROM (m.pupils_came IS NOT NULL)
   OR (m.previous_as_of IS NOT NULL) IS DISTINCT FROM (m.opening_pupils IS NOT NULL)
   OR m.previous_as_of >= m.export_as_of OR ref.academic_year(m.previous_as_of) <> ref.academic_year(m.export_as_of)
