-- Rows read = loaded + quarantined + not data, in the reading and in the rows kept of it.
SELECT 'reading ' || r.reading_id AS place,
    format('read %s, loaded %s, quarantined %s, not data %s; kept %s loaded, %s quarantined, %s in all',
           r.rows_read, r.rows_loaded, r.rows_quarantined, r.rows_not_data, k.loaded, k.quarantined, k.kept) AS wrong
FROM ops.reading r
JOIN ref.form f ON f.form = r.form
CROSS JOIN LATERAL (
    SELECT count(*) AS kept, count(*) FILTER (WHERE outcome = 'loaded') AS loaded,
        count(*) FILTER (WHERE outcome = 'quarantined') AS quarantined
    FROM ops.raw_row w WHERE w.reading_id = r.reading_id
) k
WHERE r.rows_read <> r.rows_loaded + r.rows_quarantined + r.rows_not_data
   OR (k.kept > 0 AND NOT EXISTS (SELECT FROM restricted.pupil_reading p WHERE p.reading_id = r.reading_id)
       AND r.form <> ALL (:pupil_forms)
       -- Of a large file that was read by blocks only what is set aside is kept, some of it if it is very much.
       AND NOT (r.form = ANY (:forms_by_blocks) AND k.kept = k.quarantined AND k.kept <= r.rows_quarantined)
       AND (k.kept, k.loaded, k.quarantined) <> (r.rows_read, r.rows_loaded, r.rows_quarantined))
