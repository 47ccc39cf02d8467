-- The last day of an assignment was `days` or more days ago, and it is not done: by its figure, or by what is said of one that
-- nothing measures.
SELECT
    'assignments' AS form,
    h.sender,
    m.number AS subject,
    jsonb_build_object('words', m.status_words) AS state,
    jsonb_build_object('number', m.number, 'assignment', m.assignment, 'deadline', m.deadline_printed, 'ends_on', m.deadline_to) AS details,
    ARRAY[h.delivery_id] AS deliveries
FROM mart.assignments m
JOIN ops.reading_at(:region, :day, 'infinity') h ON h.form = 'assignments'
WHERE m.region = :region
  AND m.as_of = (SELECT max(o.as_of) FROM mart.assignment_list o WHERE o.region = :region AND o.as_of <= :day)
  AND m.status = 'overdue' AND m.deadline_to <= cast(:day AS date) - cast(:days AS integer)
