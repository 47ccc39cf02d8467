-- Регистрация на «Билет в будущее» по области.
-- Строка — дата: суммы по всем отчётным единицам. Доля — из сумм. Остаток со знаком, а недобор и перевыполнение отдельно:
-- у остатка одно гасит другое.
--   as_of: На дату. День, за который показаны цифры.
--   position: Порядок. Всегда 1.
--   municipalities: Муниципалитетов. Школы, подчинённые области, сюда не входят.
--   units_without_plan: Без плана. Отчётных единиц, у которых плана нет; доля тогда завышена.
--   export_as_of: Дата выгрузки. За какой день посчитан факт.
--   plan_pupils: План. Сколько обучающихся нужно зарегистрировать за учебный год.
--   actual_pupils: Факт. Разных обучающихся, кроме неподтверждённых и архивных.
--   unverified_pupils: Не подтверждены. Разных обучающихся, которых школа ещё не подтвердила.
--   archived_pupils: В архиве. Разных обучающихся, чьи карточки отправлены в архив.
--   completion_rate: Доля выполнения. actual_pupils / plan_pupils, точно.
--   balance: Остаток. План минус факт, со знаком.
--   shortfall: Недобор. Сумма недоборов отчётных единиц.
--   surplus: Сверх плана. Сумма перевыполнений отчётных единиц.
--   band: Полоса. green, amber, red или no_data, когда делить не на что.
--   in_rule_gap: Промежуток правила. Доля между 50 % и 51 %, о которой легенда молчит.
--   band_rule_version: Версия правила полос. Какое правило действовало на эту дату.
--   units_green: Зелёных. Отчётных единиц в полосе green.
--   units_amber: Жёлтых. Отчётных единиц в полосе amber.
--   units_red: Красных. Отчётных единиц в полосе red.
--   units_no_data: Без данных. Отчётных единиц в полосе no_data.
--   rule_versions: Версий правил. По скольким разным версиям проверены план и выгрузка.
--   units_by_older_rules: По прежним правилам. Отчётных единиц, план или выгрузка которых проверены по правилам, вместо которых уже судят другие.
--   completeness: Полнота. Что есть из плана года и выгрузки этого дня, от 0 до 1: загруженные строки, единицы, школы против реестра, школы и обучающиеся против прежней выгрузки.
--   known_at: Известно на. Самое позднее прочтение, которое учтено.
--   is_final: Окончательно. Есть реестр, план года и выгрузка именно за этот день, ничто не ждёт решения.
WITH region AS (
    SELECT
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
    GROUP BY unit.as_of
)
SELECT
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
    coalesce(
        (SELECT b.band FROM ref.band_rule b
         WHERE b.band_rule_version = r.band_rule_version AND b.lower_bound <= r.completion_rate
         ORDER BY b.lower_bound DESC LIMIT 1),
        'no_data'
    ) AS band,
    coalesce(
        r.completion_rate > 0.50 AND r.completion_rate < (
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
