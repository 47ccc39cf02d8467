-- A refused reading has no facts.
SELECT 'reading ' || r.reading_id AS place, 'refused, but has outcomes of schools or totals' AS wrong
FROM ops.reading r
WHERE r.verdict = 'refused'
  AND (EXISTS (SELECT FROM core.school_outcome_fact o WHERE o.reading_id = r.reading_id)
       OR EXISTS (SELECT FROM core.control_total_fact t WHERE t.reading_id = r.reading_id))
