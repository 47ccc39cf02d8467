-- A row an event of a school at which there were more pupils than its classes of these grades have, by its sender's list of
-- levels of the same academic year. A school that the list does not name is told elsewhere.
WITH class AS MATERIALIZED (
    SELECT h.sender, h.reading_id, h.as_of, f.school_id, f.grade, f.pupils
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.level_choice_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'level_choice'
),
school AS (SELECT DISTINCT c.sender, c.reading_id, c.as_of, c.school_id FROM class c),
event AS (
    SELECT h.sender, h.reading_id, h.as_of, f.school_id, f.held_on, f.title, f.starts_at, f.pupils,
        split_part(f.grades, '-', 1)::integer AS lowest, split_part(f.grades, '-', 2)::integer AS highest
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.practice_events_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'practice_events'
),
compared AS (
    SELECT e.*, s.reading_id AS other_reading_id, n.there
    FROM event e
    JOIN school s ON s.sender = e.sender AND s.school_id = e.school_id
        AND ref.academic_year(s.as_of) = ref.academic_year(e.as_of)
    CROSS JOIN LATERAL (
        SELECT coalesce(sum(c.pupils), 0) AS there FROM class c
        WHERE c.sender = s.sender AND c.school_id = s.school_id AND c.grade BETWEEN e.lowest AND e.highest
    ) n
)
SELECT reading_id, other_reading_id, school_id, NULL AS place,
    format('%s, %s: %s', title, concat_ws(' ', to_char(held_on, 'DD.MM.YYYY'), starts_at), pupils) AS value,
    format('не больше %s — столько в %s классах', there, CASE WHEN lowest = highest THEN lowest::text ELSE format('%s–%s', lowest, highest) END)
        AS expected,
    pupils - there AS difference
FROM compared WHERE pupils > there
