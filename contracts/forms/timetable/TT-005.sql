-- A row a class of grades 6 to 11 in a timetable that the list of levels of its school does not know; a school that is in no
-- list is told otherwise.
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
    SELECT c.reading_id, f.school_id, f.grade, coalesce(f.letter, '') AS letter
    FROM compared c
    CROSS JOIN LATERAL (SELECT * FROM core.level_choice_fact e WHERE e.reading_id = c.other_reading_id OFFSET 0) f
),
scheduled AS MATERIALIZED (
    SELECT DISTINCT c.reading_id, c.other_reading_id, f.school_id, f.grade, coalesce(f.letter, '') AS letter
    FROM compared c
    CROSS JOIN LATERAL (SELECT * FROM core.timetable_fact e WHERE e.reading_id = c.reading_id OFFSET 0) f
    WHERE f.grade BETWEEN 6 AND 11
)
SELECT s.reading_id, s.other_reading_id, s.school_id, NULL AS place,
    s.grade || CASE WHEN s.letter ~ '^\d' THEN '-' WHEN length(s.letter) > 3 THEN ' ' ELSE '' END || s.letter AS value,
    'класс из списка уровней' AS expected, NULL::numeric AS difference
FROM scheduled s
WHERE EXISTS (SELECT FROM known k WHERE k.reading_id = s.reading_id AND k.school_id = s.school_id)
  AND NOT EXISTS (SELECT FROM known k WHERE k.reading_id = s.reading_id AND k.school_id = s.school_id
                    AND k.grade = s.grade AND k.letter = s.letter)
