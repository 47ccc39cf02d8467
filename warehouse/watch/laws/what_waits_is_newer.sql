-- What waits for a decision came after what its slice holds: what came before it waits no more.
SELECT 'reading ' || h.reading_id AS place, format('waits, although reading %s of a newer delivery counts', c.reading_id) AS wrong
FROM ops.reading h
JOIN ops.delivery d ON d.delivery_id = h.delivery_id
JOIN ops.reading c ON c.slice = h.slice AND c.status = 'current'
JOIN ops.delivery n ON n.delivery_id = c.delivery_id
WHERE h.status = 'held' AND (n.counts_at, n.delivery_id) > (d.counts_at, d.delivery_id)
