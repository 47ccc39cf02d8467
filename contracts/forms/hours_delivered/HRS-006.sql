-- A row a school and direction with hours of classes of whose level the direction is no part.
WITH stated AS (
    SELECT h.sender, h.reading_id, h.as_of, f.school_id, f.grade, f.letter, f.direction, f.hours
    FROM held h
    CROSS JOIN LATERAL (
        SELECT e.school_id, e.grade, e.letter, e.direction, sum(e.hours) AS hours
        FROM core.hours_delivered_fact e WHERE e.reading_id = h.reading_id
        GROUP BY e.school_id, e.grade, e.letter, e.direction OFFSET 0
    ) f
    WHERE h.form = 'hours_delivered' AND f.hours > 0
)
SELECT s.reading_id, h.reading_id AS other_reading_id, s.school_id, d.name AS place,
    string_agg(concat(s.grade, s.letter), ', ' ORDER BY s.grade, s.letter) AS value, 'классы, в уровне которых это направление есть'
        AS expected, NULL AS difference
FROM stated s
JOIN held h ON h.form = 'level_choice' AND h.sender = s.sender AND ref.academic_year(h.as_of) = ref.academic_year(s.as_of)
JOIN core.level_choice_fact c ON c.reading_id = h.reading_id AND c.school_id = s.school_id AND c.grade = s.grade
    AND c.letter IS NOT DISTINCT FROM s.letter
JOIN ref.direction d ON d.direction = s.direction
WHERE NOT EXISTS (SELECT FROM ref.level_norm_at(:region, :day) n WHERE n.level = c.level AND n.direction = s.direction)
GROUP BY s.reading_id, h.reading_id, s.school_id, d.name, d."position"
