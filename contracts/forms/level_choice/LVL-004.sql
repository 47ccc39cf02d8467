-- A row a school whose readiness report states another level than the highest of its classes.
WITH listed AS (
    SELECT h.sender, h.reading_id, h.as_of FROM held h WHERE h.form = 'level_choice'
),
chosen AS MATERIALIZED (
    SELECT l.reading_id, l.sender, l.as_of, f.school_id, max(v.position) AS place
    FROM listed l
    CROSS JOIN LATERAL (SELECT * FROM core.level_choice_fact e WHERE e.reading_id = l.reading_id OFFSET 0) f
    JOIN ref.level v ON v.level = f.level
    GROUP BY l.reading_id, l.sender, l.as_of, f.school_id
),
stated AS (
    SELECT c.reading_id, h.reading_id AS other_reading_id, f.school_id, c.place, s.position AS stated, s.name AS stated_name
    FROM (SELECT DISTINCT c.reading_id, c.sender, c.as_of FROM chosen c) l
    JOIN held h ON h.form = 'readiness_report' AND h.sender = l.sender
        AND ref.academic_year(h.as_of + 31) = ref.academic_year(l.as_of)
    CROSS JOIN LATERAL (SELECT * FROM core.readiness_report_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    JOIN ref.level s ON s.level = f.level
    JOIN chosen c ON c.reading_id = l.reading_id AND c.school_id = f.school_id
)
SELECT t.reading_id, t.other_reading_id, t.school_id, NULL AS place, lower(v.name) AS value,
    lower(t.stated_name) AS expected, NULL AS difference
FROM stated t
JOIN ref.level v ON v.position = t.place
WHERE t.place <> t.stated
