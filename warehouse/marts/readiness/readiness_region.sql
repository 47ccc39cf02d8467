-- Готовность школ по региону.
-- Строка — регион на дату: суммы по всем отчётным единицам, вместе со школами, подчинёнными региону. Доля — из сумм.
-- Доступ: итог по reports_received.
-- Публично: municipalities, schools, accepted, rejected, missing, is_final.
--   rule_versions: Версий правил. По скольким разным версиям проверены отчёты.
--   units_by_older_rules: По прежним правилам. Отчётных единиц, отчёт которых проверен по правилам, вместо которых уже судят другие.
WITH region AS (
    SELECT
        unit.region,
        unit.as_of,
        count(*) FILTER (WHERE unit.is_municipality) AS municipalities,
        count(*) FILTER (WHERE unit.report_received) AS reports_received,
        sum(unit.schools)::bigint AS schools,
        sum(unit.accepted)::bigint AS accepted,
        sum(unit.rejected)::bigint AS rejected,
        sum(unit.missing)::bigint AS missing,
        sum(unit.accepted) / nullif(sum(unit.schools), 0) AS accepted_rate,
        max(unit.band_rule_version) AS band_rule_version,
        count(*) FILTER (WHERE unit.band = 'green') AS units_green,
        count(*) FILTER (WHERE unit.band = 'amber') AS units_amber,
        count(*) FILTER (WHERE unit.band = 'red') AS units_red,
        count(*) FILTER (WHERE unit.band = 'no_data') AS units_no_data,
        count(DISTINCT unit.judged_by) AS rule_versions,
        count(*) FILTER (WHERE unit.by_older_rules) AS units_by_older_rules,
        max(unit.completeness) AS completeness,
        max(unit.known_at) AS known_at,
        bool_and(unit.is_final) AS is_final
    FROM mart.readiness_by_municipality AS unit
    GROUP BY unit.region, unit.as_of
)
SELECT
    r.region,
    r.as_of,
    1 AS position,
    r.municipalities,
    r.reports_received,
    r.schools,
    r.accepted,
    r.rejected,
    r.missing,
    r.accepted_rate,
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
CROSS JOIN LATERAL ref.band_of(r.region, r.band_rule_version, r.accepted_rate) b
