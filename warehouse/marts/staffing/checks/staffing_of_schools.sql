-- The people of a unit are those of its schools; nobody is trained who is not there, and a figure per 100 is of both.
SELECT u.as_of, u.reporting_unit, u.schools, u.responsible_valid, u.navigators, u.navigators_trained, s.*
FROM pg_temp.staffing_by_unit u
LEFT JOIN (
    SELECT p.as_of AS day, p.reporting_unit AS unit, count(*) AS school_rows,
        count(*) FILTER (WHERE p.responsible_status = 'valid') AS schools_valid,
        count(*) FILTER (WHERE p.navigators = 0) AS schools_without,
        sum(p.navigators) AS schools_navigators, sum(p.navigators_trained) AS schools_trained,
        sum(p.navigators_unanswered) AS schools_unanswered, coalesce(sum(p.training_gap), 0) AS schools_gap,
        count(*) FILTER (WHERE p.level IN ('main', 'advanced') AND p.navigators_trained = 0) AS schools_ahead,
        bool_or(p.navigators_trained + p.navigators_unanswered > p.navigators OR p.training_gap > p.navigators
            OR abs(p.navigators_per_100 * p.pupils_6_11 - 100 * p.navigators) > 0.000001
            OR p.responsible_status = 'valid' AND p.vacant_since IS NOT NULL) AS is_wrong
    FROM pg_temp.staffing_by_school p
    GROUP BY p.as_of, p.reporting_unit
) s ON s.day = u.as_of AND s.unit = u.reporting_unit
WHERE u.schools IS DISTINCT FROM s.school_rows OR s.is_wrong OR u.navigator_people > u.navigators
   OR u.report_received
       AND (u.responsible_valid, u.schools_without_navigator, u.navigators, u.navigators_trained, u.navigators_unanswered)
           IS DISTINCT FROM (s.schools_valid, s.schools_without, s.schools_navigators, s.schools_trained, s.schools_unanswered)
   OR u.report_received AND coalesce(u.training_gap, 0) <> s.schools_gap
   OR u.report_received AND u.ahead_untrained <> s.schools_ahead
