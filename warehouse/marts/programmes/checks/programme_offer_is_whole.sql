-- A unit has a row for each of the two directions; of its programmes no more state places than there are, and a shortest
-- one is no longer than the longest.
SELECT o.as_of, o.reporting_unit, count(*) AS directions, sum(o.programmes) AS programmes
FROM pg_temp.programme_offer o
GROUP BY o.as_of, o.reporting_unit
HAVING count(*) <> 2 OR count(DISTINCT o.direction) <> 2 OR bool_or(o.programmes_with_places > o.programmes)
    OR bool_or(o.hours_least > o.hours_most) OR bool_or((o.programmes > 0) <> (o.titles IS NOT NULL))
