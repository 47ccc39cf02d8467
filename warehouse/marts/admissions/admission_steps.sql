-- Этапы приёма в колледжи.
-- Строка — этап приёмной кампании года, в который попадает дата: день или последний день, сколько до него осталось. Год в
-- календаре не печатают: он каждый год тот же, пока его не опубликуют заново.
-- Ключ: step; имя: step; формы: admission_calendar.
-- Доступ: регион.
--   position: Порядок. По дням года.
--   is_deadline: Последний день. «Да», если напечатано «до» или «по»; иначе это первый день.
--   judged_by: Версия правил. По какой версии правил проверен календарь приёма.
--   completeness: Полнота. Пусто: календарь никто не обязан присылать к сроку.
--   is_final: Окончательно. Всегда «нет»: календарь может смениться новым.
WITH printed AS (
    SELECT h.reading_id, f.step, f.date_as_printed,
        regexp_match(lower(f.date_as_printed), '^(?:(до|по|с)\s+)?(\d{1,2})(?:\.(\d{1,2})|\s+([а-яё]{3}))') AS parts
    FROM ops.reading_at(:region, :as_of, :known_at) h
    CROSS JOIN LATERAL (SELECT * FROM core.admission_calendar_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'admission_calendar'
),
dated AS (
    SELECT p.*, p.parts[2]::integer AS day,
        coalesce(p.parts[3]::integer, array_position(
            ARRAY['янв', 'фев', 'мар', 'апр', 'ма', 'июн', 'июл', 'авг', 'сен', 'окт', 'ноя', 'дек'],
            CASE WHEN p.parts[4] IN ('май', 'мая') THEN 'ма' ELSE p.parts[4] END
        )) AS month
    FROM printed p
),
-- 29 February of a common year is the day after the 28th.
of_year AS (
    SELECT d.*, make_date(extract(year FROM cast(:as_of AS date))::integer, d.month, 1) + d.day - 1 AS step_on FROM dated d
)
SELECT
    row_number() OVER (ORDER BY o.month, o.day, o.step)::integer AS position,
    o.step,
    o.date_as_printed,
    lpad(o.month::text, 2, '0') || '-' || lpad(o.day::text, 2, '0') AS month_day,
    coalesce(o.parts[1] IN ('до', 'по'), false) AS is_deadline,
    o.step_on,
    o.step_on - cast(:as_of AS date) AS days_to_step,
    1 AS admission_steps,
    CASE WHEN o.step_on < :as_of THEN 1 ELSE 0 END AS admission_steps_past,
    o.reading_id
FROM of_year o
