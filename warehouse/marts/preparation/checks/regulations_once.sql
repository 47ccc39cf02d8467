-- A document stands once, by its number and date.
SELECT r.as_of, r.document_number, r.signed_on, count(*) AS documents
FROM pg_temp.regulations_in_force r
GROUP BY r.as_of, r.document_number, r.signed_on
HAVING count(*) > 1
