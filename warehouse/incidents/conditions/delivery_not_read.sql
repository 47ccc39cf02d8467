-- Deliveries were archived, and at least one run that began after it has ended well without reading them.
-- of: the installation
SELECT
    NULL::text AS form,
    NULL::text AS sender,
    '' AS subject,
    jsonb_build_object('which', md5(string_agg(d.sha256, ' ' ORDER BY d.sha256))) AS state,
    jsonb_build_object('deliveries_count', count(*), 'first', left(min(d.sha256), 7)) AS details,
    '{}'::bigint[] AS deliveries
FROM ops.delivery d
WHERE d.same_as IS NULL
  AND NOT EXISTS (SELECT FROM ops.reading r WHERE r.delivery_id = d.delivery_id AND ops.came_of_run(r.status))
  AND NOT EXISTS (SELECT FROM ops.arrival a WHERE a.container_id = d.delivery_id)
  AND NOT EXISTS (SELECT FROM ops.statement s WHERE s.delivery_id = d.delivery_id)
  AND NOT EXISTS (SELECT FROM ops.purged p WHERE p.delivery_id = d.delivery_id)
  AND EXISTS (SELECT FROM ops.run n
              WHERE n.kind IN ('nightly', 'inbox') AND n.state LIKE 'completed%' AND n.started_at > d.archived_at)
HAVING count(*) > 0
