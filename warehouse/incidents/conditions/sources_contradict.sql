-- The reports say that (nearly) every school of a unit is ready, and hardly any pupil of it is registered.
SELECT
    'readiness_report' AS form,
    m.reporting_unit AS sender,
    '' AS subject,
    '{}'::jsonb AS state,
    jsonb_build_object('accepted_rate', m.accepted_rate, 'completion_rate', m.completion_rate, 'schools', m.schools,
                       'actual_pupils', m.actual_pupils, 'plan_pupils', m.plan_pupils) AS details,
    '{}'::bigint[] AS deliveries
FROM mart.readiness_and_registration m
WHERE m.region = :region
  AND m.as_of = (SELECT max(o.as_of) FROM mart.readiness_and_registration o WHERE o.region = :region AND o.as_of <= :day)
  AND m.accepted_rate >= cast(:ready AS numeric) AND m.completion_rate < cast(:registered AS numeric)
