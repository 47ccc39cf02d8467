-- What was to be destroyed is: each purge was finished and attested, and no pupil row of its deliveries is left.
SELECT 'delivery ' || p.delivery_id AS place, 'its destruction was begun and not finished: profmin purge' AS wrong
FROM ops.purged p WHERE p.act IS NULL
UNION ALL
SELECT 'reading ' || r.reading_id, 'has pupil rows of a delivery that was destroyed'
FROM ops.purged p
JOIN ops.reading r ON r.delivery_id = p.delivery_id
JOIN restricted.pupil_reading h ON h.reading_id = r.reading_id
