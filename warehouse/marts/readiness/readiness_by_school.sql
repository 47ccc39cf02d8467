-- Готовность по школам.
-- Строка — школа реестра на дату: представлен ли по ней верный отчёт, и если нет, то почему.
-- Ключ: school_code; имя: school_name; формы: school_register, readiness_report.
-- Доступ: единица по reporting_unit или territory.
-- Состояния: status «Состояние отчёта», level.
--   status: Состояние. accepted, rejected или missing; пусто вне кампании.
--   status_name: Состояние отчёта. То же словами.
--   judged_by: Версия правил. По какой версии правил проверен отчёт отправителя; пусто без отчёта.
WITH school AS MATERIALIZED (SELECT * FROM core.readiness_at(:region, :as_of, :known_at)),
reason AS (
    SELECT s.school_id, string_agg(coalesce(k.what, broken.rule), ' ' ORDER BY broken.n) AS reasons
    FROM school s
    CROSS JOIN LATERAL unnest(s.rules) WITH ORDINALITY AS broken (rule, n)
    LEFT JOIN ref.rule k ON k.rule = broken.rule
    WHERE broken.n <= 3
    GROUP BY s.school_id
)
SELECT
    row_number() OVER (ORDER BY u.position, s.subordination, s.school_code)::integer AS position,
    s.school_code,
    s.short_name AS school_name,
    s.subordination AS reporting_unit,
    u.name AS reporting_unit_name,
    s.territory,
    t.name AS territory_name,
    s.campaign,
    s.report_status AS status,
    CASE s.report_status
        WHEN 'accepted' THEN 'Верный отчёт'
        WHEN 'rejected' THEN 'Неверный отчёт'
        WHEN 'missing' THEN 'Не представлен отчёт'
    END AS status_name,
    f.level,
    nullif(array_to_string(s.rules, ', '), '') AS rules,
    r.reasons,
    s.reading_id
FROM school s
LEFT JOIN reason r ON r.school_id = s.school_id
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = s.subordination
LEFT JOIN ref.unit_at(:region, :as_of) t ON t.reporting_unit = s.territory
LEFT JOIN LATERAL (
    SELECT e.level FROM core.readiness_report_fact e
    WHERE e.reading_id = s.reading_id AND e.school_id = s.school_id OFFSET 0
) f ON true
