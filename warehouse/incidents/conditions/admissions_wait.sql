-- Figures of admissions that hold have warnings whose explanations nobody has accepted: their years are shown in grey until
-- then. One for the table of a sender; it closes when all are accepted, or when a table without them comes.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.delivery_id, h.form, h.sender FROM ops.reading_at(:region, :day, 'infinity') h WHERE h.form = 'admissions'
),
accepted AS MATERIALIZED (
    SELECT x.finding_id FROM ops.explained_at(:region, ARRAY(SELECT h.reading_id FROM held h), 'infinity') x
    WHERE x.decision = 'accepted'
)
SELECT
    h.form,
    h.sender,
    '' AS subject,
    jsonb_build_object('warnings', count(*), 'years', string_agg(DISTINCT substring(f.row_key FROM '\d{4}'), ', ')) AS state,
    '{}'::jsonb AS details,
    array_agg(DISTINCT h.delivery_id) AS deliveries
FROM held h
CROSS JOIN LATERAL (SELECT * FROM ops.finding e WHERE e.reading_id = h.reading_id AND e.severity = 'warning' OFFSET 0) f
WHERE f.scope = 'row' AND f.row_key IS NOT NULL AND f.finding_id NOT IN (SELECT a.finding_id FROM accepted a)
GROUP BY h.form, h.sender
