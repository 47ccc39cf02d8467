-- No reading is left unfinished, and a proposed one belongs to a backfill that is still open.
SELECT 'reading ' || r.reading_id AS place, r.status AS wrong
FROM ops.reading r
LEFT JOIN ops.backfill b ON b.backfill_id = r.backfill_id
WHERE r.status = 'unfinished' OR (r.status = 'proposed' AND coalesce(b.status, '') NOT IN ('planning', 'planned'))
