-- A unit has many fewer registered pupils than in an export of the last `days`: by more than `share`.
-- needs: mart.registration_by_municipality
WITH told AS (
    SELECT m.as_of, m.reporting_unit, m.export_as_of, m.actual_pupils
    FROM mart.registration_by_municipality m
    WHERE m.region = :region AND m.as_of <= :day AND m.as_of > make_date(ref.academic_year(:day), 8, 31) AND m.actual_pupils IS NOT NULL
),
latest AS (SELECT t.* FROM told t WHERE t.as_of = (SELECT max(o.as_of) FROM told o)),
peak AS (
    SELECT DISTINCT ON (t.reporting_unit) t.reporting_unit, t.export_as_of, t.actual_pupils
    FROM latest l
    JOIN told t ON t.reporting_unit = l.reporting_unit AND t.export_as_of >= l.export_as_of - cast(:days AS integer)
    ORDER BY t.reporting_unit, t.actual_pupils DESC, t.export_as_of DESC
)
SELECT
    'registration_export' AS form,
    l.reporting_unit AS sender,
    '' AS subject,
    jsonb_build_object('was', p.actual_pupils) AS state,
    jsonb_build_object('was_on', p.export_as_of, 'became', l.actual_pupils, 'became_on', l.export_as_of,
                       'fall_rate', 1 - l.actual_pupils::numeric / p.actual_pupils) AS details,
    '{}'::bigint[] AS deliveries
FROM latest l
JOIN peak p ON p.reporting_unit = l.reporting_unit
WHERE l.actual_pupils < p.actual_pupils * (1 - cast(:share AS numeric))
