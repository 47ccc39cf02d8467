-- A row a school whose report states more profile classes than its sender's list has of it.
WITH listed AS (
    SELECT h.sender, h.reading_id, h.as_of FROM held h WHERE h.form = 'profile_classes'
),
counted AS MATERIALIZED (
    SELECT l.reading_id, f.school_id, count(*) AS classes
    FROM listed l
    CROSS JOIN LATERAL (SELECT * FROM core.profile_classes_fact e WHERE e.reading_id = l.reading_id OFFSET 0) f
    GROUP BY l.reading_id, f.school_id
)
SELECT l.reading_id, h.reading_id AS other_reading_id, f.school_id, NULL AS place,
    coalesce(c.classes, 0)::text AS value, format('не меньше %s', f.profile_classes) AS expected,
    coalesce(c.classes, 0) - f.profile_classes AS difference
FROM listed l
JOIN held h ON h.form = 'readiness_report' AND h.sender = l.sender
    AND ref.academic_year(h.as_of + 31) = ref.academic_year(l.as_of)
CROSS JOIN LATERAL (SELECT * FROM core.readiness_report_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
LEFT JOIN counted c ON c.reading_id = l.reading_id AND c.school_id = f.school_id
WHERE coalesce(c.classes, 0) < f.profile_classes
