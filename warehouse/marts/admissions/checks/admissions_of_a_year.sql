-- What is in question is loaded all the same: a year has its rows, and no more are settled than there are.
SELECT y.as_of, y.year, y.admission_rows, y.admission_rows_settled, y.decision
FROM pg_temp.admissions_by_year y
WHERE y.admission_rows_settled NOT BETWEEN 0 AND y.admission_rows
    OR y.in_question <> (y.decision IN ('waits', 'explained'))
    OR (y.decision = 'ordinary') <> (y.anomalies = 0)
