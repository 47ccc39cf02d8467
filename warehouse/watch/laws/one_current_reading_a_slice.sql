-- Each slice that was ever loaded holds exactly one current reading, that of its newest delivery.
SELECT r.slice AS place, format('%s current readings', count(*) FILTER (WHERE r.status = 'current')) AS wrong
FROM ops.reading r
WHERE r.slice IS NOT NULL AND r.status IN ('current', 'superseded')
  AND EXISTS (SELECT FROM ops.reading_known('infinity') k WHERE k.slice = r.slice)
GROUP BY r.slice
HAVING count(*) FILTER (WHERE r.status = 'current') <> 1
