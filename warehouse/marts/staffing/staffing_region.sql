-- Кадры по региону.
-- Строка — регион на дату: суммы по отчётным единицам, списки которых есть, вместе со школами, подчинёнными региону. Доли — из сумм.
-- Доступ: итог по reports_received.
--   pupils_6_11: Обучающихся 6–11 классов. По реестру, в единицах, чьи списки есть.
--   rule_versions: Версий правил. По скольким разным версиям проверены списки работников.
--   units_by_older_rules: По прежним правилам. Отчётных единиц, чей список работников проверен по правилам, вместо которых уже судят другие.
--   navigator_people: Разных навигаторов. Сумма по единицам: работников двух единиц не различить.
WITH region AS (
    SELECT
        unit.region,
        unit.as_of,
        count(*) FILTER (WHERE unit.report_received) AS reports_received,
        sum(unit.schools)::bigint AS schools,
        sum(unit.schools) FILTER (WHERE unit.report_received)::bigint AS schools_of_lists,
        sum(unit.responsible_valid)::bigint AS responsible_valid,
        sum(unit.schools_without_navigator)::bigint AS schools_without_navigator,
        sum(unit.navigators)::bigint AS navigators,
        sum(unit.navigator_people)::bigint AS navigator_people,
        sum(unit.navigators_trained)::bigint AS navigators_trained,
        sum(unit.navigators_unanswered)::bigint AS navigators_unanswered,
        sum(unit.ahead_untrained)::bigint AS ahead_untrained,
        sum(unit.training_gap)::bigint AS training_gap,
        sum(unit.pupils_6_11) FILTER (WHERE unit.report_received)::bigint AS pupils_6_11,
        max(unit.band_rule_version) AS band_rule_version,
        count(DISTINCT unit.judged_by) AS rule_versions,
        count(*) FILTER (WHERE unit.by_older_rules) AS units_by_older_rules,
        max(unit.completeness) AS completeness,
        max(unit.known_at) AS known_at,
        bool_and(unit.is_final) AS is_final
    FROM mart.staffing_by_unit AS unit
    GROUP BY unit.region, unit.as_of
)
SELECT
    r.region,
    r.as_of,
    1 AS position,
    r.reports_received,
    r.schools,
    r.schools_of_lists,
    r.responsible_valid,
    r.responsible_valid::numeric / nullif(r.schools_of_lists, 0) AS responsible_rate,
    b.band,
    b.in_rule_gap,
    r.band_rule_version,
    r.schools_without_navigator,
    r.navigators,
    r.navigator_people,
    r.navigators_trained,
    r.navigators_unanswered,
    r.navigators_trained::numeric / nullif(r.navigators, 0) AS trained_rate,
    r.ahead_untrained,
    r.training_gap,
    r.pupils_6_11,
    100 * r.navigators / nullif(r.pupils_6_11, 0)::numeric AS navigators_per_100,
    r.rule_versions,
    r.units_by_older_rules,
    r.completeness,
    r.known_at,
    r.is_final
FROM region r
CROSS JOIN LATERAL ref.band_of(r.region, r.band_rule_version, r.responsible_valid::numeric / nullif(r.schools_of_lists, 0)) b
