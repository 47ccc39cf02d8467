-- A sender and a form stand once among the deliveries.
SELECT as_of, form, sender, count(*) AS times FROM pg_temp.delivery_health
GROUP BY as_of, form, sender HAVING count(*) > 1
