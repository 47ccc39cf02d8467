-- A delivery waits for an officer's decision: it would take away too much of what stands. One for each sender and form, the
-- newest that waits. It closes when that is decided, or when a newer delivery counts.
SELECT DISTINCT ON (r.form, r.sender)
    r.form,
    r.sender,
    '' AS subject,
    jsonb_build_object('delivery_id', r.delivery_id) AS state,
    jsonb_build_object('file', d.file_name, 'as_of', r.as_of, 'why', g.why) AS details,
    ARRAY[r.delivery_id] AS deliveries
FROM ops.reading r
JOIN ops.delivery d ON d.delivery_id = r.delivery_id
CROSS JOIN LATERAL (
    SELECT string_agg(trim(replace(replace(e.message, u.what, ''), u.mend, '')), ' ' ORDER BY e.finding_id) AS why
    FROM ops.finding e JOIN ref.rule u ON u.rule = e.rule
    WHERE e.reading_id = r.reading_id AND e.rule = ANY (cast(:holds AS text[]))
) g
WHERE r.region = :region AND r.status = 'held'
ORDER BY r.form, r.sender, d.counts_at DESC, r.reading_id DESC
