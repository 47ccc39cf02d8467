-- Занятие «Россия – мои горизонты» в расписании по региону.
-- Строка — регион на дату: суммы по всем школам, у которых есть расписание. Доли — из сумм; школы без расписания в них не входят и показаны рядом.
-- Доступ: итог по lessons_in_timetable.classes_6_11.
--   slot_rate: Доля классов с занятием. classes_with_slot / classes_6_11, точно; совокупность — классы 6–11 школ, у которых есть расписание.
--   thursday_rate: Доля четверга. classes_on_thursday / classes_with_slot, точно; совокупность — классы 6–11, у которых занятие стоит в расписании.
--   rule_versions: Версий правил. По скольким разным версиям проверены расписания.
WITH region AS (
    SELECT
        school.region,
        school.as_of,
        max(school.academic_year) AS academic_year,
        count(*) AS schools,
        count(*) FILTER (WHERE school.timetable_status = 'listed') AS schools_in_timetable,
        count(*) FILTER (WHERE school.classes_without_slot > 0) AS schools_without_slot,
        sum(school.classes_6_11)::bigint AS classes_6_11,
        sum(school.classes_with_slot)::bigint AS classes_with_slot,
        sum(school.classes_on_thursday)::bigint AS classes_on_thursday,
        sum(school.classes_without_slot)::bigint AS classes_without_slot,
        sum(school.classes_in_part)::bigint AS classes_in_part,
        sum(school.classes_in_doubt)::bigint AS classes_in_doubt,
        count(*) FILTER (WHERE school.contradiction <> 'none') AS schools_contradicting,
        count(DISTINCT school.judged_by) AS rule_versions,
        max(school.completeness) AS completeness,
        max(school.known_at) AS known_at,
        bool_and(school.is_final) AS is_final
    FROM mart.lessons_in_timetable AS school
    GROUP BY school.region, school.as_of
)
SELECT
    r.region,
    r.as_of,
    1 AS position,
    r.academic_year,
    r.schools,
    r.schools_in_timetable,
    r.schools_without_slot,
    r.classes_6_11,
    r.classes_with_slot,
    r.classes_on_thursday,
    r.classes_without_slot,
    r.classes_in_part,
    r.classes_in_doubt,
    r.classes_with_slot::numeric / nullif(r.classes_6_11, 0) AS slot_rate,
    r.classes_on_thursday::numeric / nullif(r.classes_with_slot, 0) AS thursday_rate,
    r.schools_contradicting,
    r.rule_versions,
    r.completeness,
    r.known_at,
    r.is_final
FROM region r
