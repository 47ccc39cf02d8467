-- What grows towards a plan is much less at a unit than it was in the last `days`: by more than `share`. Of a form of which several
-- marts state a pace each is an incident of its own. Where a mart states what came and went, the nights since then say by what
-- it is less, and how much of it they do not explain.
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
),
fallen AS (
    SELECT l.*, p.counted_on AS was_on, p.counted AS was
    FROM latest l JOIN peak p ON (p.mart, p.reporting_unit) = (l.mart, l.reporting_unit)
    WHERE l.counted < p.counted * (1 - cast(:share AS numeric))
),
flow AS MATERIALIZED (
    SELECT f.* FROM history.flow f
    WHERE f.region = :region AND f.replaced_at = 'infinity' AND f.as_of > (SELECT min(d.was_on) FROM fallen d)
),
-- Figures of a form have one movement: it is of the only mart of the form that states a pace.
moved AS (
    SELECT d.reporting_unit, d.form, f.words, min(f.place) AS place, sum(f.many)::bigint AS many
    FROM fallen d
    JOIN flow f ON f.form = d.form AND f.reporting_unit = d.reporting_unit AND f.as_of > d.was_on AND f.as_of <= d.counted_on
    WHERE d.form NOT IN (SELECT v.form FROM several v)
    GROUP BY d.reporting_unit, d.form, f.words
    HAVING sum(f.many) <> 0
),
named AS (
    SELECT d.reporting_unit, d.form,
        string_agg(e.words || ' ' || CASE WHEN e.many > 0 THEN '+' ELSE '−' END || abs(e.many), ', ' ORDER BY e.many, e.place) AS words
    FROM fallen d
    CROSS JOIN LATERAL (
        SELECT m.words, m.place, m.many FROM moved m WHERE m.form = d.form AND m.reporting_unit = d.reporting_unit
        UNION ALL
        SELECT 'движение неизвестно', 1000, r.many
        FROM (SELECT d.counted - d.was - sum(m.many)::bigint AS many
              FROM moved m WHERE m.form = d.form AND m.reporting_unit = d.reporting_unit) r
        WHERE r.many <> 0
    ) e
    GROUP BY d.reporting_unit, d.form
)
SELECT
    l.form,
    l.reporting_unit AS sender,
    CASE WHEN v.form IS NOT NULL THEN l.mart ELSE '' END AS subject,
    jsonb_build_object('was', l.was) AS state,
    jsonb_build_object('was_on', l.was_on, 'became', l.counted, 'became_on', l.counted_on,
                       'fall_rate', 1 - l.counted::numeric / l.was)
        || CASE WHEN v.form IS NOT NULL THEN jsonb_build_object('figure', l.figure) ELSE '{}' END
        || CASE WHEN n.words IS NOT NULL THEN jsonb_build_object('movement', 'Движение: ' || n.words || '.') ELSE '{}' END AS details,
    '{}'::bigint[] AS deliveries
FROM fallen l
LEFT JOIN several v ON v.form = l.form
LEFT JOIN named n ON n.form = l.form AND n.reporting_unit = l.reporting_unit
