-- A municipality whose list of events has none in the last `days` days, between the first of September and the end of the
-- season; one that has sent no list is told as overdue, not here.
SELECT
    'practice_events' AS form,
    h.sender,
    '' AS subject,
    jsonb_build_object('events', count(f.held_on)) AS state,
    jsonb_build_object('days', cast(:day AS date) - coalesce(max(f.held_on), make_date(ref.academic_year(:day), 8, 31))) AS details,
    array_agg(DISTINCT h.delivery_id) AS deliveries
FROM ops.reading_at(:region, :day, 'infinity') h
JOIN ref.unit_at(:region, :day) u ON u.reporting_unit = h.sender AND u.kind = 'municipality'
LEFT JOIN core.practice_events_fact f ON f.reading_id = h.reading_id AND f.held_on <= :day
WHERE h.form = 'practice_events'
  AND cast(:day AS date) <= make_date(ref.academic_year(:day), cast(:end_month AS integer), cast(:end_day AS integer))
GROUP BY h.sender
HAVING cast(:day AS date) - coalesce(max(f.held_on), make_date(ref.academic_year(:day), 8, 31)) > :days
