-- A row a class of a journal that the list of levels of its school does not know; a school that is in no list is told
-- otherwise. Each class is a finding of its own: what is explained of one stays so when another comes or goes.
WITH compared AS (
    SELECT l.reading_id, h.reading_id AS other_reading_id
    FROM held l
    JOIN held h ON h.form = 'level_choice' AND h.sender = l.sender AND ref.academic_year(h.as_of) = ref.academic_year(l.as_of)
    WHERE l.form = 'lesson_journal'
),
known AS MATERIALIZED (
    SELECT c.reading_id, f.school_id, f.grade, coalesce(f.letter, '') AS letter
    FROM compared c
    CROSS JOIN LATERAL (SELECT * FROM core.level_choice_fact e WHERE e.reading_id = c.other_reading_id OFFSET 0) f
),
taught AS MATERIALIZED (
    SELECT c.reading_id, c.other_reading_id, f.school_id, f.grade, coalesce(f.letter, '') AS letter
    FROM compared c
    CROSS JOIN LATERAL (
        SELECT DISTINCT e.school_id, e.grade, e.letter FROM core.lesson_journal_fact e WHERE e.reading_id = c.reading_id OFFSET 0
    ) f
)
SELECT t.reading_id, t.other_reading_id, t.school_id, NULL AS place,
    t.grade || CASE WHEN t.letter ~ '^\d' THEN '-' WHEN length(t.letter) > 3 THEN ' ' ELSE '' END || t.letter AS value,
    'класс из списка уровней' AS expected, NULL AS difference
FROM taught t
WHERE EXISTS (SELECT FROM known k WHERE k.reading_id = t.reading_id AND k.school_id = t.school_id)
  AND NOT EXISTS (SELECT FROM known k WHERE k.reading_id = t.reading_id AND k.school_id = t.school_id
                    AND k.grade = t.grade AND k.letter = t.letter)
