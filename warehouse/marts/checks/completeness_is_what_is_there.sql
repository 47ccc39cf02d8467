-- A mart that rests on one form that is owed is no more complete than that form, which is compared with what is there.
-- for each mart
SELECT '{mart}' AS mart, m.as_of, m.completeness, r.completeness AS there
FROM (SELECT DISTINCT t.as_of, t.completeness FROM pg_temp.{mart} t) m
JOIN (SELECT DISTINCT o.form, o.as_of, o.completeness FROM pg_temp.reporting_rate o) r ON r.as_of = m.as_of
WHERE m.completeness > r.completeness + 0.000001 AND r.form = (
    SELECT min(f.form) FROM ref.form f
    WHERE f.form = ANY (ARRAY[{forms}]::text[]) AND f.expected NOT IN ('once', 'as_published') HAVING count(*) = 1
)
