-- Each version of a pupil's row is of a reading, and the last export of each series has as many as were loaded of it.
WITH version AS (
    SELECT series_id, first_reading, gone_reading, count(*) AS rows FROM restricted.pupil_version
    GROUP BY series_id, first_reading, gone_reading
)
SELECT 'pupils of series ' || v.series_id AS place,
    format('%s rows from reading %s to %s are of no reading', v.rows, v.first_reading, v.gone_reading) AS wrong
FROM version v
WHERE NOT EXISTS (
    SELECT FROM restricted.pupil_reading r
    WHERE r.series_id = v.series_id AND r.reading_id >= v.first_reading
      AND (v.gone_reading IS NULL OR r.reading_id < v.gone_reading))
UNION ALL
SELECT 'reading ' || l.reading_id, format('loaded %s pupil rows, kept %s', r.rows_loaded, k.kept)
FROM (SELECT series_id, max(reading_id) AS reading_id FROM restricted.pupil_reading GROUP BY series_id) l
JOIN ops.reading r ON r.reading_id = l.reading_id
CROSS JOIN LATERAL (
    SELECT coalesce(sum(v.rows), 0) AS kept FROM version v WHERE v.series_id = l.series_id AND v.gone_reading IS NULL
) k
WHERE r.rows_loaded <> k.kept
