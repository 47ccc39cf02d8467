-- Отчёт и дело: готовность и регистрация рядом.
-- Строка — отчётная единица на дату. Готовность на бумаге ничего не говорит о регистрации; здесь видно и то и другое.
-- Доли относятся к разным совокупностям: школы реестра и план обучающихся.
-- Ключ: reporting_unit; имя: reporting_unit_name; формы: school_register, readiness_report, registration_plan, registration_export.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: schools, accepted, plan_pupils, actual_pupils.
--   actual_pupils: Факт. Зарегистрированные обучающиеся.
--   by_older_rules: По прежним правилам. За дату отчёта, плана или выгрузки уже судят другие правила.
--   completeness: Полнота. Что есть из отчётов, плана года и выгрузки этого дня, от 0 до 1: загруженные строки, школы, обучающиеся.
--   is_final: Окончательно. Срок кампании прошёл, получено всё, что ожидалось, и ничто не ждёт решения.
WITH held AS MATERIALIZED (SELECT * FROM ops.reading_at(:region, :as_of, :known_at)),
readiness AS (
    SELECT s.subordination, count(*) AS schools, count(*) FILTER (WHERE s.report_status = 'accepted') AS accepted,
        bool_or(s.campaign IS NOT NULL) AS in_campaign, max(s.reading_id) AS reading_id
    FROM core.readiness_at(:region, :as_of, :known_at) s
    GROUP BY s.subordination
),
registration AS (
    SELECT s.subordination, max(s.export_as_of) AS export_as_of, sum(s.actual_pupils)::bigint AS actual_pupils
    FROM core.registration_at(:region, :as_of, :known_at) s
    GROUP BY s.subordination
),
plan AS (
    SELECT f.reporting_unit, sum(f.plan_pupils)::bigint AS plan_pupils
    FROM held r
    CROSS JOIN LATERAL (SELECT * FROM core.registration_plan_fact e WHERE e.reading_id = r.reading_id OFFSET 0) f
    WHERE r.form = 'registration_plan'
    GROUP BY f.reporting_unit
),
registration_rules AS (
    SELECT string_agg(DISTINCT j.judged_by, '; ' ORDER BY j.judged_by) AS judged_by, bool_or(j.by_older_rules) AS by_older_rules
    FROM ops.judged(ARRAY(
        SELECT h.reading_id FROM held h WHERE h.form IN ('registration_plan', 'registration_export')
    )) j
),
whole AS (
    SELECT (SELECT bool_or(r.in_campaign) FROM readiness r) AS in_campaign,
        EXISTS (SELECT FROM readiness) AS has_register,
        (SELECT max(g.export_as_of) FROM registration g) IS NOT NULL AS has_export
),
unit AS (
    SELECT u.*, p.plan_pupils, r.reading_id,
        CASE WHEN w.has_register THEN coalesce(r.schools, 0) END AS schools,
        CASE WHEN w.in_campaign THEN coalesce(r.accepted, 0) END AS accepted,
        CASE WHEN w.has_export THEN coalesce(g.actual_pupils, 0) END AS actual_pupils
    FROM ref.unit_at(:region, :as_of) u
    CROSS JOIN whole w
    LEFT JOIN readiness r ON r.subordination = u.reporting_unit
    LEFT JOIN registration g ON g.subordination = u.reporting_unit
    LEFT JOIN plan p ON p.reporting_unit = u.reporting_unit
),
rule AS MATERIALIZED (SELECT ref.band_rule_at(:region, :as_of) AS band_rule_version)
SELECT
    u.position::integer AS position,
    u.reporting_unit,
    u.name AS reporting_unit_name,
    u.oktmo,
    u.kind = 'municipality' AS is_municipality,
    u.schools,
    u.accepted,
    u.accepted::numeric / nullif(u.schools, 0) AS accepted_rate,
    ready.band AS readiness_band,
    u.plan_pupils,
    u.actual_pupils,
    u.actual_pupils::numeric / nullif(u.plan_pupils, 0) AS completion_rate,
    registered.band AS registration_band,
    v.band_rule_version,
    j.judged_by AS readiness_judged_by,
    g.judged_by AS registration_judged_by,
    coalesce(j.by_older_rules, false) OR coalesce(g.by_older_rules, false) AS by_older_rules
FROM unit u
LEFT JOIN ops.judged(ARRAY(SELECT r.reading_id FROM readiness r)) j ON j.reading_id = u.reading_id
CROSS JOIN registration_rules g
CROSS JOIN rule v
CROSS JOIN LATERAL ref.band_of(:region, v.band_rule_version, u.accepted::numeric / nullif(u.schools, 0)) ready
CROSS JOIN LATERAL ref.band_of(:region, v.band_rule_version, u.actual_pupils::numeric / nullif(u.plan_pupils, 0)) registered
