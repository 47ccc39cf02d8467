-- Регистрация на «Билет в будущее» по региону.
-- Строка — регион на дату: суммы по всем отчётным единицам. Доля — из сумм. Остаток со знаком, а недобор и перевыполнение отдельно:
-- у остатка одно гасит другое.
-- Доступ: итог.
-- Публично: municipalities, export_as_of, plan_pupils; люди: actual_pupils из plan_pupils.
--   balance: Остаток. План минус факт, со знаком.
--   shortfall: Недобор. Сумма недоборов отчётных единиц.
--   surplus: Сверх плана. Сумма перевыполнений отчётных единиц.
--   rule_versions: Версий правил. По скольким разным версиям проверены план и выгрузка.
--   units_by_older_rules: По прежним правилам. Отчётных единиц, план или выгрузка которых проверены по правилам, вместо которых уже судят другие.
WITH region AS (
    SELECT
        unit.region,
        unit.as_of,
        count(*) FILTER (WHERE unit.is_municipality) AS municipalities,
        count(*) FILTER (WHERE unit.plan_pupils IS NULL) AS units_without_plan,
        max(unit.export_as_of) AS export_as_of,
        sum(unit.plan_pupils)::bigint AS plan_pupils,
        sum(unit.actual_pupils)::bigint AS actual_pupils,
        sum(unit.unverified_pupils)::bigint AS unverified_pupils,
        sum(unit.archived_pupils)::bigint AS archived_pupils,
        sum(unit.actual_pupils) / nullif(sum(unit.plan_pupils), 0) AS completion_rate,
        sum(unit.balance)::bigint AS balance,
        sum(unit.shortfall)::bigint AS shortfall,
        sum(unit.surplus)::bigint AS surplus,
        max(unit.band_rule_version) AS band_rule_version,
        count(*) FILTER (WHERE unit.band = 'green') AS units_green,
        count(*) FILTER (WHERE unit.band = 'amber') AS units_amber,
        count(*) FILTER (WHERE unit.band = 'red') AS units_red,
        count(*) FILTER (WHERE unit.band = 'no_data') AS units_no_data,
        cardinality(string_to_array(max(unit.judged_by), '; ')) AS rule_versions,
        count(*) FILTER (WHERE unit.by_older_rules) AS units_by_older_rules,
        max(unit.completeness) AS completeness,
        max(unit.known_at) AS known_at,
        bool_and(unit.is_final) AS is_final
    FROM mart.registration_by_municipality AS unit
    GROUP BY unit.region, unit.as_of
)
SELECT
    r.region,
    r.as_of,
    1 AS position,
    r.municipalities,
    r.units_without_plan,
    r.export_as_of,
    r.plan_pupils,
    r.actual_pupils,
    r.unverified_pupils,
    r.archived_pupils,
    r.completion_rate,
    r.balance,
    r.shortfall,
    r.surplus,
    b.band,
    b.in_rule_gap,
    r.band_rule_version,
    r.units_green,
    r.units_amber,
    r.units_red,
    r.units_no_data,
    r.rule_versions,
    r.units_by_older_rules,
    r.completeness,
    r.known_at,
    r.is_final
FROM region r
CROSS JOIN LATERAL ref.band_of(r.region, r.band_rule_version, r.completion_rate) b
