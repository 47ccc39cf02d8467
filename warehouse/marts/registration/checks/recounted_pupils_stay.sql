-- Pupils who are counted otherwise stand in another school or grade, and are as many as before: of all cells together, those of
-- schools in no register too, which no mart shows, nothing is recounted. What is recounted of a cell is what its flows do not
-- explain, so this is where a flow that was counted wrongly, or that a mart forgets, is seen.
SELECT d.as_of, d.recounted + coalesce(o.recounted, 0) AS recounted
FROM (
    SELECT m.as_of, sum(m.pupils_recounted) AS recounted FROM pg_temp.registration_movement m
    WHERE m.movement_status = 'compared' GROUP BY m.as_of HAVING sum(m.pupils_recounted) <> 0
) d
CROSS JOIN LATERAL (
    SELECT sum(CASE WHEN m.movement IN ('opening', 'came', 'verified', 'restored', 'moved_in', 'grade_in') THEN -m.pupils ELSE m.pupils END)
        AS recounted
    FROM core.movement_at(:region, d.as_of, :known_at) m
    WHERE NOT EXISTS (SELECT FROM ref.school_at(:region, d.as_of, :known_at) s WHERE s.school_id = m.school_id)
) o
WHERE d.recounted + coalesce(o.recounted, 0) <> 0
