-- The last export of a sender who owes one every night is older than `nights` working days; «nothing to report» is an answer.
SELECT
    r.form,
    r.sender,
    '' AS subject,
    jsonb_build_object('last', l.as_of) AS state,
    jsonb_build_object('days', ref.working_days_between(l.since, :day)) AS details,
    '{}'::bigint[] AS deliveries
FROM ref.roster_at(:day) r
LEFT JOIN ops.reading_at(:day, 'infinity') h ON h.form = r.form AND h.sender = r.sender
CROSS JOIN LATERAL (
    SELECT greatest(h.as_of, max(s.as_of)) AS as_of,
        coalesce(greatest(h.as_of, max(s.as_of)), make_date(ref.academic_year(:day), 8, 31)) AS since
    FROM ops.statement s
    WHERE s.form = r.form AND s.sender = r.sender AND s.as_of <= :day AND s.withdrawn_at IS NULL
) l
WHERE r.expected = 'day' AND ref.working_days_between(l.since, :day) > :nights
