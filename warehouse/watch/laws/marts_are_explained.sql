-- Every mart and each of its columns has a comment.
SELECT 'mart.' || c.relname || coalesce('.' || a.attname, '') AS place, 'no comment' AS wrong
FROM pg_class c
JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind IN ('r', 'v')
  AND (col_description(c.oid, a.attnum) IS NULL OR obj_description(c.oid) IS NULL)
