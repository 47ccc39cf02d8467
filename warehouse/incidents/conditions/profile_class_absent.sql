-- At least `classes` profile classes of a unit are not among the classes that its list of levels has of the same schools.
SELECT
    'profile_classes' AS form,
    m.reporting_unit AS sender,
    '' AS subject,
    jsonb_build_object('unlisted', m.classes_unlisted) AS state,
    jsonb_build_object('classes', m.profile_classes) AS details,
    '{}'::bigint[] AS deliveries
FROM mart.profile_classes_by_unit m
WHERE m.region = :region
  AND m.as_of = (SELECT max(o.as_of) FROM mart.profile_classes_by_unit o WHERE o.region = :region AND o.as_of <= :day)
  AND m.academic_year = ref.academic_year(:day) AND m.classes_unlisted >= :classes
