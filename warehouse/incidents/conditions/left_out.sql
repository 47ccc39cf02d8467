-- The last look at the inbox found what it could not take in, and it is not for the sender to mend.
-- of: the installation
SELECT
    NULL::text AS form,
    NULL::text AS sender,
    o.rule AS subject,
    jsonb_build_object('which', md5(string_agg(o.inbox_path, ' ' ORDER BY o.inbox_path))) AS state,
    jsonb_build_object('files', count(*), 'first', min(o.place)) AS details,
    '{}'::bigint[] AS deliveries
FROM ops.left_out o
WHERE o.rule <> 'COM-080'
GROUP BY o.rule
