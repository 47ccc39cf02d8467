-- A row a school of the main or the advanced level in whose list trained people in a role have fewer than 36 hours.
WITH listed AS (
    SELECT h.sender, h.reading_id, h.as_of FROM held h WHERE h.form = 'staff'
),
trained AS MATERIALIZED (
    SELECT l.sender, l.reading_id, l.as_of, f.school_id, count(*) AS people,
        count(*) FILTER (WHERE f.training_hours < 36) AS short, min(f.training_hours) AS least
    FROM listed l
    CROSS JOIN LATERAL (SELECT * FROM core.staff_fact e WHERE e.reading_id = l.reading_id OFFSET 0) f
    WHERE f.trained AND f.person_key <> 'vacant' AND coalesce(f.valid_from, l.as_of) <= l.as_of
      AND coalesce(f.valid_to, l.as_of) >= l.as_of
    GROUP BY l.sender, l.reading_id, l.as_of, f.school_id
)
SELECT t.reading_id, h.reading_id AS other_reading_id, t.school_id, NULL AS place,
    format('меньше 36 ч у %s из %s обученных', t.short, t.people) AS value, 'не меньше 36 ч' AS expected,
    t.least - 36 AS difference
FROM trained t
JOIN held h ON h.form = 'readiness_report' AND h.sender = t.sender
    AND ref.academic_year(h.as_of + 31) = ref.academic_year(t.as_of)
CROSS JOIN LATERAL (SELECT * FROM core.readiness_report_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
WHERE t.short > 0 AND f.school_id = t.school_id AND f.level IN ('main', 'advanced')
