-- Уровни и охват по региону.
-- Строка — регион на дату: суммы по всем отчётным единицам, вместе со школами, подчинёнными региону. Доли — из сумм; цель мероприятий
-- и цель курса — разные, и их доли не складываются.
-- Доступ: итог по reports_received.
--   pupils_6_11: Обучающихся 6–11 классов. Всех единиц, и тех, списка которых нет; пусто, если хотя бы об одной неизвестно.
--   rule_versions: Версий правил. По скольким разным версиям проверены списки.
--   units_by_older_rules: По прежним правилам. Отчётных единиц, список которых проверен по правилам, вместо которых уже судят другие.
WITH region AS (
    SELECT
        unit.region,
        unit.as_of,
        count(*) FILTER (WHERE unit.report_received) AS reports_received,
        sum(unit.schools)::bigint AS schools,
        sum(unit.schools_without_pupils)::bigint AS schools_without_pupils,
        sum(unit.schools_listed)::bigint AS schools_listed,
        sum(unit.schools_basic)::bigint AS schools_basic,
        sum(unit.schools_main)::bigint AS schools_main,
        sum(unit.schools_advanced)::bigint AS schools_advanced,
        sum(unit.classes)::bigint AS classes,
        sum(unit.classes_basic)::bigint AS classes_basic,
        sum(unit.classes_main)::bigint AS classes_main,
        sum(unit.classes_advanced)::bigint AS classes_advanced,
        CASE WHEN bool_and(unit.pupils_6_11 IS NOT NULL OR coalesce(unit.schools, 0) = 0)
            THEN sum(unit.pupils_6_11)::bigint END AS pupils_6_11,
        sum(unit.pupils_planned)::bigint AS pupils_planned,
        sum(unit.course_pupils)::bigint AS course_pupils,
        max(unit.events_target_rate) AS events_target_rate,
        max(unit.course_target_rate) AS course_target_rate,
        count(DISTINCT unit.judged_by) AS rule_versions,
        count(*) FILTER (WHERE unit.by_older_rules) AS units_by_older_rules,
        max(unit.completeness) AS completeness,
        max(unit.known_at) AS known_at,
        bool_and(unit.is_final) AS is_final
    FROM mart.level_coverage AS unit
    GROUP BY unit.region, unit.as_of
)
SELECT
    r.region,
    r.as_of,
    1 AS position,
    r.reports_received,
    r.schools,
    r.schools_without_pupils,
    r.schools_listed,
    r.schools_basic,
    r.schools_main,
    r.schools_advanced,
    r.classes,
    r.classes_basic,
    r.classes_main,
    r.classes_advanced,
    r.pupils_6_11,
    r.pupils_planned,
    r.pupils_planned::numeric / nullif(r.pupils_6_11, 0) AS events_rate,
    r.events_target_rate,
    CASE WHEN r.pupils_planned IS NOT NULL AND r.pupils_6_11 IS NOT NULL
        THEN greatest(ceil(r.events_target_rate * r.pupils_6_11)::bigint - r.pupils_planned, 0) END AS events_lacking,
    r.course_pupils,
    r.course_pupils::numeric / nullif(r.pupils_6_11, 0) AS course_rate,
    r.course_target_rate,
    CASE WHEN r.course_pupils IS NOT NULL AND r.pupils_6_11 IS NOT NULL
        THEN greatest(ceil(r.course_target_rate * r.pupils_6_11)::bigint - r.course_pupils, 0) END AS course_lacking,
    r.rule_versions,
    r.units_by_older_rules,
    r.completeness,
    r.known_at,
    r.is_final
FROM region r
