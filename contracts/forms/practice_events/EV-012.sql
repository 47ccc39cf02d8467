-- A row a school, a day and a host with whom its sender's list has no agreement that was valid on that day. A list of
-- agreements that was made before the event says nothing of it.
WITH event AS (
    SELECT h.sender, h.reading_id, f.school_id, f.host_inn, f.host_name, f.held_on
    FROM held h
    CROSS JOIN LATERAL (
        SELECT * FROM core.practice_events_fact e WHERE e.reading_id = h.reading_id AND e.host_inn IS NOT NULL OFFSET 0
    ) f
    WHERE h.form = 'practice_events'
),
agreement AS MATERIALIZED (
    SELECT h.sender, f.partner_inn, f.signed_on, f.valid_to
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.partner_agreements_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'partner_agreements'
)
SELECT e.reading_id, h.reading_id AS other_reading_id, e.school_id,
    format('%s (ИНН %s)', coalesce(max(e.host_name), 'организация'), e.host_inn) AS place,
    to_char(e.held_on, 'DD.MM.YYYY') AS value,
    'соглашение, которое действует в этот день' AS expected, NULL::numeric AS difference
FROM event e
JOIN held h ON h.form = 'partner_agreements' AND h.sender = e.sender AND h.as_of >= e.held_on
WHERE NOT EXISTS (
    SELECT FROM agreement a
    WHERE a.sender = e.sender AND a.partner_inn = e.host_inn
      AND a.signed_on <= e.held_on AND coalesce(a.valid_to >= e.held_on, true)
)
GROUP BY e.reading_id, h.reading_id, e.school_id, e.host_inn, e.held_on
