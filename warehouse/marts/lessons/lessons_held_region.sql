-- Проведённые занятия «Россия – мои горизонты» по региону.
-- Строка — регион на дату: суммы по всем классам, у школ которых есть журнал. Доля — из сумм; классы без журнала в неё не входят и показаны рядом.
-- Доступ: итог по lessons_held.lessons_held.
--   held_rate: Доля проведённых. lessons_held / lessons_due, точно; совокупность — занятия классов с журналом, дни которых прошли к его дате.
--   rule_versions: Версий правил. По скольким разным версиям проверены документы.
WITH region AS (
    SELECT
        class.region,
        class.as_of,
        max(class.academic_year) AS academic_year,
        count(*) AS classes,
        count(class.lessons_held) AS classes_in_journal,
        count(*) FILTER (WHERE class.reach = 'other_days') AS classes_on_other_days,
        count(*) FILTER (WHERE class.reach = 'out_of_reach') AS classes_out_of_reach,
        min(class.slack) AS least_slack,
        sum(class.lessons_due)::bigint AS lessons_due,
        sum(class.lessons_held)::bigint AS lessons_held,
        sum(class.visits)::bigint AS visits,
        count(DISTINCT class.judged_by) AS rule_versions,
        max(class.completeness) AS completeness,
        max(class.known_at) AS known_at,
        bool_and(class.is_final) AS is_final
    FROM mart.lessons_held AS class
    GROUP BY class.region, class.as_of
)
SELECT
    r.region,
    r.as_of,
    1 AS position,
    r.academic_year,
    r.classes,
    r.classes_in_journal,
    r.classes_on_other_days,
    r.classes_out_of_reach,
    r.least_slack,
    r.lessons_due,
    r.lessons_held,
    r.lessons_held::numeric / nullif(r.lessons_due, 0) AS held_rate,
    r.visits,
    r.rule_versions,
    r.completeness,
    r.known_at,
    r.is_final
FROM region r
