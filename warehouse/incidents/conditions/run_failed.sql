-- A run ended badly in the last `days`, and none of its kind has ended well since.
-- of: the region, and the installation
SELECT DISTINCT ON (r.kind)
    NULL::text AS form,
    NULL::text AS sender,
    r.kind AS subject,
    jsonb_build_object('state', r.state) AS state,
    jsonb_strip_nulls(jsonb_build_object('run_id', r.run_id, 'flow_run_id', r.flow_run_id, 'as_of', r.as_of,
                                         'message', r.message)) AS details,
    '{}'::bigint[] AS deliveries
FROM ops.run r
WHERE r.region IS NOT DISTINCT FROM cast(:region AS text) AND r.state <> 'running' AND r.state NOT LIKE 'completed%' AND coalesce(r.message, '') NOT LIKE '%found wrong rows%'
  AND r.started_at > cast(:now AS timestamptz) - make_interval(days => cast(:days AS integer))
  AND NOT EXISTS (SELECT FROM ops.run n WHERE n.region IS NOT DISTINCT FROM r.region AND n.kind = r.kind AND n.run_id > r.run_id AND n.state LIKE 'completed%')
ORDER BY r.kind, r.run_id DESC
