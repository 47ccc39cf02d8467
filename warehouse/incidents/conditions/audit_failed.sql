-- A run could not publish because a check found wrong rows, and nothing was published since: the marts are those of before.
-- of: the region, and the installation
SELECT DISTINCT ON (c.name)
    NULL::text AS form,
    NULL::text AS sender,
    c.name AS subject,
    '{}'::jsonb AS state,
    jsonb_strip_nulls(jsonb_build_object('run_id', r.run_id, 'flow_run_id', r.flow_run_id, 'as_of', r.as_of)) AS details,
    '{}'::bigint[] AS deliveries
FROM ops.run r
CROSS JOIN LATERAL (SELECT substring(r.message FROM 'check (\w+) found wrong rows') AS name) c
WHERE r.region IS NOT DISTINCT FROM cast(:region AS text) AND c.name IS NOT NULL AND r.state NOT LIKE 'completed%'
  AND r.started_at > cast(:now AS timestamptz) - make_interval(days => cast(:days AS integer))
  AND NOT EXISTS (SELECT FROM ops.publication p
                  WHERE coalesce(p.region = r.region, true) AND coalesce(p.run_id > r.run_id, p.published_at > r.started_at))
ORDER BY c.name, r.run_id DESC
