-- A unit's journal is old, and lessons have gone on since: what is told of its classes is not of today.
WITH unit AS (
    SELECT m.reporting_unit, max(m.journal_as_of) AS journal_as_of
    FROM mart.lessons_held m
    WHERE m.region = :region
      AND m.as_of = (SELECT max(o.as_of) FROM mart.lessons_held o WHERE o.region = :region AND o.as_of <= :day)
      AND m.academic_year = ref.academic_year(:day)
    GROUP BY m.reporting_unit
)
SELECT
    'lesson_journal' AS form,
    u.reporting_unit AS sender,
    '' AS subject,
    '{}'::jsonb AS state,
    jsonb_build_object('as_of', u.journal_as_of, 'days', s.days) AS details,
    '{}'::bigint[] AS deliveries
FROM unit u
CROSS JOIN LATERAL (
    SELECT count(*) AS days FROM ref.lesson_days_at(:region, cast(:day AS date)) d
    WHERE d.lesson_day > u.journal_as_of AND d.lesson_day <= :day AND extract(isodow FROM d.lesson_day) < 6
) s
WHERE s.days > :days
