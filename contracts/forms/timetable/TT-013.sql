-- A row a school whose list of levels has classes that its timetable does not name; a school that is in no timetable is told
-- otherwise.
WITH listed AS (
    SELECT h.sender, h.reading_id, h.as_of FROM held h WHERE h.form = 'timetable'
),
compared AS (
    SELECT l.reading_id, h.reading_id AS other_reading_id
    FROM listed l
    JOIN held h ON h.form = 'level_choice' AND h.sender = l.sender
        AND ref.academic_year(h.as_of) = ref.academic_year(l.as_of)
),
known AS MATERIALIZED (
    SELECT c.reading_id, c.other_reading_id, f.school_id, f.grade, coalesce(f.letter, '') AS letter
    FROM compared c
    CROSS JOIN LATERAL (SELECT * FROM core.level_choice_fact e WHERE e.reading_id = c.other_reading_id OFFSET 0) f
    WHERE f.grade BETWEEN 6 AND 11
),
scheduled AS MATERIALIZED (
    SELECT DISTINCT c.reading_id, f.school_id, f.grade, coalesce(f.letter, '') AS letter
    FROM compared c
    CROSS JOIN LATERAL (SELECT * FROM core.timetable_fact e WHERE e.reading_id = c.reading_id OFFSET 0) f
)
SELECT k.reading_id, k.other_reading_id, k.school_id, NULL AS place,
    'в расписании нет: ' || string_agg(k.grade || CASE WHEN k.letter ~ '^\d' THEN '-' WHEN length(k.letter) > 3 THEN ' ' ELSE '' END || k.letter, ', '
        ORDER BY k.grade, k.letter) AS value,
    'все классы списка уровней' AS expected, -count(*)::numeric AS difference
FROM known k
WHERE EXISTS (SELECT FROM scheduled s WHERE s.reading_id = k.reading_id AND s.school_id = k.school_id)
  AND NOT EXISTS (SELECT FROM scheduled s WHERE s.reading_id = k.reading_id AND s.school_id = k.school_id
                    AND s.grade = k.grade AND s.letter = k.letter)
GROUP BY k.reading_id, k.other_reading_id, k.school_id
