-- At the pace of the last `window_days` a unit reaches its plan after the end of the academic year, or never.
-- It takes exports at least `least_days` apart to speak of a pace.
-- needs: mart.registration_by_municipality
WITH told AS (
    SELECT m.as_of, m.reporting_unit, m.export_as_of, m.plan_pupils, m.actual_pupils
    FROM mart.registration_by_municipality m
    WHERE m.region = :region AND m.as_of <= :day AND m.as_of > make_date(ref.academic_year(:day), 8, 31) AND m.actual_pupils IS NOT NULL
),
latest AS (
    SELECT t.*,
        make_date(ref.academic_year(:day) + 1, cast(:end_month AS integer), cast(:end_day AS integer)) AS ends_on
    FROM told t WHERE t.as_of = (SELECT max(o.as_of) FROM told o)
),
first AS (
    SELECT DISTINCT ON (t.reporting_unit) t.reporting_unit, t.export_as_of, t.actual_pupils
    FROM latest l
    JOIN told t ON t.reporting_unit = l.reporting_unit
        AND t.export_as_of >= l.export_as_of - cast(:window_days AS integer)
    ORDER BY t.reporting_unit, t.export_as_of, t.as_of
),
pace AS (
    SELECT l.*, (l.actual_pupils - f.actual_pupils)::numeric AS gained, l.export_as_of - f.export_as_of AS days
    FROM latest l
    JOIN first f ON f.reporting_unit = l.reporting_unit
    WHERE l.actual_pupils < l.plan_pupils AND l.export_as_of - f.export_as_of >= :least_days AND :day <= l.ends_on
),
forecast AS (
    SELECT p.*, CASE WHEN p.gained > 0 THEN
        p.export_as_of + least(ceil((p.plan_pupils - p.actual_pupils) * p.days / p.gained), 36500)::integer END AS reached_on
    FROM pace p
)
SELECT
    'registration_export' AS form,
    f.reporting_unit AS sender,
    '' AS subject,
    '{}'::jsonb AS state,
    jsonb_build_object('a_week', round(7 * f.gained / f.days, 1), 'reached_on', f.reached_on, 'ends_on', f.ends_on,
                       'actual_pupils', f.actual_pupils, 'plan_pupils', f.plan_pupils) AS details,
    '{}'::bigint[] AS deliveries
FROM forecast f
WHERE f.reached_on > f.ends_on OR f.reached_on IS NULL
