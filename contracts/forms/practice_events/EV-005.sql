-- A row a school some of whose classes cannot have had the hours of practice of their level: all the events of their
-- grades together have fewer. Asked of lists of May and later: until then the year goes on.
WITH listed AS (
    SELECT h.sender, h.reading_id, h.as_of FROM held h
    WHERE h.form = 'practice_events' AND h.as_of >= make_date(ref.academic_year(h.as_of) + 1, 5, 1)
),
event AS MATERIALIZED (
    SELECT l.reading_id, f.school_id, f.hours, split_part(f.grades, '-', 1)::integer AS lowest,
        split_part(f.grades, '-', 2)::integer AS highest
    FROM listed l
    CROSS JOIN LATERAL (SELECT * FROM core.practice_events_fact e WHERE e.reading_id = l.reading_id OFFSET 0) f
),
grade AS (
    SELECT l.reading_id, h.reading_id AS other_reading_id, c.school_id, c.grade, n.hours AS norm,
        string_agg(concat(c.grade, c.letter), ', ' ORDER BY c.letter) AS classes,
        (SELECT coalesce(sum(e.hours), 0) FROM event e
         WHERE e.reading_id = l.reading_id AND e.school_id = c.school_id AND c.grade BETWEEN e.lowest AND e.highest) AS hours
    FROM listed l
    JOIN held h ON h.form = 'level_choice' AND h.sender = l.sender AND ref.academic_year(h.as_of) = ref.academic_year(l.as_of)
    CROSS JOIN LATERAL (SELECT * FROM core.level_choice_fact e WHERE e.reading_id = h.reading_id OFFSET 0) c
    JOIN ref.level_norm_at(:region, :day) n ON n.level = c.level AND n.direction = 'practice_module'
    GROUP BY l.reading_id, h.reading_id, c.school_id, c.grade, n.hours
)
SELECT reading_id, other_reading_id, school_id, NULL AS place,
    string_agg(format('%s: %s ч', classes, trim_scale(hours)), '; ' ORDER BY grade, norm) AS value,
    format('не меньше %s ч', trim_scale(norm)) AS expected, min(hours) - norm AS difference
FROM grade WHERE hours < norm
GROUP BY reading_id, other_reading_id, school_id, norm
