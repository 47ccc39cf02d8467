-- The levels of a unit are those of its schools.
SELECT u.as_of, u.reporting_unit, u.schools, u.schools_listed, u.schools_basic, u.schools_main, u.schools_advanced,
    u.classes, u.pupils_6_11, u.pupils_planned, u.course_pupils, s.*
FROM pg_temp.level_coverage u
LEFT JOIN (
    SELECT p.as_of AS day, p.reporting_unit AS unit, count(*) AS school_rows,
        count(*) FILTER (WHERE p.list_status = 'listed') AS listed,
        count(*) FILTER (WHERE p.level = 'basic') AS basic, count(*) FILTER (WHERE p.level = 'main') AS main,
        count(*) FILTER (WHERE p.level = 'advanced') AS advanced,
        coalesce(sum(p.classes), 0) AS school_classes, sum(p.pupils_6_11) AS school_pupils,
        coalesce(sum(p.pupils_planned), 0) AS school_planned, coalesce(sum(p.course_pupils), 0) AS school_course
    FROM pg_temp.level_coverage_by_school p
    GROUP BY p.as_of, p.reporting_unit
) s ON s.day = u.as_of AND s.unit = u.reporting_unit
WHERE u.schools IS DISTINCT FROM s.school_rows
   OR u.pupils_6_11 <> s.school_pupils
   OR u.report_received AND s.unit IS NOT NULL
      AND (u.schools_listed, u.schools_basic, u.schools_main, u.schools_advanced, u.classes, u.pupils_planned, u.course_pupils)
       IS DISTINCT FROM (s.listed, s.basic, s.main, s.advanced, s.school_classes, s.school_planned, s.school_course)
