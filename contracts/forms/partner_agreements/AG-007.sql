-- A row a school whose report states more agreements than its sender's list has for it or for the whole territory.
-- An agreement that had ended by the date of the list is none; one that is listed for the territory and for the school is one.
WITH listed AS (
    SELECT h.sender, h.reading_id, h.as_of FROM held h WHERE h.form = 'partner_agreements'
),
valid AS MATERIALIZED (
    SELECT l.sender, f.school_id, f.partner_inn, f.agreement_number
    FROM listed l
    CROSS JOIN LATERAL (SELECT * FROM core.partner_agreements_fact e WHERE e.reading_id = l.reading_id OFFSET 0) f
    WHERE coalesce(f.valid_to >= l.as_of, true)
),
agreement AS MATERIALIZED (
    SELECT v.sender, v.school_id, count(*) AS agreements
    FROM valid v
    WHERE v.school_id IS NULL OR NOT EXISTS (
        SELECT FROM valid w
        WHERE w.sender = v.sender AND w.school_id IS NULL AND w.partner_inn = v.partner_inn
          AND w.agreement_number = v.agreement_number
    )
    GROUP BY v.sender, v.school_id
),
stated AS (
    SELECT l.reading_id, h.reading_id AS other_reading_id, f.school_id, f.partner_agreements,
        coalesce(s.agreements, 0) + coalesce(t.agreements, 0) AS agreements
    FROM listed l
    JOIN held h ON h.form = 'readiness_report' AND h.sender = l.sender
        AND ref.academic_year(h.as_of + 31) = ref.academic_year(l.as_of)
    CROSS JOIN LATERAL (SELECT * FROM core.readiness_report_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    LEFT JOIN agreement s ON s.sender = l.sender AND s.school_id = f.school_id
    LEFT JOIN agreement t ON t.sender = l.sender AND t.school_id IS NULL
)
SELECT reading_id, other_reading_id, school_id, NULL AS place, agreements::text AS value,
    format('не меньше %s', partner_agreements) AS expected, agreements - partner_agreements AS difference
FROM stated WHERE agreements < partner_agreements
