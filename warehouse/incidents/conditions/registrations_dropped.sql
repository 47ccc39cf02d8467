-- What grows towards a plan is much less at a unit than it was in the last `days`: by more than `share`. Of a form of which several
-- marts state a pace each is an incident of its own.
WITH told AS (
    SELECT p.* FROM history.pace p
    WHERE p.region = :region AND p.as_of <= :day AND p.as_of > make_date(ref.academic_year(:day), 8, 31) AND p.counted IS NOT NULL
),
several AS (SELECT t.form FROM told t GROUP BY t.form HAVING count(DISTINCT t.mart) > 1),
latest AS (SELECT t.* FROM told t WHERE t.as_of = (SELECT max(o.as_of) FROM told o)),
peak AS (
    SELECT DISTINCT ON (t.mart, t.reporting_unit) t.mart, t.reporting_unit, t.counted_on, t.counted
    FROM latest l
    JOIN told t ON (t.mart, t.reporting_unit) = (l.mart, l.reporting_unit)
        AND t.counted_on >= l.counted_on - cast(:days AS integer)
    ORDER BY t.mart, t.reporting_unit, t.counted DESC, t.counted_on DESC
)
SELECT
    l.form,
    l.reporting_unit AS sender,
    CASE WHEN v.form IS NOT NULL THEN l.mart ELSE '' END AS subject,
    jsonb_build_object('was', p.counted) AS state,
    jsonb_build_object('was_on', p.counted_on, 'became', l.counted, 'became_on', l.counted_on,
                       'fall_rate', 1 - l.counted::numeric / p.counted)
        || CASE WHEN v.form IS NOT NULL THEN jsonb_build_object('figure', l.figure) ELSE '{}' END AS details,
    '{}'::bigint[] AS deliveries
FROM latest l
JOIN peak p ON (p.mart, p.reporting_unit) = (l.mart, l.reporting_unit)
LEFT JOIN several v ON v.form = l.form
WHERE l.counted < p.counted * (1 - cast(:share AS numeric))
