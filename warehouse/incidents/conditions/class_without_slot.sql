-- After the day by which timetables are to be there, schools of a unit have classes without «Россия – мои горизонты».
WITH latest AS (
    SELECT m.* FROM mart.lessons_in_timetable m
    WHERE m.region = :region
      AND m.as_of = (SELECT max(o.as_of) FROM mart.lessons_in_timetable o WHERE o.region = :region AND o.as_of <= :day)
      AND m.academic_year = ref.academic_year(:day) AND m.classes_without_slot > 0
)
SELECT
    'timetable' AS form,
    l.reporting_unit AS sender,
    '' AS subject,
    '{}'::jsonb AS state,
    jsonb_build_object('schools', count(*), 'classes', sum(l.classes_without_slot), 'of_classes', sum(l.classes_6_11),
                       'in_doubt', sum(l.classes_in_doubt), 'first', min(l.school_name), 'as_of', max(l.as_of)) AS details,
    '{}'::bigint[] AS deliveries
FROM latest l
WHERE :day >= make_date(ref.academic_year(:day) + CASE WHEN :from_month < 9 THEN 1 ELSE 0 END,
                        cast(:from_month AS integer), cast(:from_day AS integer))
GROUP BY l.reporting_unit
