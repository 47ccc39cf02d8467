-- Registrations of a unit have stood still for `days` of exports, and its plan is not reached yet.
-- needs: mart.registration_by_municipality
WITH told AS (
    SELECT m.as_of, m.reporting_unit, m.export_as_of, m.plan_pupils, m.actual_pupils
    FROM mart.registration_by_municipality m
    WHERE m.region = :region AND m.as_of <= :day AND m.as_of > make_date(ref.academic_year(:day), 8, 31) AND m.actual_pupils IS NOT NULL
),
latest AS (SELECT t.* FROM told t WHERE t.as_of = (SELECT max(o.as_of) FROM told o)),
other AS (
    SELECT l.reporting_unit, max(t.export_as_of) AS export_as_of
    FROM latest l JOIN told t ON t.reporting_unit = l.reporting_unit AND t.actual_pupils <> l.actual_pupils
    GROUP BY l.reporting_unit
),
still AS (
    SELECT t.reporting_unit, min(t.export_as_of) AS since
    FROM told t LEFT JOIN other o ON o.reporting_unit = t.reporting_unit
    WHERE t.export_as_of > coalesce(o.export_as_of, '-infinity')
    GROUP BY t.reporting_unit
)
SELECT
    'registration_export' AS form,
    l.reporting_unit AS sender,
    '' AS subject,
    jsonb_build_object('actual_pupils', l.actual_pupils) AS state,
    jsonb_build_object('since', s.since, 'days', l.export_as_of - s.since, 'plan_pupils', l.plan_pupils) AS details,
    '{}'::bigint[] AS deliveries
FROM latest l
JOIN still s ON s.reporting_unit = l.reporting_unit
WHERE l.actual_pupils < l.plan_pupils AND l.export_as_of - s.since >= :days
  AND :day <= make_date(ref.academic_year(:day) + 1, cast(:end_month AS integer), cast(:end_day AS integer))
