-- Classes that have fewer weeks left in the academic year than lessons of «Россия – мои горизонты» owed to them.
WITH class AS (
    SELECT m.reporting_unit, m.school_code, m.school_name, m.grade, m.letter, m.hours_norm - m.hours_given AS hours_left,
        row_number() OVER (PARTITION BY m.reporting_unit ORDER BY m.position) AS place
    FROM mart.hours_delivery m
    WHERE m.region = :region AND m.direction = 'extracurricular_rmg' AND NOT m.in_reach
      AND m.as_of = (SELECT max(o.as_of) FROM mart.hours_delivery o WHERE o.region = :region AND o.as_of <= :day)
      AND ref.academic_year(m.as_of) = ref.academic_year(:day)
)
SELECT
    'hours_delivered' AS form,
    c.reporting_unit AS sender,
    '' AS subject,
    jsonb_build_object('which', md5(string_agg(concat(c.school_code, ' ', c.grade, c.letter), ',' ORDER BY c.place))) AS state,
    jsonb_build_object('classes', count(*), 'schools', count(DISTINCT c.school_code),
        'names', string_agg(format('%s, %s%s', c.school_name, c.grade, c.letter), '; ' ORDER BY c.place) FILTER (WHERE c.place <= 5)
            || CASE WHEN count(*) > 5 THEN format(' и ещё %s', count(*) - 5) ELSE '' END) AS details,
    '{}'::bigint[] AS deliveries
FROM class c
GROUP BY c.reporting_unit
