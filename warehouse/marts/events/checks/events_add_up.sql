-- A unit has twelve months; what became of a month's events adds up to them.
SELECT e.as_of, e.reporting_unit, count(*) AS months, sum(e.events) AS events
FROM pg_temp.event_plan e
GROUP BY e.as_of, e.reporting_unit
HAVING count(*) <> 12 OR count(DISTINCT e.month) <> 12
    OR sum(e.events) <> sum(e.events_planned + e.events_held + e.events_moved + e.events_cancelled)
    OR bool_or(e.events_overdue > e.events_planned)
