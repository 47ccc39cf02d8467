-- The deadline of a campaign passed more than `days` working days ago, and a sender sent nothing that counts and stated nothing.
-- follows from: campaigns, calendar, senders
SELECT
    r.form,
    r.sender,
    r.campaign AS subject,
    '{}'::jsonb AS state,
    jsonb_build_object('deadline', r.deadline, 'days', ref.working_days_between(r.deadline, :day)) AS details,
    '{}'::bigint[] AS deliveries
FROM ref.roster_now(:day) r
WHERE r.expected = 'campaign' AND ref.working_days_between(r.deadline, :day) > :days
  AND NOT EXISTS (SELECT FROM ops.reading_at(:day, 'infinity') h WHERE h.form = r.form AND h.sender = r.sender)
  AND NOT EXISTS (SELECT FROM ops.statement s
                  WHERE s.form = r.form AND s.sender = r.sender AND s.campaign = r.campaign AND s.withdrawn_at IS NULL)
