-- A school is on a lower level than it was within the last `days` of the same academic year.
-- needs: mart.level_coverage_by_school
WITH told AS (
    SELECT m.as_of, m.school_code, m.school_name, m.reporting_unit, m.level_name, v.position AS place
    FROM mart.level_coverage_by_school m
    JOIN ref.level v ON v.level = m.level
    WHERE m.region = :region AND m.as_of <= :day AND m.academic_year = ref.academic_year(:day)
),
latest AS (SELECT t.* FROM told t WHERE t.as_of = (SELECT max(o.as_of) FROM told o)),
before AS (
    SELECT DISTINCT ON (t.school_code) t.school_code, t.as_of, t.level_name, t.place
    FROM latest l
    JOIN told t ON t.school_code = l.school_code AND t.as_of >= l.as_of - cast(:days AS integer)
    ORDER BY t.school_code, t.place DESC, t.as_of DESC
)
SELECT
    'level_choice' AS form,
    l.reporting_unit AS sender,
    l.school_code AS subject,
    jsonb_build_object('level', lower(l.level_name), 'level_before', lower(b.level_name)) AS state,
    jsonb_build_object('school', l.school_name, 'before_as_of', b.as_of, 'as_of', l.as_of) AS details,
    '{}'::bigint[] AS deliveries
FROM latest l
JOIN before b ON b.school_code = l.school_code
WHERE b.place > l.place
