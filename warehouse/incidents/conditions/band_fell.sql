-- A unit is red on the last published date, and was not red earlier in the same campaign or academic year.
-- needs: mart.readiness_by_municipality, mart.registration_by_municipality
WITH told AS (
    SELECT 'readiness_report' AS form, m.as_of, m.reporting_unit, m.campaign AS round, m.accepted_rate AS rate, m.band
    FROM mart.readiness_by_municipality m WHERE m.as_of <= :day
    UNION ALL
    SELECT 'registration_export', m.as_of, m.reporting_unit, ref.academic_year(m.as_of)::text, m.completion_rate, m.band
    FROM mart.registration_by_municipality m WHERE m.as_of <= :day
),
unit AS (
    SELECT t.form, t.reporting_unit, max(t.as_of) AS as_of,
        (array_agg(t.band ORDER BY t.as_of DESC))[1] AS band,
        (array_agg(t.rate ORDER BY t.as_of DESC))[1] AS rate,
        max(t.as_of) FILTER (WHERE t.band IN ('green', 'amber')) AS better_as_of,
        (array_agg(t.band ORDER BY t.as_of DESC) FILTER (WHERE t.band IN ('green', 'amber')))[1] AS better_band,
        (array_agg(t.rate ORDER BY t.as_of DESC) FILTER (WHERE t.band IN ('green', 'amber')))[1] AS better_rate
    FROM told t GROUP BY t.form, t.reporting_unit, t.round
)
SELECT
    u.form,
    u.reporting_unit AS sender,
    '' AS subject,
    jsonb_build_object('before', u.better_band) AS state,
    jsonb_build_object('rate', u.rate, 'as_of', u.as_of, 'rate_before', u.better_rate, 'before_as_of', u.better_as_of) AS details,
    '{}'::bigint[] AS deliveries
FROM unit u
WHERE u.band = 'red' AND u.better_as_of IS NOT NULL AND u.as_of = (SELECT max(t.as_of) FROM told t)
