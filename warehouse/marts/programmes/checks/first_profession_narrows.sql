-- Along a cohort there are never more than before: applied, enrolled, began; who left, is certified or studies has begun.
SELECT f.as_of, f.profession, f.cohort
FROM pg_temp.first_profession f
WHERE f.enrolled > f.applied OR f.began > f.enrolled OR f.studying < 0 OR f.left_training + f.certified + f.studying <> f.began
