-- Регистрация на «Билет в будущее» по отчётным единицам.
-- Строка — отчётная единица на дату. План — на учебный год, факт — по последней выгрузке того же учебного года. Школы
-- отнесены по подчинению. Без плана или без выгрузки цифр нет (NULL), а не ноль.
-- Ключ: reporting_unit; имя: reporting_unit_name; формы: school_register, registration_plan, registration_export.
-- Доступ: единица по reporting_unit.
-- Публично: reporting_unit, reporting_unit_name, is_municipality, export_as_of, plan_pupils; люди: actual_pupils из plan_pupils, в сумме registration_region.
-- Меры: plan_pupils, actual_pupils.
-- Меры без поправок: unverified_pupils, archived_pupils, balance, shortfall, surplus.
-- Показатель: completion_rate = actual_pupils / plan_pupils; полоса: band «Полоса: регистрация»; совокупность: обучающиеся по плану учебного года.
-- Темп: actual_pupils из plan_pupils на export_as_of.
-- Ночь 2: Регистрация; plan_pupils «План», actual_pupils «Факт», shortfall «Недобор», surplus «Сверх/плана», completion_rate «Доля/плана».
--   completion_rate: Доля выполнения. actual_pupils / plan_pupils, точно; может быть больше 1.
--   is_final: Окончательно. Есть реестр, план года и выгрузка именно за этот день, ничто не ждёт решения.
WITH actual AS (
    SELECT s.subordination,
        max(s.export_as_of) AS export_as_of,
        sum(s.actual_pupils)::bigint AS actual_pupils,
        sum(s.unverified_pupils)::bigint AS unverified_pupils,
        sum(s.archived_pupils)::bigint AS archived_pupils
    FROM core.registration_at(:region, :as_of, :known_at) s
    GROUP BY s.subordination
),
plan AS (
    SELECT f.reporting_unit, sum(f.plan_pupils)::bigint AS plan_pupils
    FROM ops.reading_at(:region, :as_of, :known_at) r
    CROSS JOIN LATERAL (SELECT * FROM core.registration_plan_fact e WHERE e.reading_id = r.reading_id OFFSET 0) f
    WHERE r.form = 'registration_plan'
    GROUP BY f.reporting_unit
),
export AS (SELECT max(a.export_as_of) AS as_of FROM actual a),
unit AS (
    SELECT u.*, e.as_of AS export_as_of, p.plan_pupils,
        CASE WHEN e.as_of IS NOT NULL THEN coalesce(a.actual_pupils, 0) END AS actual_pupils,
        CASE WHEN e.as_of IS NOT NULL THEN coalesce(a.unverified_pupils, 0) END AS unverified_pupils,
        CASE WHEN e.as_of IS NOT NULL THEN coalesce(a.archived_pupils, 0) END AS archived_pupils
    FROM ref.unit_at(:region, :as_of) u
    CROSS JOIN export e
    LEFT JOIN actual a ON a.subordination = u.reporting_unit
    LEFT JOIN plan p ON p.reporting_unit = u.reporting_unit
),
rule AS MATERIALIZED (SELECT ref.band_rule_at(:region, :as_of) AS band_rule_version)
SELECT
    u.position::integer AS position,
    u.reporting_unit,
    u.name AS reporting_unit_name,
    u.oktmo,
    u.kind = 'municipality' AS is_municipality,
    u.export_as_of,
    u.plan_pupils,
    u.actual_pupils,
    u.unverified_pupils,
    u.archived_pupils,
    u.actual_pupils::numeric / nullif(u.plan_pupils, 0) AS completion_rate,
    u.plan_pupils - u.actual_pupils AS balance,
    CASE WHEN u.plan_pupils >= u.actual_pupils THEN u.plan_pupils - u.actual_pupils
         WHEN u.plan_pupils < u.actual_pupils THEN 0 END AS shortfall,
    CASE WHEN u.plan_pupils >= u.actual_pupils THEN 0
         WHEN u.plan_pupils < u.actual_pupils THEN u.actual_pupils - u.plan_pupils END AS surplus,
    b.band,
    b.in_rule_gap,
    v.band_rule_version
FROM unit u
CROSS JOIN rule v
CROSS JOIN LATERAL ref.band_of(:region, v.band_rule_version, u.actual_pupils::numeric / nullif(u.plan_pupils, 0)) b
