-- A row a profile class that its sender's list of levels does not have, or in which that list has fewer pupils. A school of
-- which that list has no class at all is told there.
WITH listed AS (
    SELECT h.sender, h.reading_id FROM held h WHERE h.form = 'profile_classes'
),
class AS MATERIALIZED (
    SELECT h.sender, h.reading_id, f.school_id, f.grade, f.letter, f.pupils
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.level_choice_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'level_choice'
)
SELECT l.reading_id, o.reading_id AS other_reading_id, f.school_id, NULL AS place,
    format('%s%s, обучающихся %s', f.grade, f.letter, f.pupils) AS value,
    CASE WHEN c.school_id IS NULL THEN 'такого класса нет' ELSE format('обучающихся %s', c.pupils) END AS expected,
    f.pupils - c.pupils AS difference
FROM listed l
CROSS JOIN LATERAL (SELECT * FROM core.profile_classes_fact e WHERE e.reading_id = l.reading_id OFFSET 0) f
JOIN (SELECT DISTINCT c.sender, c.reading_id, c.school_id FROM class c) o
    ON o.sender = l.sender AND o.school_id = f.school_id
LEFT JOIN class c ON c.sender = l.sender AND c.school_id = f.school_id AND c.grade = f.grade
    AND c.letter IS NOT DISTINCT FROM f.letter
WHERE c.school_id IS NULL OR c.pupils < f.pupils
