-- A row a class of grades 6 to 11 of a list of levels that the timetable of its school does not name; a school that is in no
-- timetable is told otherwise.
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
    SELECT c.reading_id, c.other_reading_id, f.school_id, f.grade, coalesce(f.letter, '') AS letter,
        f.grade || CASE WHEN f.letter ~ '^\d' THEN '-' WHEN length(f.letter) > 3 THEN ' ' ELSE '' END || coalesce(f.letter, '') AS class
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
    format('класса %s нет', k.class) AS value, format('занятия класса %s', k.class) AS expected, NULL::numeric AS difference
FROM known k
WHERE EXISTS (SELECT FROM scheduled s WHERE s.reading_id = k.reading_id AND s.school_id = k.school_id)
  AND NOT EXISTS (SELECT FROM scheduled s WHERE s.reading_id = k.reading_id AND s.school_id = k.school_id
                    AND s.grade = k.grade AND s.letter = k.letter)
