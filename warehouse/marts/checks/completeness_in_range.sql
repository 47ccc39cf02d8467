-- Completeness is a share, and what is final has something of what is owed.
WITH told (mart, as_of, completeness, is_final) AS (
    SELECT 'readiness_by_municipality', as_of, completeness, is_final FROM pg_temp.readiness_by_municipality
    UNION ALL SELECT 'readiness_by_school', as_of, completeness, is_final FROM pg_temp.readiness_by_school
    UNION ALL SELECT 'registration_by_municipality', as_of, completeness, is_final FROM pg_temp.registration_by_municipality
    UNION ALL SELECT 'registration_by_school', as_of, completeness, is_final FROM pg_temp.registration_by_school
    UNION ALL SELECT 'registration_snapshot', as_of, completeness, is_final FROM pg_temp.registration_snapshot
    UNION ALL SELECT 'activity_by_school', as_of, completeness, is_final FROM pg_temp.activity_by_school
    UNION ALL SELECT 'readiness_and_registration', as_of, completeness, is_final FROM pg_temp.readiness_and_registration
    UNION ALL SELECT 'control_totals', as_of, completeness, is_final FROM pg_temp.control_totals
    UNION ALL SELECT 'rule_failures', as_of, completeness, is_final FROM pg_temp.rule_failures
    UNION ALL SELECT 'delivery_health', as_of, completeness, is_final FROM pg_temp.delivery_health
    UNION ALL SELECT 'reporting_rate', as_of, completeness, is_final FROM pg_temp.reporting_rate
)
SELECT DISTINCT * FROM told
WHERE completeness NOT BETWEEN 0 AND 1 OR is_final IS NULL OR (is_final AND coalesce(completeness, 0) = 0)
