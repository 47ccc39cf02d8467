-- A row a school in whose list trained people in a role have fewer hours than its level asks for. The level is the highest of
-- the school's classes, where a list of levels has them, else that of its readiness report.
WITH norm AS (
    SELECT n.level, n.hours
    FROM jsonb_to_recordset((SELECT ref.input_lines(:region, 'training_norms', :day))) AS n (level text, hours numeric)
),
listed AS (
    SELECT h.sender, h.reading_id, h.as_of FROM held h WHERE h.form = 'staff'
),
trained AS MATERIALIZED (
    SELECT l.sender, l.reading_id, l.as_of, f.school_id, f.training_hours
    FROM listed l
    CROSS JOIN LATERAL (SELECT * FROM core.staff_fact e WHERE e.reading_id = l.reading_id OFFSET 0) f
    WHERE f.trained AND f.person_key <> 'vacant' AND coalesce(f.valid_from, l.as_of) <= l.as_of
      AND coalesce(f.valid_to, l.as_of) >= l.as_of
),
chosen AS MATERIALIZED (
    SELECT h.sender, h.reading_id, f.school_id, (array_agg(f.level ORDER BY v.position DESC))[1] AS level
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.level_choice_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    JOIN ref.level v ON v.level = f.level
    WHERE h.form = 'level_choice'
    GROUP BY h.sender, h.reading_id, f.school_id
),
told AS (
    SELECT c.sender, c.reading_id, c.school_id, c.level FROM chosen c
    UNION ALL
    SELECT l.sender, h.reading_id, f.school_id, f.level
    FROM listed l
    JOIN held h ON h.form = 'readiness_report' AND h.sender = l.sender
        AND ref.academic_year(h.as_of + 31) = ref.academic_year(l.as_of)
    CROSS JOIN LATERAL (SELECT * FROM core.readiness_report_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE NOT EXISTS (SELECT FROM chosen c WHERE c.sender = l.sender AND c.school_id = f.school_id)
)
SELECT t.reading_id, s.reading_id AS other_reading_id, t.school_id, NULL AS place,
    format('меньше %s ч у %s из %s обученных', trim_scale(n.hours), count(*) FILTER (WHERE t.training_hours < n.hours),
           count(*)) AS value,
    format('не меньше %s ч', trim_scale(n.hours)) AS expected, min(t.training_hours) - n.hours AS difference
FROM trained t
JOIN told s ON s.sender = t.sender AND s.school_id = t.school_id
JOIN norm n ON n.level = s.level
GROUP BY t.reading_id, s.reading_id, t.school_id, n.hours
HAVING min(t.training_hours) < n.hours
