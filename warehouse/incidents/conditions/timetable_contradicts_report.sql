-- Schools whose readiness report says that the lesson is in the timetable, and whose timetable has it for no class.
-- needs: mart.lessons_in_timetable
WITH latest AS (
    SELECT m.* FROM mart.lessons_in_timetable m
    WHERE m.region = :region
      AND m.as_of = (SELECT max(o.as_of) FROM mart.lessons_in_timetable o WHERE o.region = :region AND o.as_of <= :day)
      AND m.academic_year = ref.academic_year(:day) AND m.contradiction = 'no_slot'
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
