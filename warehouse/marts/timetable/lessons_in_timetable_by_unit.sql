-- Занятие «Россия – мои горизонты» в расписании по отчётным единицам.
-- Строка — отчётная единица на дату: суммы по её школам, у которых есть расписание. Доли — из сумм. Без файла цифр нет (NULL).
-- Ключ: reporting_unit; имя: reporting_unit_name.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: schools, schools_in_timetable, schools_without_slot, classes_6_11, classes_with_slot, classes_on_thursday, classes_without_slot, classes_in_part, classes_in_doubt, schools_contradicting.
-- Показатель: slot_rate = classes_with_slot / classes_6_11; совокупность: классы 6–11 школ единицы, у которых есть расписание.
-- Показатель: thursday_rate = classes_on_thursday / classes_with_slot; совокупность: классы 6–11, у которых занятие стоит в расписании.
--   reporting_unit: Код отчётной единицы. Чьи школы.
--   completeness: Полнота. Та же, что у строк школ единицы.
WITH unit AS (
    SELECT
        school.region,
        school.as_of,
        school.reporting_unit,
        min(school.reporting_unit_name) AS reporting_unit_name,
        min(school.position) AS place,
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
        bool_or(school.by_older_rules) AS by_older_rules,
        max(school.completeness) AS completeness,
        max(school.known_at) AS known_at,
        bool_and(school.is_final) AS is_final
    FROM mart.lessons_in_timetable AS school
    GROUP BY school.region, school.as_of, school.reporting_unit
)
SELECT
    u.region,
    u.as_of,
    row_number() OVER (PARTITION BY u.region, u.as_of ORDER BY u.place)::integer AS position,
    u.reporting_unit,
    u.reporting_unit_name,
    u.academic_year,
    u.schools,
    u.schools_in_timetable,
    u.schools_without_slot,
    u.classes_6_11,
    u.classes_with_slot,
    u.classes_on_thursday,
    u.classes_without_slot,
    u.classes_in_part,
    u.classes_in_doubt,
    u.classes_with_slot::numeric / nullif(u.classes_6_11, 0) AS slot_rate,
    u.classes_on_thursday::numeric / nullif(u.classes_with_slot, 0) AS thursday_rate,
    u.schools_contradicting,
    u.by_older_rules,
    u.completeness,
    u.known_at,
    u.is_final
FROM unit u
