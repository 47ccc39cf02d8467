-- At the pace of the last `window_days` a unit reaches its plan after the end of the academic year, or never. It takes counts at
-- least `least_days` apart to speak of a pace. Of a form of which several marts state one each is an incident of its own.
WITH told AS (
    SELECT p.* FROM history.pace p
    WHERE p.region = :region AND p.as_of <= :day AND p.as_of > make_date(ref.academic_year(:day), 8, 31) AND p.counted IS NOT NULL
),
several AS (SELECT t.form FROM told t GROUP BY t.form HAVING count(DISTINCT t.mart) > 1),
latest AS (
    SELECT t.*,
        make_date(ref.academic_year(:day) + 1, cast(:end_month AS integer), cast(:end_day AS integer)) AS ends_on
    FROM told t WHERE t.as_of = (SELECT max(o.as_of) FROM told o)
),
first AS (
    SELECT DISTINCT ON (t.mart, t.reporting_unit) t.mart, t.reporting_unit, t.counted_on, t.counted
    FROM latest l
    JOIN told t ON (t.mart, t.reporting_unit) = (l.mart, l.reporting_unit)
        AND t.counted_on >= l.counted_on - cast(:window_days AS integer)
    ORDER BY t.mart, t.reporting_unit, t.counted_on, t.as_of
),
pace AS (
    SELECT l.*, (l.counted - f.counted)::numeric AS gained, l.counted_on - f.counted_on AS days
    FROM latest l
    JOIN first f ON (f.mart, f.reporting_unit) = (l.mart, l.reporting_unit)
    WHERE l.counted < l.planned AND l.counted_on - f.counted_on >= :least_days AND :day <= l.ends_on
),
forecast AS (
    SELECT p.*, CASE WHEN p.gained > 0 THEN
        p.counted_on + least(ceil((p.planned - p.counted) * p.days / p.gained), 36500)::integer END AS reached_on
    FROM pace p
)
SELECT
    f.form,
    f.reporting_unit AS sender,
    CASE WHEN v.form IS NOT NULL THEN f.mart ELSE '' END AS subject,
    '{}'::jsonb AS state,
    jsonb_build_object('a_week', round(7 * f.gained / f.days, 1), 'reached_on', f.reached_on, 'ends_on', f.ends_on,
                       'counted', f.counted, 'planned', f.planned)
        || CASE WHEN v.form IS NOT NULL THEN jsonb_build_object('figure', f.figure) ELSE '{}' END AS details,
    '{}'::bigint[] AS deliveries
FROM forecast f
LEFT JOIN several v ON v.form = f.form
WHERE f.reached_on > f.ends_on OR f.reached_on IS NULL
