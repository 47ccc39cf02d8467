-- Готовность школ по области.
-- Строка — дата: суммы по всем отчётным единицам, вместе со школами, подчинёнными области. Доля — из сумм.
--   as_of: На дату. День, за который показаны цифры.
--   position: Порядок. Всегда 1.
--   municipalities: Муниципалитетов. Школы, подчинённые области, сюда не входят.
--   reports_received: Отчётов получено. Отправителей, чей файл принят к учёту.
--   schools: Школ. По реестру на эту дату.
--   accepted: Верный отчёт. Школ, чья строка верна.
--   rejected: Неверный отчёт. Школ, в чьей строке ошибки.
--   missing: Не представлен отчёт. Школ, о которых отправитель не сообщил.
--   accepted_rate: Доля верных отчётов. accepted / schools, точно; проценты не усредняются.
--   band: Полоса. green, amber, red или no_data, когда делить не на что.
--   in_rule_gap: Промежуток правила. Доля между 50 % и 51 %, о которой легенда молчит.
--   band_rule_version: Версия правила полос. Какое правило действовало на эту дату.
--   units_green: Зелёных. Отчётных единиц в полосе green.
--   units_amber: Жёлтых. Отчётных единиц в полосе amber.
--   units_red: Красных. Отчётных единиц в полосе red.
--   units_no_data: Без данных. Отчётных единиц в полосе no_data.
--   rule_versions: Версий правил. По скольким разным версиям проверены отчёты.
--   units_by_older_rules: По прежним правилам. Отчётных единиц, отчёт которых проверен по правилам, вместо которых уже судят другие.
--   completeness: Полнота. Школ с загруженной строкой от школ реестра, от 0 до 1; отложенная строка — не загруженная; пусто вне кампании.
--   known_at: Известно на. Самое позднее прочтение, которое учтено.
--   is_final: Окончательно. Срок кампании прошёл, получены все отчёты и реестр, ничто не ждёт решения.
WITH region AS (
    SELECT
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
    GROUP BY unit.as_of
)
SELECT
    r.as_of,
    1 AS position,
    r.municipalities,
    r.reports_received,
    r.schools,
    r.accepted,
    r.rejected,
    r.missing,
    r.accepted_rate,
    coalesce(
        (SELECT b.band FROM ref.band_rule b
         WHERE b.band_rule_version = r.band_rule_version AND b.lower_bound <= r.accepted_rate
         ORDER BY b.lower_bound DESC LIMIT 1),
        'no_data'
    ) AS band,
    coalesce(
        r.accepted_rate > 0.50 AND r.accepted_rate < (
            SELECT b.lower_bound FROM ref.band_rule b
            WHERE b.band_rule_version = r.band_rule_version AND b.band = 'amber'
        ),
        false
    ) AS in_rule_gap,
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
