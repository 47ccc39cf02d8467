-- Each delivery that was archived has been read, or waits for the next run, or is a statement, or a receipt with nothing but explanations; of a zip archive the files in it.
SELECT d.file_name || ' ' || left(d.sha256, 8) AS place, 'no finished reading' AS wrong
FROM ops.delivery d
WHERE d.same_as IS NULL
  AND NOT EXISTS (SELECT FROM ops.reading r WHERE r.delivery_id = d.delivery_id AND ops.came_of_run(r.status))
  AND NOT EXISTS (SELECT FROM ops.arrival a WHERE a.container_id = d.delivery_id)
  AND NOT EXISTS (SELECT FROM ops.statement n WHERE n.delivery_id = d.delivery_id)
  AND NOT EXISTS (SELECT FROM ops.returned_receipt e WHERE e.delivery_id = d.delivery_id AND e.is_alone)
