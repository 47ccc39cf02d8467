-- Classes that by their journal have more lessons of «Россия – мои горизонты» to hold than weeks of lessons are left.
WITH class AS (
    SELECT m.reporting_unit, m.school_code, m.school_name, m.grade, m.letter, m.lessons_left, m.weeks_left, m.journal_as_of,
        row_number() OVER (PARTITION BY m.reporting_unit ORDER BY m.position) AS place
    FROM mart.lessons_held m
    WHERE m.region = :region AND m.lessons_left > 0 AND m.weeks_left - m.lessons_left < :spare_weeks
      AND m.as_of = (SELECT max(o.as_of) FROM mart.lessons_held o WHERE o.region = :region AND o.as_of <= :day)
      AND m.academic_year = ref.academic_year(:day)
)
SELECT
    'lesson_journal' AS form,
    c.reporting_unit AS sender,
    '' AS subject,
    jsonb_build_object('which', md5(string_agg(concat(c.school_code, ' ', c.grade, c.letter), ',' ORDER BY c.place))) AS state,
    jsonb_build_object('classes', count(*), 'schools', count(DISTINCT c.school_code), 'lessons', max(c.lessons_left),
        'weeks', max(c.weeks_left), 'as_of', max(c.journal_as_of),
        'names', string_agg(format('%s, %s%s', c.school_name, c.grade, c.letter), '; ' ORDER BY c.place) FILTER (WHERE c.place <= 5)
            || CASE WHEN count(*) > 5 THEN format(' и ещё %s', count(*) - 5) ELSE '' END) AS details,
    '{}'::bigint[] AS deliveries
FROM class c
GROUP BY c.reporting_unit
