-- A unit has at least `schools` of the advanced level without a profile class, though the list of such classes was sent: on that
-- level they are recommended.
SELECT
    'profile_classes' AS form,
    m.reporting_unit AS sender,
    '' AS subject,
    jsonb_build_object('schools', m.advanced_without_profile) AS state,
    jsonb_build_object('advanced_schools', m.advanced_schools, 'classes', m.profile_classes) AS details,
    '{}'::bigint[] AS deliveries
FROM mart.profile_classes_by_unit m
WHERE m.region = :region
  AND m.as_of = (SELECT max(o.as_of) FROM mart.profile_classes_by_unit o WHERE o.region = :region AND o.as_of <= :day)
  AND m.academic_year = ref.academic_year(:day) AND m.advanced_without_profile >= :schools
