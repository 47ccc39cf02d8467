-- A regional total of an earlier date is not any more what it was: within `days`, compared with what was published at the
-- end of that day. News of the day itself moves nothing; the first publication of a date neither. Of the last of these dates
-- the movement says, where a mart states it, what came and went otherwise than it was told: where nothing
-- was told of it then, or is now, nobody knows what changed.
WITH base AS MATERIALIZED (
    SELECT p.as_of, greatest(
        min(p.published_at),
        (p.as_of + 1)::timestamp AT TIME ZONE ref.region_time_zone(:region),
        cast(:now AS timestamptz) - make_interval(days => cast(:days AS integer))
    ) AS at
    FROM ops.publication p WHERE p.region = :region AND p.as_of < :day
    GROUP BY p.as_of
    HAVING max(p.published_at) > cast(:now AS timestamptz) - make_interval(days => cast(:days AS integer))
),
total AS (
    SELECT f.form, f.mart, f.as_of, f.metric,
        sum(f.figure::bigint) FILTER (WHERE f.published_at <= b.at AND f.replaced_at > b.at) AS was,
        sum(f.figure::bigint) FILTER (WHERE f.replaced_at = 'infinity') AS became
    FROM history.figure f
    JOIN base b ON b.as_of = f.as_of
    WHERE f.region = :region AND f.kind = 'measure' AND f.grain = 'unit'
    GROUP BY f.form, f.mart, f.as_of, f.metric
),
moved AS (
    SELECT t.*, row_number() OVER (PARTITION BY t.form ORDER BY t.as_of DESC, abs(t.became - t.was) DESC NULLS LAST, t.metric, t.mart)
        AS place
    FROM total t WHERE t.was IS NOT NULL AND t.was IS DISTINCT FROM t.became
),
last AS (SELECT o.form, max(o.as_of) AS as_of FROM moved o GROUP BY o.form),
flow AS (
    SELECT f.form, f.words, min(f.place) AS place,
        sum(f.many) FILTER (WHERE f.replaced_at = 'infinity')
            - sum(f.many) FILTER (WHERE f.published_at <= b.at AND f.replaced_at > b.at) AS many
    FROM history.flow f
    JOIN last l ON l.form = f.form AND l.as_of = f.as_of
    JOIN base b ON b.as_of = f.as_of
    WHERE f.region = :region
    GROUP BY f.form, f.words
),
named AS (
    SELECT f.form, string_agg(
        f.words || ' ' || CASE WHEN f.many > 0 THEN '+' ELSE '−' END || abs(f.many), ', ' ORDER BY f.many, f.place
    ) AS words
    FROM flow f WHERE f.many <> 0 GROUP BY f.form
)
SELECT
    m.form,
    NULL::text AS sender,
    '' AS subject,
    jsonb_build_object('which', md5(string_agg(
        concat_ws(' ', m.as_of, m.metric, m.became), E'\n' ORDER BY m.as_of, m.metric, m.mart
    ) FILTER (WHERE m.as_of = l.as_of))) AS state,
    jsonb_build_object('dates', count(DISTINCT m.as_of), 'as_of', l.as_of, 'totals', jsonb_agg(
        jsonb_build_object('metric', m.metric, 'was', m.was, 'became', m.became) ORDER BY m.place
    ) FILTER (WHERE m.as_of = l.as_of))
        || CASE WHEN n.words IS NOT NULL THEN jsonb_build_object('movement', 'Движение за эту дату изменилось: ' || n.words || '.')
           ELSE '{}' END AS details,
    '{}'::bigint[] AS deliveries
FROM moved m
JOIN last l ON l.form = m.form
LEFT JOIN named n ON n.form = m.form
GROUP BY m.form, l.as_of, n.words
