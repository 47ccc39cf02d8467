-- The last export of a sender who owes one every night is older than `nights` working days; «nothing to report» is an answer.
-- The days are those of this academic year: in summer nobody is late. `profmin status` and `freshness` ask this SELECT too.
-- follows from: calendar, senders
SELECT
    r.form,
    r.sender,
    '' AS subject,
    jsonb_build_object('last', l.as_of) AS state,
    jsonb_build_object('days', d.days) AS details,
    '{}'::bigint[] AS deliveries
FROM ref.roster_now(:region, :day) r
CROSS JOIN LATERAL (
    SELECT greatest(
        (SELECT max(h.as_of) FROM ops.reading h
         WHERE h.form = r.form AND h.sender = r.sender AND h.status = 'current' AND h.slice IS NOT NULL AND h.as_of <= :day),
        (SELECT max(s.as_of) FROM ops.statement s
         WHERE s.form = r.form AND s.sender = r.sender AND s.as_of <= :day AND s.withdrawn_at IS NULL)
    ) AS as_of
) l
CROSS JOIN LATERAL (
    SELECT ref.working_days_between(:region, greatest(l.as_of, make_date(ref.academic_year(:day), 8, 31)), :day) AS days
) d
WHERE r.expected = 'day' AND d.days > :nights
