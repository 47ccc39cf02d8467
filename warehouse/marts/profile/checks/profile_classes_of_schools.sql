-- The profile classes of a unit are those of its schools.
SELECT u.as_of, u.reporting_unit, u.profile_classes, u.profile_pupils, s.classes, s.pupils
FROM pg_temp.profile_classes_by_unit u
LEFT JOIN (
    SELECT c.as_of, c.reporting_unit, sum(c.profile_classes) AS classes, sum(c.profile_pupils) AS pupils,
        sum(c.classes_without_partner) AS without_partner, count(*) FILTER (WHERE c.profile_classes > 0) AS schools
    FROM pg_temp.profile_classes_by_school c
    GROUP BY c.as_of, c.reporting_unit
) s ON s.as_of = u.as_of AND s.reporting_unit = u.reporting_unit
WHERE (coalesce(u.profile_classes, 0), coalesce(u.profile_pupils, 0), coalesce(u.classes_without_partner, 0), coalesce(u.profile_schools, 0))
    IS DISTINCT FROM (coalesce(s.classes, 0), coalesce(s.pupils, 0), coalesce(s.without_partner, 0), coalesce(s.schools, 0))
