-- The last look at the inbox left files of a sender there: more came than it may send in a day.
-- of: the region, and the installation
SELECT
    NULL::text AS form,
    s.sender,
    coalesce(o.sender_folder, '') AS subject,
    '{}'::jsonb AS state,
    jsonb_build_object('files', count(*), 'first', min(o.place)) AS details,
    '{}'::bigint[] AS deliveries
FROM ops.left_out o
LEFT JOIN ref.sender s ON s.sender = o.sender_folder
WHERE o.rule = 'COM-080' AND s.region IS NOT DISTINCT FROM cast(:region AS text)
GROUP BY s.sender, o.sender_folder
