-- A row a school some of whose classes its sender's list of levels of the same academic year does not know.
WITH stated AS (
    SELECT h.sender, h.reading_id, h.as_of, f.school_id, f.grade, f.letter
    FROM held h
    CROSS JOIN LATERAL (
        SELECT DISTINCT e.school_id, e.grade, e.letter FROM core.hours_delivered_fact e WHERE e.reading_id = h.reading_id OFFSET 0
    ) f
    WHERE h.form = 'hours_delivered'
)
SELECT s.reading_id, h.reading_id AS other_reading_id, s.school_id, NULL AS place,
    string_agg(concat(s.grade, s.letter), ', ' ORDER BY s.grade, s.letter) AS value, 'классы из распределения по уровням' AS expected,
    NULL AS difference
FROM stated s
JOIN held h ON h.form = 'level_choice' AND h.sender = s.sender AND ref.academic_year(h.as_of) = ref.academic_year(s.as_of)
WHERE NOT EXISTS (
    SELECT FROM core.level_choice_fact e
    WHERE e.reading_id = h.reading_id AND e.school_id = s.school_id AND e.grade = s.grade AND e.letter IS NOT DISTINCT FROM s.letter
)
GROUP BY s.reading_id, h.reading_id, s.school_id
