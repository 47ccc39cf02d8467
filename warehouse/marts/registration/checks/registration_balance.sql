-- Plan, actual, balance, shortfall and surplus say the same.
SELECT as_of, reporting_unit, plan_pupils, actual_pupils, balance, shortfall, surplus
FROM pg_temp.registration_by_municipality
WHERE balance <> plan_pupils - actual_pupils OR balance <> shortfall - surplus OR shortfall < 0 OR surplus < 0
   OR (balance IS NULL) <> (plan_pupils IS NULL OR actual_pupils IS NULL)
