-- Everybody who owes something until a day has one row, and it says of receipt what the deliveries say.
SELECT h.as_of, h.form, h.sender, h.is_received, h.status, r.received, r.nothing_to_report
FROM pg_temp.delivery_health h
LEFT JOIN pg_temp.reporting_rate r ON r.as_of = h.as_of AND r.form = h.form AND r.sender = h.sender
WHERE h.is_expected AND h.deadline IS NOT NULL
  AND (r.sender IS NULL OR h.is_received <> (r.received = 1)
       OR (h.status = 'nothing_to_report') <> (r.nothing_to_report = 1))
UNION ALL
SELECT r.as_of, r.form, r.sender, NULL, NULL, count(*), NULL FROM pg_temp.reporting_rate r
GROUP BY r.as_of, r.form, r.sender HAVING count(*) > 1
