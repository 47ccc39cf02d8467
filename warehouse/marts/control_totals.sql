-- Заявленное против вычисленного.
-- Строка — цифра, которую отправитель заявил сам («Итого», процент, остаток), рядом с той, что следует из его же строк.
-- Заявленное никогда не загружается как данные.
-- Ключ: form, sender, reporting_unit, metric; имя: reporting_unit_name.
--   as_of: На дату. День, за который показаны данные.
--   position: Порядок. По форме, отправителю и печатному порядку; «Итого» последним.
--   form: Форма. Код формы.
--   form_title: Название формы. Словами.
--   sender: Код отправителя. Кто заявил.
--   sender_name: Отправитель. Словами.
--   data_as_of: Дата данных. На какую дату документ отправителя.
--   reporting_unit: Код отчётной единицы. Пусто у строки «Итого».
--   reporting_unit_name: Строка. Отчётная единица или «Итого».
--   metric: Показатель. Столбец формы, о котором речь.
--   stated: Заявлено. Как напечатал отправитель.
--   computed: Вычислено. Из строк того же документа.
--   difference: Расхождение. Заявлено минус вычислено.
--   tolerance: Допуск. Насколько они вправе расходиться из-за округления.
--   verdict: Итог сверки. agrees — сошлось, disagrees — нет.
--   judged_by: Версия правил. По какой версии правил проверен документ.
--   by_older_rules: По прежним правилам. За дату документа уже судят другие правила: его нужно прочитать заново.
--   completeness: Полнота. Получено из ожидаемого по всем формам, от 0 до 1.
--   known_at: Известно на. Самое позднее прочтение, которое учтено.
--   is_final: Окончательно. Сроки прошли и получено всё, что ожидалось.
WITH held AS MATERIALIZED (SELECT * FROM ops.reading_at(:as_of, :known_at))
SELECT
    cast(:as_of AS date) AS as_of,
    row_number() OVER (
        ORDER BY f.title, c.name, u.position, t.reporting_unit NULLS LAST, t.metric, t.stated, t.computed
    )::integer AS position,
    r.form,
    f.title AS form_title,
    r.sender,
    c.name AS sender_name,
    r.as_of AS data_as_of,
    t.reporting_unit,
    CASE WHEN t.reporting_unit IS NULL THEN 'Итого' ELSE coalesce(u.name, t.reporting_unit) END AS reporting_unit_name,
    t.metric,
    t.stated,
    t.computed,
    t.stated - t.computed AS difference,
    t.tolerance,
    t.verdict,
    j.judged_by,
    j.by_older_rules,
    s.completeness,
    s.known_at,
    s.is_final
FROM held r
CROSS JOIN LATERAL (SELECT * FROM core.control_total_fact e WHERE e.reading_id = r.reading_id OFFSET 0) t
JOIN ops.judged(ARRAY(SELECT h.reading_id FROM held h)) j ON j.reading_id = r.reading_id
JOIN ref.form f ON f.form = r.form
JOIN ref.sender_at(:as_of) c ON c.sender = r.sender
LEFT JOIN ref.unit_at(:as_of) u ON u.reporting_unit = t.reporting_unit
CROSS JOIN ops.state_at(:as_of, :known_at, ARRAY(SELECT form FROM ref.form)) s
