-- The meetings of a unit are those of its schools.
SELECT u.as_of, u.reporting_unit, u.schools, u.first_held, u.second_held, u.meetings, s.*
FROM pg_temp.parent_meetings_by_unit u
LEFT JOIN (
    SELECT p.as_of AS day, p.reporting_unit AS unit, count(*) AS school_rows,
        count(*) FILTER (WHERE p.first_held_on IS NOT NULL) AS schools_first,
        count(*) FILTER (WHERE p.second_held_on IS NOT NULL) AS schools_second,
        sum(p.meetings) AS schools_meetings, sum(p.parents_attended) AS schools_attended
    FROM pg_temp.parent_meetings_by_school p
    GROUP BY p.as_of, p.reporting_unit
) s ON s.day = u.as_of AND s.unit = u.reporting_unit
WHERE u.schools IS DISTINCT FROM s.school_rows
   OR u.report_received AND (u.first_held, u.second_held, u.meetings, u.parents_attended)
       IS DISTINCT FROM (s.schools_first, s.schools_second, s.schools_meetings, s.schools_attended)
