-- What was there and what came, less what went, is what is there; of school and grade, and of units, whose figures are those
-- of their schools but for moves between schools of one unit. What is recounted is the rest: recounted_pupils_stay judges it.
SELECT as_of, school_code, grade, opening_pupils, closing_pupils
FROM pg_temp.registration_movement
WHERE movement_status = 'compared' AND closing_pupils IS DISTINCT FROM opening_pupils
    + pupils_came + pupils_verified + pupils_restored + pupils_moved_in + pupils_grade_in + pupils_recounted
    - pupils_left - pupils_archived - pupils_unverified - pupils_moved_out - pupils_grade_out
UNION ALL
SELECT u.as_of, u.reporting_unit, NULL, u.opening_pupils, u.closing_pupils
FROM pg_temp.registration_movement_by_unit u
LEFT JOIN (
    SELECT m.as_of, m.reporting_unit, sum(m.opening_pupils) AS opening, sum(m.closing_pupils) AS closing,
        sum(m.pupils_came) AS came, sum(m.pupils_left) AS gone, sum(m.pupils_archived) AS archived, sum(m.pupils_moved_in) AS moved_in,
        sum(m.pupils_recounted) AS recounted
    FROM pg_temp.registration_movement m GROUP BY m.as_of, m.reporting_unit
) s ON s.as_of = u.as_of AND s.reporting_unit = u.reporting_unit
WHERE u.movement_status = 'compared' AND (
    u.closing_pupils <> u.opening_pupils + u.pupils_came + u.pupils_verified + u.pupils_restored + u.pupils_moved_in + u.pupils_recounted
        - u.pupils_left - u.pupils_archived - u.pupils_unverified - u.pupils_moved_out
    OR (u.opening_pupils, u.closing_pupils, u.pupils_came, u.pupils_left, u.pupils_archived, u.pupils_moved_in + u.pupils_moved_within,
        u.pupils_recounted)
    IS DISTINCT FROM (coalesce(s.opening, 0), coalesce(s.closing, 0), coalesce(s.came, 0), coalesce(s.gone, 0), coalesce(s.archived, 0),
        coalesce(s.moved_in, 0), coalesce(s.recounted, 0)))
