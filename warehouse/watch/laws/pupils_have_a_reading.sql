-- Each partition of pupil rows belongs to a reading of that number.
SELECT c.relname::text AS place, 'a partition without a reading' AS wrong
FROM pg_class c
WHERE c.relnamespace = 'restricted'::regnamespace AND c.relname ~ '^pupil_fact_\d+$'
  AND NOT EXISTS (SELECT FROM ops.reading r WHERE r.reading_id = substring(c.relname FROM '\d+$')::bigint)
