-- Schools whose readiness report says that the lesson is in the timetable, and whose timetable has it for no class;
-- less those whose sender has explained that (TT-010), as an officer accepted.
WITH explained AS MATERIALIZED (
    SELECT i.school_code FROM ops.finding_across o
    JOIN ops.reading r ON r.reading_id = o.reading_id
    JOIN ref.school_identity i ON i.school_id = o.school_id
    JOIN ops.explanation_at(:region, 'infinity') e ON e.decision = 'accepted'
        AND e.finding_key = ops.across_key(r, o.rule, o.school_id, o.place, o.value)
    WHERE o.region = :region AND o.rule = 'TT-010' AND o.gone_at = 'infinity'
),
latest AS (
    SELECT m.* FROM mart.lessons_in_timetable m
    WHERE m.region = :region
      AND m.as_of = (SELECT max(o.as_of) FROM mart.lessons_in_timetable o WHERE o.region = :region AND o.as_of <= :day)
      AND m.academic_year = ref.academic_year(:day) AND m.contradiction = 'no_slot'
      AND m.school_code NOT IN (SELECT x.school_code FROM explained x)
)
SELECT
    'timetable' AS form,
    l.reporting_unit AS sender,
    '' AS subject,
    '{}'::jsonb AS state,
    jsonb_build_object('schools', count(*), 'first', min(l.school_name), 'as_of', max(l.as_of)) AS details,
    '{}'::bigint[] AS deliveries
FROM latest l
GROUP BY l.reporting_unit
HAVING count(*) >= cast(:schools AS integer)
