-- A night's snapshot and the activity of schools have every pupil and event of that very export; a gap has nothing.
SELECT d.as_of, d.pupils, d.events, s.events AS by_school, f.pupils AS pupils_in_facts, f.events AS events_in_facts
FROM (
    SELECT as_of, sum(actual_pupils) AS pupils,
        coalesce(sum(diagnostics), 0) +
        coalesce(sum(trials), 0) +
        coalesce(sum(excursions), 0) +
        coalesce(sum(museum_visits), 0) +
        coalesce(sum(masterclasses), 0) AS events
    FROM pg_temp.registration_snapshot GROUP BY as_of
) d
FULL JOIN (
    SELECT as_of,
        coalesce(sum(diagnostics), 0) +
        coalesce(sum(trials), 0) +
        coalesce(sum(excursions), 0) +
        coalesce(sum(museum_visits), 0) +
        coalesce(sum(masterclasses), 0) AS events
    FROM pg_temp.activity_by_school GROUP BY as_of
) s ON s.as_of = d.as_of
CROSS JOIN LATERAL (
    SELECT sum(e.actual_pupils) AS pupils,
        coalesce(sum(e.diagnostics), 0) +
        coalesce(sum(e.trials), 0) +
        coalesce(sum(e.excursions), 0) +
        coalesce(sum(e.museum_visits), 0) +
        coalesce(sum(e.masterclasses), 0) AS events
    FROM ops.export_of(:region, 'registration_export', ARRAY[coalesce(d.as_of, s.as_of)], cast(:known_at AS timestamptz)) r
    CROSS JOIN LATERAL (SELECT * FROM core.registration_export_fact f WHERE f.reading_id = r.reading_id OFFSET 0) e
) f
WHERE coalesce(d.pupils, 0) <> coalesce(f.pupils, 0)
   OR coalesce(d.events, 0) <> f.events OR coalesce(s.events, 0) <> f.events
