-- A form and its sender stand once in a mart of senders.
-- for each mart by form, sender
SELECT '{mart}' AS mart, as_of, {key}, count(*) AS times FROM pg_temp.{mart}
GROUP BY as_of, {key} HAVING count(*) > 1
