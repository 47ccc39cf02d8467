-- Готовность школ по отчётным единицам.
-- Строка — отчётная единица на дату. Школы берутся из реестра по подчинению; школа, которой нет в отчёте её отправителя,
-- отчёт не представила. Без реестра или вне кампании цифр нет (NULL), а не ноль.
-- Ключ: reporting_unit; имя: reporting_unit_name; формы: school_register, readiness_report.
-- Доступ: единица по reporting_unit.
-- Публично: reporting_unit, reporting_unit_name, is_municipality, campaign, schools, accepted, rejected, missing, is_final.
-- Меры: schools, accepted, rejected, missing.
-- Показатель: accepted_rate = accepted / schools; полоса: band «Полоса: отчёты»; совокупность: школы реестра, подчинённые единице.
-- Ночь 1: Готовность; schools «Школ», accepted «Верный/отчёт», rejected «Неверный/отчёт», missing «Отчёта/нет», accepted_rate «Доля/верных».
--   accepted_rate: Доля верных отчётов. accepted / schools, точно; проценты не усредняются.
--   judged_by: Версия правил. По какой версии правил проверен отчёт; пусто без отчёта.
WITH counted AS (
    SELECT s.subordination,
        count(*) AS schools,
        count(*) FILTER (WHERE s.report_status = 'accepted') AS accepted,
        count(*) FILTER (WHERE s.report_status = 'rejected') AS rejected,
        count(*) FILTER (WHERE s.report_status = 'missing') AS missing,
        max(s.reading_id) AS reading_id
    FROM core.readiness_at(:region, :as_of, :known_at) s
    GROUP BY s.subordination
),
running AS (
    SELECT
        (SELECT c.campaign FROM ref.campaign_at(:region, :as_of) c WHERE c.campaign_form = 'readiness_report') AS campaign,
        EXISTS (SELECT FROM counted) AS has_register
),
unit AS (
    SELECT u.*, r.campaign, c.reading_id,
        CASE WHEN r.campaign IS NOT NULL THEN c.reading_id IS NOT NULL END AS report_received,
        CASE WHEN r.has_register THEN coalesce(c.schools, 0) END AS schools,
        CASE WHEN r.has_register AND r.campaign IS NOT NULL THEN coalesce(c.accepted, 0) END AS accepted,
        CASE WHEN r.has_register AND r.campaign IS NOT NULL THEN coalesce(c.rejected, 0) END AS rejected,
        CASE WHEN r.has_register AND r.campaign IS NOT NULL THEN coalesce(c.missing, 0) END AS missing
    FROM ref.unit_at(:region, :as_of) u
    CROSS JOIN running r
    LEFT JOIN counted c ON c.subordination = u.reporting_unit
),
rule AS MATERIALIZED (SELECT ref.band_rule_at(:region, :as_of) AS band_rule_version)
SELECT
    u.position::integer AS position,
    u.reporting_unit,
    u.name AS reporting_unit_name,
    u.oktmo,
    u.kind = 'municipality' AS is_municipality,
    u.campaign,
    u.report_received,
    u.schools,
    u.accepted,
    u.rejected,
    u.missing,
    u.accepted::numeric / nullif(u.schools, 0) AS accepted_rate,
    b.band,
    b.in_rule_gap,
    v.band_rule_version,
    u.reading_id
FROM unit u
CROSS JOIN rule v
CROSS JOIN LATERAL ref.band_of(:region, v.band_rule_version, u.accepted::numeric / nullif(u.schools, 0)) b
