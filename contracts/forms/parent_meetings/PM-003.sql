-- A row a school whose meetings of the academic year have fewer hours than the norm of the level in its report; as soon as
-- the months of all the all-Russian meetings are over.
WITH months AS (
    SELECT make_date(ref.academic_year(:day) + CASE WHEN m.month < 9 THEN 1 ELSE 0 END, m.month, 1) AS first_day
    FROM jsonb_to_recordset((SELECT ref.input_lines(:region, 'meeting_months', :day))) AS m (month integer)
),
norm AS (
    SELECT DISTINCT ON (n.level) n.level, n.hours
    FROM jsonb_to_recordset((SELECT ref.input_lines(:region, 'level_norms', :day))) AS n (
        model_version text, level text, direction text, hours numeric)
    WHERE n.direction = 'parent_engagement'
    ORDER BY n.level, n.model_version DESC
),
listed AS (
    SELECT h.sender, h.reading_id, h.as_of FROM held h
    WHERE h.form = 'parent_meetings' AND :day >= (SELECT max(m.first_day) + interval '1 month' FROM months m)
),
meeting AS MATERIALIZED (
    SELECT l.reading_id, f.school_id, sum(f.hours) AS hours
    FROM listed l
    CROSS JOIN LATERAL (SELECT * FROM core.parent_meetings_fact e WHERE e.reading_id = l.reading_id OFFSET 0) f
    GROUP BY l.reading_id, f.school_id
),
stated AS (
    SELECT l.reading_id, h.reading_id AS other_reading_id, f.school_id, n.hours AS norm, coalesce(m.hours, 0) AS hours
    FROM listed l
    JOIN held h ON h.form = 'readiness_report' AND h.sender = l.sender
        AND ref.academic_year(h.as_of + 31) = ref.academic_year(l.as_of)
    CROSS JOIN LATERAL (SELECT * FROM core.readiness_report_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    JOIN norm n ON n.level = f.level
    LEFT JOIN meeting m ON m.reading_id = l.reading_id AND m.school_id = f.school_id
)
SELECT reading_id, other_reading_id, school_id, NULL AS place, trim_scale(hours)::text AS value,
    format('не меньше %s ч', trim_scale(norm)) AS expected, hours - norm AS difference
FROM stated WHERE hours < norm
