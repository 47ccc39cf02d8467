-- A row a school whose readiness report says that the lesson is in the timetable, and whose classes of grades 6 to 11 have
-- it nowhere, not even under a name that only resembles it.
WITH listed AS (
    SELECT h.sender, h.reading_id, h.as_of FROM held h WHERE h.form = 'timetable'
),
school AS MATERIALIZED (
    SELECT l.reading_id, f.school_id, bool_or(f.subject <> 'other') AS has_slot
    FROM listed l
    CROSS JOIN LATERAL (SELECT * FROM core.timetable_fact e WHERE e.reading_id = l.reading_id OFFSET 0) f
    WHERE f.grade BETWEEN 6 AND 11
    GROUP BY l.reading_id, f.school_id
),
stated AS (
    SELECT l.reading_id, h.reading_id AS other_reading_id, f.school_id
    FROM listed l
    JOIN held h ON h.form = 'readiness_report' AND h.sender = l.sender
        AND ref.academic_year(h.as_of + 31) = ref.academic_year(l.as_of)
    CROSS JOIN LATERAL (SELECT * FROM core.readiness_report_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE f.rmg_in_timetable
)
SELECT s.reading_id, s.other_reading_id, s.school_id, NULL AS place, 'занятия нет' AS value,
    'занятие в расписании: «да»' AS expected, NULL::numeric AS difference
FROM stated s
JOIN school c ON c.reading_id = s.reading_id AND c.school_id = s.school_id
WHERE NOT c.has_slot
