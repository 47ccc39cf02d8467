-- The schools of a unit were at no more events than the unit had visits; hours are within the norm, hosts within events.
SELECT s.as_of, s.reporting_unit, s.school_code, s.practice_events, s.hosts, s.hosts_without_agreement, s.events_without_agreement,
    s.classes_below_norm, s.practice_hours, s.practice_hours_norm
FROM pg_temp.practice_by_school s
WHERE s.practice_hours > s.practice_hours_norm OR s.classes_below_norm > s.classes_with_practice
   OR s.hosts > s.events_with_host OR s.events_with_host > s.practice_events OR s.visits < s.practice_events
   OR s.hosts_without_agreement > s.hosts OR s.events_without_agreement > s.events_with_host
   OR (s.hosts_without_agreement > 0) <> (s.events_without_agreement > 0)
UNION ALL
SELECT s.as_of, s.reporting_unit, NULL, NULL, NULL, NULL, NULL, NULL, s.visits, m.visits
FROM (SELECT p.as_of, p.reporting_unit, sum(p.visits) AS visits FROM pg_temp.practice_by_school p GROUP BY p.as_of, p.reporting_unit) s
JOIN (SELECT p.as_of, p.reporting_unit, sum(p.visits) AS visits FROM pg_temp.practice p GROUP BY p.as_of, p.reporting_unit) m
    ON m.as_of = s.as_of AND m.reporting_unit = s.reporting_unit
WHERE s.visits > m.visits
