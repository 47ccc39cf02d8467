-- Проведённые занятия «Россия – мои горизонты» по отчётным единицам.
-- Строка — отчётная единица на дату: суммы по классам, у школ которых есть журнал. Доля — из сумм. Без журнала цифр нет (NULL).
-- Ключ: reporting_unit; имя: reporting_unit_name.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: classes, classes_in_journal, classes_on_other_days, classes_out_of_reach, lessons_due, lessons_held, visits.
-- Показатель: held_rate = lessons_held / lessons_due; совокупность: занятия классов с журналом, дни которых прошли к его дате.
--   reporting_unit: Код отчётной единицы. Чьи классы.
--   completeness: Полнота. Та же, что у строк классов единицы.
WITH unit AS (
    SELECT
        class.region,
        class.as_of,
        class.reporting_unit,
        min(class.reporting_unit_name) AS reporting_unit_name,
        min(class.position) AS place,
        max(class.academic_year) AS academic_year,
        max(class.journal_as_of) AS journal_as_of,
        count(*) AS classes,
        count(class.lessons_held) AS classes_in_journal,
        count(*) FILTER (WHERE class.reach = 'other_days') AS classes_on_other_days,
        count(*) FILTER (WHERE class.reach = 'out_of_reach') AS classes_out_of_reach,
        min(class.slack) AS least_slack,
        sum(class.lessons_due)::bigint AS lessons_due,
        sum(class.lessons_held)::bigint AS lessons_held,
        sum(class.visits)::bigint AS visits,
        bool_or(class.by_older_rules) AS by_older_rules,
        max(class.completeness) AS completeness,
        max(class.known_at) AS known_at,
        bool_and(class.is_final) AS is_final
    FROM mart.lessons_held AS class
    GROUP BY class.region, class.as_of, class.reporting_unit
)
SELECT
    u.region,
    u.as_of,
    row_number() OVER (PARTITION BY u.region, u.as_of ORDER BY u.place)::integer AS position,
    u.reporting_unit,
    u.reporting_unit_name,
    u.academic_year,
    u.journal_as_of,
    u.classes,
    u.classes_in_journal,
    u.classes_on_other_days,
    u.classes_out_of_reach,
    u.least_slack,
    u.lessons_due,
    u.lessons_held,
    u.lessons_held::numeric / nullif(u.lessons_due, 0) AS held_rate,
    u.visits,
    u.by_older_rules,
    u.completeness,
    u.known_at,
    u.is_final
FROM unit u
