-- A unit is red on the last published date, and was not red earlier in the same campaign or academic year.
-- Of a form with several bands each is an incident of its own.
WITH told AS (
    SELECT f.mart, f.metric, f.metric_name, f.form, f.as_of, f.reporting_unit, f.rate, f.figure AS band,
        coalesce(f.campaign, ref.academic_year(f.as_of)::text) AS round
    FROM history.figure f
    WHERE f.region = :region AND f.kind = 'band' AND f.grain = 'unit' AND f.replaced_at = 'infinity' AND f.as_of <= :day
),
several AS (SELECT t.form FROM told t GROUP BY t.form HAVING count(DISTINCT (t.mart, t.metric)) > 1),
unit AS (
    SELECT t.mart, t.metric, t.metric_name, t.form, t.reporting_unit, max(t.as_of) AS as_of,
        (array_agg(t.band ORDER BY t.as_of DESC))[1] AS band,
        (array_agg(t.rate ORDER BY t.as_of DESC))[1] AS rate,
        max(t.as_of) FILTER (WHERE t.band IN ('green', 'amber')) AS better_as_of,
        (array_agg(t.band ORDER BY t.as_of DESC) FILTER (WHERE t.band IN ('green', 'amber')))[1] AS better_band,
        (array_agg(t.rate ORDER BY t.as_of DESC) FILTER (WHERE t.band IN ('green', 'amber')))[1] AS better_rate
    FROM told t GROUP BY t.mart, t.metric, t.metric_name, t.form, t.reporting_unit, t.round
)
SELECT
    u.form,
    u.reporting_unit AS sender,
    CASE WHEN s.form IS NOT NULL THEN u.mart || '.' || u.metric ELSE '' END AS subject,
    jsonb_build_object('before', u.better_band) AS state,
    jsonb_build_object('rate', u.rate, 'as_of', u.as_of, 'rate_before', u.better_rate, 'before_as_of', u.better_as_of)
        || CASE WHEN s.form IS NOT NULL THEN jsonb_build_object('figure', u.metric_name) ELSE '{}' END AS details,
    '{}'::bigint[] AS deliveries
FROM unit u
LEFT JOIN several s ON s.form = u.form
WHERE u.band = 'red' AND u.better_as_of IS NOT NULL AND u.as_of = (SELECT max(t.as_of) FROM told t)
