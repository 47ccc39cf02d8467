-- Completeness is a share, and what is final has something of what is owed.
-- for each mart
SELECT DISTINCT '{mart}' AS mart, as_of, completeness, is_final FROM pg_temp.{mart}
WHERE completeness NOT BETWEEN 0 AND 1 OR is_final IS NULL OR (is_final AND coalesce(completeness, 0) = 0)
