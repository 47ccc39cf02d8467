-- Deliveries were archived, and at least one run that began after it has ended well without reading them: one of the region
-- whose run archived them, since runs of another do not read them.
-- of: the installation
SELECT
    NULL::text AS form,
    NULL::text AS sender,
    '' AS subject,
    jsonb_build_object('which', md5(string_agg(d.sha256, ' ' ORDER BY d.sha256))) AS state,
    jsonb_build_object('deliveries_count', count(*), 'first', left(min(d.sha256), 7)) AS details,
    '{}'::bigint[] AS deliveries
FROM ops.delivery d
LEFT JOIN LATERAL (SELECT r.region FROM ops.arrival a JOIN ops.run r ON r.run_id = a.run_id
                   WHERE a.delivery_id = d.delivery_id ORDER BY a.arrival_id DESC LIMIT 1) w ON true
WHERE d.same_as IS NULL
  AND NOT EXISTS (SELECT FROM ops.reading r WHERE r.delivery_id = d.delivery_id AND ops.came_of_run(r.status))
  AND NOT EXISTS (SELECT FROM ops.arrival a WHERE a.container_id = d.delivery_id)
  AND NOT EXISTS (SELECT FROM ops.statement s WHERE s.delivery_id = d.delivery_id)
  AND NOT EXISTS (SELECT FROM ops.returned_receipt e WHERE e.delivery_id = d.delivery_id AND e.is_alone)
  AND NOT EXISTS (SELECT FROM ops.purged p WHERE p.delivery_id = d.delivery_id)
  AND EXISTS (SELECT FROM ops.run n
              WHERE n.kind IN ('nightly', 'inbox') AND n.state LIKE 'completed%' AND n.started_at > d.archived_at
                AND n.region IS NOT DISTINCT FROM coalesce(w.region, n.region))
HAVING count(*) > 0
