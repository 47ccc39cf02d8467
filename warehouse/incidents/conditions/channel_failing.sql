-- Messages of the last `days` by a channel were given up, or were tried `attempts` times in vain, and none went out since.
-- of: the installation
SELECT
    NULL::text AS form,
    NULL::text AS sender,
    m.channel AS subject,
    '{}'::jsonb AS state,
    jsonb_build_object('messages', count(*), 'recipients', count(DISTINCT m.recipient)) AS details,
    '{}'::bigint[] AS deliveries
FROM ops.message m
WHERE (m.outcome = 'failed' OR m.outcome = 'waiting' AND m.attempts >= :attempts)
  AND m.tried_at > cast(:now AS timestamptz) - make_interval(days => cast(:days AS integer))
  AND NOT EXISTS (SELECT FROM ops.message s
                  WHERE s.channel = m.channel AND s.recipient = m.recipient AND s.sent_at > m.tried_at)
GROUP BY m.channel
