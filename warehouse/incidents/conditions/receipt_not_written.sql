-- A run has ended, and what it read has no receipt in the outbox.
WITH owed AS (
    SELECT d.sha256, coalesce(r.sender, 'unknown_sender') AS place
    FROM ops.reading r
    JOIN ops.delivery d ON d.delivery_id = r.delivery_id
    JOIN ops.run u ON u.run_id = r.run_id AND u.state <> 'running' AND u.state <> 'crashed'
    WHERE r.region = :region AND r.answered_at IS NULL AND ops.came_of_run(r.status)
      AND NOT EXISTS (SELECT FROM ops.reading n WHERE n.delivery_id = r.delivery_id AND n.reading_id > r.reading_id
                        AND ops.came_of_run(n.status))
)
SELECT
    NULL::text AS form,
    NULL::text AS sender,
    '' AS subject,
    jsonb_build_object('which', md5(string_agg(o.sha256, ' ' ORDER BY o.sha256))) AS state,
    jsonb_build_object('receipts', count(*), 'first', min(o.place || '/' || left(o.sha256, 7))) AS details,
    '{}'::bigint[] AS deliveries
FROM owed o
HAVING count(*) > 0
