-- The deadline of a campaign, an academic year or the month that is over passed more than `days` working days ago, and a
-- sender sent nothing that counts and stated nothing. What is missing of a month is told until the next one is over.
-- follows from: campaigns, calendar, senders
SELECT
    r.form,
    r.sender,
    coalesce(r.campaign, to_char(r.owed_from, CASE r.expected WHEN 'month' THEN 'YYYY-MM' ELSE 'YYYY' END)) AS subject,
    '{}'::jsonb AS state,
    jsonb_build_object('deadline', r.deadline, 'days', ref.working_days_between(:region, r.deadline, :day)) AS details,
    '{}'::bigint[] AS deliveries
FROM ref.roster_now(:region, :day) r
WHERE r.expected <> 'day' AND ref.working_days_between(:region, r.deadline, :day) > :days
  AND NOT EXISTS (SELECT FROM ops.reading_owed(:region, :day, 'infinity') h WHERE h.form = r.form AND h.sender = r.sender)
  AND NOT EXISTS (SELECT FROM ops.statement s
                  WHERE s.form = r.form AND s.sender = r.sender AND s.withdrawn_at IS NULL
                    AND (s.campaign = r.campaign OR r.campaign IS NULL AND s.as_of = r.owed_from))
