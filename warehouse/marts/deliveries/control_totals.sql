-- Заявленное против вычисленного.
-- Строка — цифра, которую отправитель заявил сам («Итого», процент, остаток), рядом с той, что следует из его же строк;
-- строки опубликованных сводных — рядом с тем, что мы сами знаем об отчётной единице или обо всей области. Заявленное никогда
-- не загружается как данные. Школ сводные не называют, поэтому какие школы разошлись, по ним сказать нельзя.
-- Ключ: form, sender, reporting_unit, metric; имя: reporting_unit_name; формы: все.
-- Доступ: единица по sender.
--   position: Порядок. По форме, отправителю и печатному порядку; «Итого» последним.
--   sender: Код отправителя. Кто заявил.
--   data_as_of: Дата данных. На какую дату документ отправителя.
--   reporting_unit: Код отчётной единицы. Пусто у строки «Итого».
--   reporting_unit_name: Строка. Отчётная единица или «Итого».
--   judged_by: Версия правил. По какой версии правил проверен документ.
WITH held AS MATERIALIZED (SELECT * FROM ops.reading_at(:region, :as_of, :known_at)),
ready AS (
    SELECT d.as_of, s.subordination AS reporting_unit, count(*) AS schools,
        count(*) FILTER (WHERE s.report_status = 'accepted') AS accepted,
        count(*) FILTER (WHERE s.report_status = 'rejected') AS rejected,
        count(*) FILTER (WHERE s.report_status = 'missing') AS missing
    FROM (SELECT DISTINCT h.as_of FROM held h WHERE h.form = 'readiness_summary') d
    CROSS JOIN LATERAL core.readiness_at(:region, d.as_of, :known_at) s
    GROUP BY d.as_of, s.subordination
),
registered AS (
    SELECT d.as_of, s.subordination AS reporting_unit, sum(s.actual_pupils)::bigint AS actual_pupils
    FROM (SELECT DISTINCT h.as_of FROM held h WHERE h.form = 'registration_summary') d
    CROSS JOIN LATERAL core.registration_at(:region, d.as_of, :known_at) s
    GROUP BY d.as_of, s.subordination
),
planned AS (
    SELECT d.as_of, f.reporting_unit, sum(f.plan_pupils)::bigint AS plan_pupils
    FROM (SELECT DISTINCT h.as_of FROM held h WHERE h.form = 'registration_summary') d
    CROSS JOIN LATERAL ops.reading_at(:region, d.as_of, :known_at) r
    CROSS JOIN LATERAL (SELECT * FROM core.registration_plan_fact e WHERE e.reading_id = r.reading_id OFFSET 0) f
    WHERE r.form = 'registration_plan'
    GROUP BY d.as_of, f.reporting_unit
),
chosen AS (
    SELECT d.as_of, count(*) AS schools, count(s.reading_id) > 0 AS has_lists,
        count(*) FILTER (WHERE s.level = 'basic') AS schools_basic,
        count(*) FILTER (WHERE s.level = 'main') AS schools_main,
        count(*) FILTER (WHERE s.level = 'advanced') AS schools_advanced,
        CASE WHEN count(*) = count(s.pupils_6_11) THEN sum(s.pupils_6_11) END AS pupils_6_11,
        sum(s.pupils_planned) AS pupils_planned
    FROM (SELECT DISTINCT h.as_of FROM held h WHERE h.form = 'levels_summary') d
    CROSS JOIN LATERAL core.levels_at(:region, d.as_of, :known_at) s
    GROUP BY d.as_of
),
summary AS (
    SELECT r.reading_id, f.reporting_unit, e.metric, e.stated::numeric AS stated, e.computed::numeric AS computed, 0 AS tolerance
    FROM held r
    CROSS JOIN LATERAL (SELECT * FROM core.readiness_summary_fact e WHERE e.reading_id = r.reading_id OFFSET 0) f
    LEFT JOIN ready o ON o.as_of = r.as_of AND o.reporting_unit = f.reporting_unit
    CROSS JOIN LATERAL (VALUES ('schools', f.schools, o.schools), ('accepted', f.accepted, o.accepted),
                               ('rejected', f.rejected, o.rejected), ('missing', f.missing, o.missing))
        AS e (metric, stated, computed)
    WHERE r.form = 'readiness_summary'
    UNION ALL
    SELECT r.reading_id, f.reporting_unit, e.metric, e.stated, e.computed, 0
    FROM held r
    CROSS JOIN LATERAL (SELECT * FROM core.registration_summary_fact e WHERE e.reading_id = r.reading_id OFFSET 0) f
    LEFT JOIN registered o ON o.as_of = r.as_of AND o.reporting_unit = f.reporting_unit
    LEFT JOIN planned p ON p.as_of = r.as_of AND p.reporting_unit = f.reporting_unit
    CROSS JOIN LATERAL (VALUES ('plan_pupils', f.plan_pupils, p.plan_pupils),
                               ('actual_pupils', f.actual_pupils, o.actual_pupils)) AS e (metric, stated, computed)
    WHERE r.form = 'registration_summary'
    UNION ALL
    SELECT r.reading_id, NULL, e.metric, e.stated, e.computed, e.tolerance
    FROM held r
    CROSS JOIN LATERAL (SELECT * FROM core.levels_summary_fact e WHERE e.reading_id = r.reading_id OFFSET 0) f
    LEFT JOIN chosen c ON c.as_of = r.as_of
    CROSS JOIN LATERAL (VALUES
        ('schools', f.schools, c.schools, 0),
        ('schools_basic', f.schools_basic, CASE WHEN c.has_lists THEN c.schools_basic END, 0),
        ('schools_main', f.schools_main, CASE WHEN c.has_lists THEN c.schools_main END, 0),
        ('schools_advanced', f.schools_advanced, CASE WHEN c.has_lists THEN c.schools_advanced END, 0),
        ('pupils_6_11', f.pupils_6_11, c.pupils_6_11, 0),
        ('pupils_planned', f.pupils_planned, c.pupils_planned, 0),
        ('events_rate', f.coverage_rate, c.pupils_planned / nullif(c.pupils_6_11, 0), 0.005)
    ) AS e (metric, stated, computed, tolerance)
    WHERE r.form = 'levels_summary' AND e.stated IS NOT NULL
),
told AS (
    SELECT r.reading_id, t.reporting_unit, t.metric, t.stated, t.computed, t.tolerance, t.verdict
    FROM held r
    CROSS JOIN LATERAL (SELECT * FROM core.control_total_fact e WHERE e.reading_id = r.reading_id OFFSET 0) t
    UNION ALL
    SELECT s.reading_id, s.reporting_unit, s.metric, s.stated, s.computed, s.tolerance,
        CASE WHEN abs(s.stated - s.computed) <= s.tolerance OR s.stated IS NULL AND s.computed IS NULL
            THEN 'agrees' ELSE 'disagrees' END
    FROM summary s
)
SELECT
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
    r.reading_id
FROM held r
JOIN told t ON t.reading_id = r.reading_id
JOIN ref.form f ON f.form = r.form
JOIN ref.sender_at(:region, :as_of) c ON c.sender = r.sender
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = t.reporting_unit
