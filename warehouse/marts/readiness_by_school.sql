-- Готовность по школам.
-- Строка — школа реестра на дату: представлен ли по ней верный отчёт, и если нет, то почему.
-- Ключ: school_code; имя: school_name.
--   as_of: На дату. День, за который показаны данные.
--   position: Порядок. По печатному порядку отчётных единиц, затем по коду школы.
--   school_code: Код школы. По реестру.
--   school_name: Школа. Краткое наименование по реестру.
--   reporting_unit: Код отчётной единицы. Кому школа подчинена и за кем отчитывается.
--   reporting_unit_name: Отчётная единица. Название на эту дату.
--   territory: Код территории. Муниципалитет, где школа расположена.
--   territory_name: Территория. Название на эту дату.
--   campaign: Кампания. Та, что идёт на эту дату.
--   status: Состояние. accepted, rejected или missing; пусто вне кампании.
--   status_name: Состояние отчёта. То же словами.
--   level: Уровень. Уровень Профминимума из верного отчёта: basic, main, advanced.
--   rules: Правила. Номера правил, по которым отчёт неверен, через запятую.
--   reasons: Причины. Первые три причины словами.
--   judged_by: Версия правил. По какой версии правил проверен отчёт отправителя; пусто без отчёта.
--   by_older_rules: По прежним правилам. За дату отчёта уже судят другие правила: его нужно прочитать заново.
--   completeness: Полнота. Школ с загруженной строкой от школ реестра, от 0 до 1; отложенная строка — не загруженная; пусто вне кампании.
--   known_at: Известно на. Самое позднее прочтение, которое учтено.
--   is_final: Окончательно. Срок кампании прошёл, получены все отчёты и реестр, ничто не ждёт решения.
WITH school AS MATERIALIZED (SELECT * FROM core.readiness_at(:as_of, :known_at)),
judged AS MATERIALIZED (SELECT * FROM ops.judged(ARRAY(SELECT DISTINCT s.reading_id FROM school s))),
reason AS (
    SELECT s.school_id, string_agg(coalesce(k.what, broken.rule), ' ' ORDER BY broken.n) AS reasons
    FROM school s
    CROSS JOIN LATERAL unnest(s.rules) WITH ORDINALITY AS broken (rule, n)
    LEFT JOIN ref.rule k ON k.rule = broken.rule
    WHERE broken.n <= 3
    GROUP BY s.school_id
)
SELECT
    cast(:as_of AS date) AS as_of,
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
    j.judged_by,
    j.by_older_rules,
    a.completeness,
    a.known_at,
    a.is_final
FROM school s
LEFT JOIN reason r ON r.school_id = s.school_id
CROSS JOIN ops.state_at(:as_of, :known_at, ARRAY['school_register', 'readiness_report']) a
LEFT JOIN ref.unit_at(:as_of) u ON u.reporting_unit = s.subordination
LEFT JOIN ref.unit_at(:as_of) t ON t.reporting_unit = s.territory
LEFT JOIN judged j ON j.reading_id = s.reading_id
LEFT JOIN core.readiness_report_fact f ON f.reading_id = s.reading_id AND f.school_id = s.school_id
