-- A step is made by pupils of the year, those who were followed made it, and a median is of somebody and takes no less than
-- no day; of grade 11 are no more than of all.
SELECT m.as_of, m.reporting_unit, m.pupils_of_year, s.step, s.pupils, s.followed, s.days, s.grade_11
FROM pg_temp.registration_journey m
CROSS JOIN LATERAL (VALUES
    ('verified', m.verified_pupils, m.verified_followed, m.days_to_verified, m.grade_11_verified),
    ('diagnosed', m.diagnosed_pupils, m.diagnosed_followed, m.days_to_diagnosed, m.grade_11_diagnosed),
    ('trial', m.trial_pupils, m.trial_followed, m.days_to_trial, m.grade_11_trial),
    ('joined', m.pupils_joined, 0, NULL, 0),
    ('remaining', m.pupils_remaining, 0, NULL, 0),
    ('grade 11', m.grade_11_pupils, 0, NULL, 0)
) AS s (step, pupils, followed, days, grade_11)
WHERE s.pupils > m.pupils_of_year OR s.followed > s.pupils OR (s.followed > 0) <> (s.days IS NOT NULL) OR s.days <= 0
   OR s.grade_11 > least(s.pupils, m.grade_11_pupils) OR (m.journey_status = 'counted') <> (m.pupils_of_year IS NOT NULL)
