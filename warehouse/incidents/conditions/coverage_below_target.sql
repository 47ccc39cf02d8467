-- Of a unit's pupils fewer are to take part in events than the target asks, and `days` or fewer are left until the events of
-- the autumn end. The course is another population and is not asked about here.
WITH latest AS (
    SELECT m.*,
        make_date(ref.academic_year(:day) + CASE WHEN :end_month < 9 THEN 1 ELSE 0 END, cast(:end_month AS integer),
                  cast(:end_day AS integer)) AS ends_on
    FROM mart.level_coverage m
    WHERE m.region = :region
      AND m.as_of = (SELECT max(o.as_of) FROM mart.level_coverage o WHERE o.region = :region AND o.as_of <= :day)
      AND m.academic_year = ref.academic_year(:day)
)
SELECT
    'level_choice' AS form,
    l.reporting_unit AS sender,
    '' AS subject,
    '{}'::jsonb AS state,
    jsonb_build_object('events_rate', l.events_rate, 'events_target_rate', l.events_target_rate,
                       'pupils_planned', l.pupils_planned, 'pupils_6_11', l.pupils_6_11, 'lacking', l.events_lacking,
                       'ends_on', l.ends_on) AS details,
    '{}'::bigint[] AS deliveries
FROM latest l
WHERE l.events_rate < l.events_target_rate AND :day BETWEEN l.ends_on - cast(:days AS integer) AND l.ends_on
