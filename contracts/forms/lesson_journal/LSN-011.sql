-- A row a class and a month for which more hours of the course are reported than the journal of its school shows. A month that
-- was not over when the journal was exported is compared only with a report that is no younger.
WITH compared AS (
    SELECT l.reading_id, l.as_of, h.reading_id AS other_reading_id, h.as_of AS other_as_of
    FROM held l
    JOIN held h ON h.form = 'hours_delivered' AND h.sender = l.sender AND ref.academic_year(h.as_of) = ref.academic_year(l.as_of)
    WHERE l.form = 'lesson_journal'
),
shown AS MATERIALIZED (
    SELECT c.reading_id, f.school_id, f.grade, f.letter, f.month, f.hours
    FROM compared c
    CROSS JOIN LATERAL (
        SELECT e.school_id, e.grade, e.letter, date_trunc('month', e.held_on::timestamp)::date AS month, sum(e.hours) AS hours
        FROM core.lesson_journal_fact e WHERE e.reading_id = c.reading_id GROUP BY 1, 2, 3, 4 OFFSET 0
    ) f
),
given AS (
    SELECT c.reading_id, c.other_reading_id, c.other_as_of <= c.as_of AS is_no_younger, c.as_of, f.school_id, f.grade, f.letter,
        make_date(ref.academic_year(c.as_of) + CASE WHEN f.month::integer < 9 THEN 1 ELSE 0 END, f.month::integer, 1) AS month,
        f.hours
    FROM compared c
    CROSS JOIN LATERAL (SELECT * FROM core.hours_delivered_fact e WHERE e.reading_id = c.other_reading_id OFFSET 0) f
    WHERE f.direction = 'extracurricular_rmg'
)
SELECT g.reading_id, g.other_reading_id, g.school_id, NULL AS place,
    format('%s: %s', n.what, coalesce(s.hours, 0)::real) AS value, format('%s: не меньше %s ч', n.what, g.hours::real) AS expected,
    coalesce(s.hours, 0) - g.hours AS difference
FROM given g
CROSS JOIN LATERAL (
    SELECT format('%s%s%s за %s', g.grade, CASE WHEN g.letter ~ '^\d' THEN '-' WHEN length(g.letter) > 3 THEN ' ' ELSE '' END, g.letter,
        to_char(g.month, 'MM.YYYY')) AS what
) n
LEFT JOIN shown s ON s.reading_id = g.reading_id AND s.school_id = g.school_id AND s.grade = g.grade
    AND s.letter IS NOT DISTINCT FROM g.letter AND s.month = g.month
WHERE g.hours > coalesce(s.hours, 0) AND (g.is_no_younger OR g.month + interval '1 month' <= g.as_of + 1)
  AND EXISTS (SELECT FROM shown j WHERE j.reading_id = g.reading_id AND j.school_id = g.school_id)
