-- A regional total of an earlier date is not any more what it was: within `days`, compared with what was published at the
-- end of that day. News of the day itself moves nothing; the first publication of a date neither.
-- needs: history.readiness_by_municipality, history.registration_by_municipality
WITH base AS MATERIALIZED (
    SELECT p.as_of, greatest(
        min(p.published_at),
        (p.as_of + 1)::timestamp AT TIME ZONE 'Asia/Tomsk',
        cast(:now AS timestamptz) - make_interval(days => cast(:days AS integer))
    ) AS at
    FROM ops.publication p WHERE p.as_of < :day
    GROUP BY p.as_of
    HAVING max(p.published_at) > cast(:now AS timestamptz) - make_interval(days => cast(:days AS integer))
),
figure AS (
    SELECT 'readiness_report' AS form, h.as_of, h.published_at, h.replaced_at, e.metric, e.figure
    FROM history.readiness_by_municipality h
    CROSS JOIN LATERAL (VALUES ('schools', h.schools), ('accepted', h.accepted), ('rejected', h.rejected),
                               ('missing', h.missing)) e (metric, figure)
    WHERE h.as_of IN (SELECT b.as_of FROM base b)
    UNION ALL
    SELECT 'registration_export', h.as_of, h.published_at, h.replaced_at, e.metric, e.figure
    FROM history.registration_by_municipality h
    CROSS JOIN LATERAL (VALUES ('plan_pupils', h.plan_pupils), ('actual_pupils', h.actual_pupils)) e (metric, figure)
    WHERE h.as_of IN (SELECT b.as_of FROM base b)
),
total AS (
    SELECT f.form, f.as_of, f.metric,
        sum(f.figure) FILTER (WHERE f.published_at <= b.at AND f.replaced_at > b.at) AS was,
        sum(f.figure) FILTER (WHERE f.replaced_at = 'infinity') AS became
    FROM figure f JOIN base b ON b.as_of = f.as_of
    GROUP BY f.form, f.as_of, f.metric
),
moved AS (
    SELECT t.*, row_number() OVER (PARTITION BY t.form ORDER BY t.as_of DESC, abs(t.became - t.was) DESC NULLS LAST, t.metric)
        AS place
    FROM total t WHERE t.was IS NOT NULL AND t.was IS DISTINCT FROM t.became
)
SELECT
    m.form,
    NULL::text AS sender,
    '' AS subject,
    jsonb_build_object('which', md5(string_agg(
        concat_ws(' ', m.as_of, m.metric, m.became), E'\n' ORDER BY m.as_of, m.metric
    ) FILTER (WHERE m.as_of = l.as_of))) AS state,
    jsonb_build_object('dates', count(DISTINCT m.as_of), 'as_of', l.as_of, 'totals', jsonb_agg(
        jsonb_build_object('metric', m.metric, 'was', m.was, 'became', m.became) ORDER BY m.place
    ) FILTER (WHERE m.as_of = l.as_of)) AS details,
    '{}'::bigint[] AS deliveries
FROM moved m
JOIN (SELECT o.form, max(o.as_of) AS as_of FROM moved o GROUP BY o.form) l ON l.form = m.form
GROUP BY m.form, l.as_of
