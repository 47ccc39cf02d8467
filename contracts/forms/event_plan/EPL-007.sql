-- A row a parents' meeting that the plan marks as held in a month in which its sender's list of meetings has none. A list
-- that was made before the day of the meeting, or before the month was over, says nothing of it.
WITH planned AS (
    SELECT h.sender, h.reading_id, f.title, f.planned_on,
        coalesce(date_trunc('month', f.planned_on::timestamp)::date,
            make_date(ref.academic_year(h.as_of) + CASE WHEN f.month::integer < 9 THEN 1 ELSE 0 END, f.month::integer, 1)) AS first_day
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.event_plan_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'event_plan' AND f.kind = 'parent_meeting' AND f.status = 'held'
)
SELECT p.reading_id, h.reading_id AS other_reading_id, NULL AS school_id,
    format('%s (%s)', p.title, to_char(p.first_day, 'MM.YYYY')) AS place, 'проведено' AS value,
    'собрание этого месяца в списке собраний' AS expected, NULL AS difference
FROM planned p
JOIN held h ON h.form = 'parent_meetings' AND h.sender = p.sender
    AND h.as_of >= coalesce(p.planned_on, (p.first_day + interval '1 month' - interval '1 day')::date)
WHERE NOT EXISTS (
    SELECT FROM core.parent_meetings_fact e
    WHERE e.reading_id = h.reading_id AND e.held_on >= p.first_day AND e.held_on < p.first_day + interval '1 month'
)
