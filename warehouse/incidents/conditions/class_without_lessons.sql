-- Classes whose journal shows no lesson of «Россия – мои горизонты» for some weeks of lessons on end, up to the day of the journal.
WITH class AS (
    SELECT m.reporting_unit, m.school_code, m.school_name, m.grade, m.letter, m.weeks_without, m.journal_as_of,
        row_number() OVER (PARTITION BY m.reporting_unit ORDER BY m.position) AS place
    FROM mart.lessons_held m
    WHERE m.region = :region AND m.weeks_without >= :weeks
      AND m.as_of = (SELECT max(o.as_of) FROM mart.lessons_held o WHERE o.region = :region AND o.as_of <= :day)
      AND m.academic_year = ref.academic_year(:day)
)
SELECT
    'lesson_journal' AS form,
    c.reporting_unit AS sender,
    '' AS subject,
    jsonb_build_object('which', md5(string_agg(concat(c.school_code, ' ', c.grade, c.letter), ',' ORDER BY c.place))) AS state,
    jsonb_build_object('classes', count(*), 'schools', count(DISTINCT c.school_code), 'weeks', max(c.weeks_without),
        'as_of', max(c.journal_as_of),
        'names', string_agg(format('%s, %s%s', c.school_name, c.grade, c.letter), '; ' ORDER BY c.place) FILTER (WHERE c.place <= 5)
            || CASE WHEN count(*) > 5 THEN format(' и ещё %s', count(*) - 5) ELSE '' END) AS details,
    '{}'::bigint[] AS deliveries
FROM class c
GROUP BY c.reporting_unit
