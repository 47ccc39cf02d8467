-- The region's pupils of a year are those of its units and of schools in no register; who counts in the last export is who is
-- registered by its facts. This is where a pupil counted twice, or forgotten, is seen. Exports of two senders have their own
-- pupils by their facts, and one pupil of both is one here: they are not compared.
SELECT w.as_of, w.counted, w.registered, w.pupils, w.of_units
FROM (
    SELECT d.as_of, j.counted, j.pupils,
        (SELECT count(*) FROM ops.reading_at(:region, d.as_of, :known_at) h WHERE h.form = 'registration_export') AS exports,
        (SELECT sum(o.pupils) FROM core.pupil_journey o WHERE o.reading_id = j.reading_id AND o.made_of = j.made_of AND o.grain = 'unit') AS of_units,
        (SELECT sum(f.actual_pupils) FROM ops.reading_at(:region, d.as_of, :known_at) h
         CROSS JOIN LATERAL (SELECT * FROM core.registration_export_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
         WHERE h.form = 'registration_export') AS registered
    FROM (SELECT DISTINCT m.as_of FROM pg_temp.registration_journey m WHERE m.journey_status = 'counted') d
    CROSS JOIN LATERAL core.journey_of(:region, d.as_of, :known_at) k
    JOIN core.pupil_journey j ON j.reading_id = k.reading_id AND j.made_of = k.made_of AND j.grain = 'region'
) w
WHERE (w.exports < 2 AND w.counted <> coalesce(w.registered, 0)) OR w.pupils <> coalesce(w.of_units, 0)
