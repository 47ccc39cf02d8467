-- Готовность школ по отчётным единицам.
-- Строка — отчётная единица на дату. Школы берутся из реестра по подчинению; школа, которой нет в отчёте её отправителя,
-- отчёт не представила. Без реестра или вне кампании цифр нет (NULL), а не ноль.
-- Ключ: reporting_unit; имя: reporting_unit_name.
--   as_of: На дату. День, за который показаны цифры.
--   position: Порядок. Место строки в печатной таблице.
--   reporting_unit: Код отчётной единицы. Постоянный; ОКТМО меняется, он нет.
--   reporting_unit_name: Отчётная единица. Название на эту дату.
--   oktmo: ОКТМО. Код, действующий на эту дату, текстом.
--   is_municipality: Муниципалитет. «Нет» у школ, подчинённых области.
--   campaign: Кампания. Та, что идёт на эту дату.
--   report_received: Отчёт получен. Есть ли принятый к учёту файл отправителя.
--   schools: Школ. По реестру на эту дату.
--   accepted: Верный отчёт. Школ, чья строка верна.
--   rejected: Неверный отчёт. Школ, в чьей строке ошибки.
--   missing: Не представлен отчёт. Школ, о которых отправитель не сообщил.
--   accepted_rate: Доля верных отчётов. accepted / schools, точно; проценты не усредняются.
--   band: Полоса. green, amber, red или no_data, когда делить не на что.
--   in_rule_gap: Промежуток правила. Доля между 50 % и 51 %, о которой легенда молчит.
--   band_rule_version: Версия правила полос. Какое правило действовало на эту дату.
--   judged_by: Версия правил. По какой версии правил проверен отчёт; пусто без отчёта.
--   by_older_rules: По прежним правилам. За дату отчёта уже судят другие правила: его нужно прочитать заново.
--   completeness: Полнота. Школ с загруженной строкой от школ реестра, от 0 до 1; отложенная строка — не загруженная; пусто вне кампании.
--   known_at: Известно на. Самое позднее прочтение, которое учтено.
--   is_final: Окончательно. Срок кампании прошёл, получены все отчёты и реестр, ничто не ждёт решения.
WITH counted AS (
    SELECT s.subordination,
        count(*) AS schools,
        count(*) FILTER (WHERE s.report_status = 'accepted') AS accepted,
        count(*) FILTER (WHERE s.report_status = 'rejected') AS rejected,
        count(*) FILTER (WHERE s.report_status = 'missing') AS missing,
        max(s.reading_id) AS reading_id
    FROM core.readiness_at(:as_of, :known_at) s
    GROUP BY s.subordination
),
running AS (
    SELECT
        (SELECT c.campaign FROM ref.campaign_at(:as_of) c WHERE c.campaign_form = 'readiness_report') AS campaign,
        EXISTS (SELECT FROM counted) AS has_register
),
unit AS (
    SELECT u.*, r.campaign, c.reading_id,
        CASE WHEN r.campaign IS NOT NULL THEN c.reading_id IS NOT NULL END AS report_received,
        CASE WHEN r.has_register THEN coalesce(c.schools, 0) END AS schools,
        CASE WHEN r.has_register AND r.campaign IS NOT NULL THEN coalesce(c.accepted, 0) END AS accepted,
        CASE WHEN r.has_register AND r.campaign IS NOT NULL THEN coalesce(c.rejected, 0) END AS rejected,
        CASE WHEN r.has_register AND r.campaign IS NOT NULL THEN coalesce(c.missing, 0) END AS missing
    FROM ref.unit_at(:as_of) u
    CROSS JOIN running r
    LEFT JOIN counted c ON c.subordination = u.reporting_unit
)
SELECT
    cast(:as_of AS date) AS as_of,
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
    b.band_rule_version,
    j.judged_by,
    j.by_older_rules,
    s.completeness,
    s.known_at,
    s.is_final
FROM unit u
LEFT JOIN ops.judged(ARRAY(SELECT c.reading_id FROM counted c)) j ON j.reading_id = u.reading_id
CROSS JOIN ops.state_at(:as_of, :known_at, ARRAY['school_register', 'readiness_report']) s
CROSS JOIN LATERAL ref.band_at(:as_of, u.accepted::numeric / nullif(u.schools, 0)) b
