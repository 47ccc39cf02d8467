-- A run never said how it ended: it is older than `hours`, or another of its kind began long enough after it; and none of its
-- kind has ended well since, for that one did what it left.
-- of: the region, and the installation
SELECT DISTINCT ON (r.kind)
    NULL::text AS form,
    NULL::text AS sender,
    r.kind AS subject,
    '{}'::jsonb AS state,
    jsonb_strip_nulls(jsonb_build_object('run_id', r.run_id, 'flow_run_id', r.flow_run_id, 'as_of', r.as_of)) AS details,
    '{}'::bigint[] AS deliveries
FROM ops.run r
WHERE r.region IS NOT DISTINCT FROM cast(:region AS text) AND r.state = 'running'
  AND (r.started_at < cast(:now AS timestamptz) - make_interval(hours => cast(:hours AS integer))
       OR EXISTS (SELECT FROM ops.run n WHERE n.region IS NOT DISTINCT FROM r.region AND n.kind = r.kind AND n.run_id > r.run_id
                    AND n.started_at > r.started_at + make_interval(mins => cast(:minutes AS integer))))
  AND NOT EXISTS (SELECT FROM ops.run n WHERE n.region IS NOT DISTINCT FROM r.region AND n.kind = r.kind AND n.run_id > r.run_id AND n.state LIKE 'completed%')
ORDER BY r.kind, r.run_id DESC
