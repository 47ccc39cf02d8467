-- Agreements of a sender that end within `days` days, while no other agreement with the same partner goes on.
WITH agreement AS (
    SELECT h.sender, h.delivery_id, f.partner_inn, max(f.partner_name) AS partner_name, f.agreement_number,
        max(coalesce(f.valid_to, 'infinity')) AS valid_to
    FROM ops.reading_at(:region, :day, 'infinity') h
    CROSS JOIN LATERAL (
        SELECT * FROM core.partner_agreements_fact e
        WHERE e.reading_id = h.reading_id AND e.signed_on <= :day AND coalesce(e.valid_to >= :day, true) OFFSET 0
    ) f
    WHERE h.form = 'partner_agreements'
    GROUP BY h.sender, h.delivery_id, f.partner_inn, f.agreement_number
),
ending AS (
    SELECT a.*, row_number() OVER (PARTITION BY a.sender ORDER BY a.valid_to, a.partner_inn, a.agreement_number) AS place
    FROM agreement a
    WHERE a.valid_to <= cast(:day AS date) + cast(:days AS integer)
      AND NOT EXISTS (
          SELECT FROM agreement o WHERE o.sender = a.sender AND o.partner_inn = a.partner_inn AND o.valid_to > a.valid_to
      )
)
SELECT
    'partner_agreements' AS form,
    e.sender,
    '' AS subject,
    jsonb_build_object('which', md5(string_agg(concat(e.partner_inn, ' ', e.agreement_number), ',' ORDER BY e.place))) AS state,
    jsonb_build_object('agreements', count(*), 'first_on', min(e.valid_to),
        'names', string_agg(coalesce(e.partner_name, e.partner_inn), '; ' ORDER BY e.place) FILTER (WHERE e.place <= 5)
            || CASE WHEN count(*) > 5 THEN format(' и ещё %s', count(*) - 5) ELSE '' END) AS details,
    array_agg(DISTINCT e.delivery_id) AS deliveries
FROM ending e
GROUP BY e.sender
