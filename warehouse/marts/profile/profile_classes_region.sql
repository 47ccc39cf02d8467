-- Профильные классы по региону.
-- Строка — регион на дату: суммы по отчётным единицам, списки которых есть. Доля — из сумм по единицам, у которых есть и список классов с уровнями.
-- Доступ: итог по reports_received.
--   advanced_profile_rate: Доля с профильным классом. advanced_with_profile от всех школ продвинутого уровня в единицах, чьи списки есть, точно.
--   rule_versions: Версий правил. По скольким разным версиям проверены списки профильных классов.
--   units_by_older_rules: По прежним правилам. Отчётных единиц, чей список профильных классов проверен по правилам, вместо которых уже судят другие.
WITH region AS (
    SELECT
        unit.region,
        unit.as_of,
        count(*) FILTER (WHERE unit.report_received) AS reports_received,
        count(*) FILTER (WHERE unit.profile_classes = 0) AS units_without_profile,
        sum(unit.profile_classes)::bigint AS profile_classes,
        sum(unit.profile_pupils)::bigint AS profile_pupils,
        sum(unit.profile_schools)::bigint AS profile_schools,
        sum(unit.classes_without_partner)::bigint AS classes_without_partner,
        sum(unit.classes_unlisted)::bigint AS classes_unlisted,
        sum(unit.advanced_schools)::bigint AS advanced_schools,
        sum(unit.advanced_with_profile)::bigint AS advanced_with_profile,
        sum(unit.advanced_without_profile)::bigint AS advanced_without_profile,
        count(DISTINCT unit.judged_by) AS rule_versions,
        count(*) FILTER (WHERE unit.by_older_rules) AS units_by_older_rules,
        max(unit.completeness) AS completeness,
        max(unit.known_at) AS known_at,
        bool_and(unit.is_final) AS is_final
    FROM mart.profile_classes_by_unit AS unit
    GROUP BY unit.region, unit.as_of
)
SELECT
    r.region,
    r.as_of,
    1 AS position,
    r.reports_received,
    r.units_without_profile,
    r.profile_classes,
    r.profile_pupils,
    r.profile_schools,
    r.classes_without_partner,
    r.classes_unlisted,
    r.advanced_schools,
    r.advanced_with_profile,
    r.advanced_without_profile,
    r.advanced_with_profile::numeric / nullif(r.advanced_with_profile + r.advanced_without_profile, 0) AS advanced_profile_rate,
    r.rule_versions,
    r.units_by_older_rules,
    r.completeness,
    r.known_at,
    r.is_final
FROM region r
