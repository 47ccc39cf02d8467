-- The profile classes of a unit are those of its profiles, and no school of the advanced level is counted twice.
SELECT u.as_of, u.reporting_unit, u.profile_classes, u.profile_pupils, u.classes_without_partner, p.*
FROM pg_temp.profile_classes_by_unit u
LEFT JOIN (
    SELECT c.as_of AS day, c.reporting_unit AS unit, sum(c.profile_classes) AS classes, sum(c.profile_pupils) AS pupils,
        sum(c.classes_without_partner) AS without_partner, count(*) FILTER (WHERE c.profile_kind <> 'unknown') AS kinds,
        max(c.profile_partners) AS most_partners
    FROM pg_temp.profile_classes c
    GROUP BY c.as_of, c.reporting_unit
) p ON p.day = u.as_of AND p.unit = u.reporting_unit
WHERE (coalesce(u.profile_classes, 0), coalesce(u.profile_pupils, 0), coalesce(u.classes_without_partner, 0), coalesce(u.profiles, 0))
        IS DISTINCT FROM (coalesce(p.classes, 0), coalesce(p.pupils, 0), coalesce(p.without_partner, 0), coalesce(p.kinds, 0))
   OR p.most_partners > u.profile_partners
   OR u.advanced_with_profile + u.advanced_without_profile <> u.advanced_schools
   OR u.profile_schools > u.profile_classes OR u.classes_unlisted > u.profile_classes
