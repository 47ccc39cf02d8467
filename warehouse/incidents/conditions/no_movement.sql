-- What grows towards a plan stands still at a unit for `days`, and the plan is not reached yet. Of a form of which several marts
-- state a pace each is an incident of its own.
WITH told AS (
    SELECT p.* FROM history.pace p
    WHERE p.region = :region AND p.as_of <= :day AND p.as_of > make_date(ref.academic_year(:day), 8, 31) AND p.counted IS NOT NULL
),
several AS (SELECT t.form FROM told t GROUP BY t.form HAVING count(DISTINCT t.mart) > 1),
latest AS (SELECT t.* FROM told t WHERE t.as_of = (SELECT max(o.as_of) FROM told o)),
other AS (
    SELECT l.mart, l.reporting_unit, max(t.counted_on) AS counted_on
    FROM latest l
    JOIN told t ON (t.mart, t.reporting_unit) = (l.mart, l.reporting_unit) AND t.counted <> l.counted
    GROUP BY l.mart, l.reporting_unit
),
still AS (
    SELECT t.mart, t.reporting_unit, min(t.counted_on) AS since
    FROM told t LEFT JOIN other o ON (o.mart, o.reporting_unit) = (t.mart, t.reporting_unit)
    WHERE t.counted_on > coalesce(o.counted_on, '-infinity')
    GROUP BY t.mart, t.reporting_unit
)
SELECT
    l.form,
    l.reporting_unit AS sender,
    CASE WHEN v.form IS NOT NULL THEN l.mart ELSE '' END AS subject,
    jsonb_build_object('counted', l.counted) AS state,
    jsonb_build_object('since', s.since, 'days', l.counted_on - s.since, 'planned', l.planned)
        || CASE WHEN v.form IS NOT NULL THEN jsonb_build_object('figure', l.figure) ELSE '{}' END AS details,
    '{}'::bigint[] AS deliveries
FROM latest l
JOIN still s ON (s.mart, s.reporting_unit) = (l.mart, l.reporting_unit)
LEFT JOIN several v ON v.form = l.form
WHERE l.counted < l.planned AND l.counted_on - s.since >= :days
  AND :day <= make_date(ref.academic_year(:day) + 1, cast(:end_month AS integer), cast(:end_day AS integer))
