-- Somebody says that an assignment is done, and the figure that measures it is below the threshold.
SELECT
    'assignments' AS form,
    h.sender,
    m.number AS subject,
    jsonb_build_object('words', m.status_words) AS state,
    jsonb_build_object('number', m.number, 'assignment', m.assignment, 'measured_by', m.measured_by) AS details,
    ARRAY[h.delivery_id] AS deliveries
FROM mart.assignments m
JOIN ops.reading_at(:region, :day, 'infinity') h ON h.form = 'assignments'
WHERE m.region = :region
  AND m.as_of = (SELECT max(o.as_of) FROM mart.assignment_list o WHERE o.region = :region AND o.as_of <= :day)
  AND m.status = 'contradiction'
