-- Контроль поручений.
-- Строка — поручение на дату: срок, сколько до него осталось, что с ним на самом деле и на какой цифре какой витрины это держится.
-- Состояние поручения, которое измеряется, вычислено; со слов оно только там, где измерить нечем. Рядом — с какой ночи учебного года оно такое и каким
-- было до неё, и та же цифра не меньше чем неделю назад.
-- Ключ: number; имя: assignment.
-- Доступ: закрыто.
-- Меры без поправок: assignments, assignments_done, assignments_overdue.
--   status: Состояние. done — выполнено, in_progress — в работе, overdue — просрочено, contradiction — сказано «выполнено», а показатель ниже порога, unproven — сказано «выполнено», подтверждения нет, no_data — нет данных, withdrawn — снято с контроля.
WITH given AS MATERIALIZED (  -- a window keeps a date from the scans below it: each night is asked for its figures once
    SELECT a.*
    FROM history.assignment_list AS a
    WHERE a.published_at <= :known_at AND (a.replaced_at > :known_at OR a.replaced_at = 'infinity')
),
:part assignments/judged,
-- The same assignment is the same number and text of an academic year; a spell is a run of nights of one status.
spelt AS (
    SELECT b.*, sum((b.status IS DISTINCT FROM b.status_last)::integer) OVER nights AS spell
    FROM (
        SELECT j.*, date_trunc('year', j.as_of - interval '8 months') AS school_year, lag(j.status) OVER (
            PARTITION BY j.region, date_trunc('year', j.as_of - interval '8 months'), j.number, j.assignment ORDER BY j.as_of
        ) AS status_last
        FROM judged j
    ) b
    WINDOW nights AS (PARTITION BY b.region, b.school_year, b.number, b.assignment ORDER BY b.as_of)
),
followed AS (
    SELECT e.*, first_value(e.as_of) OVER since AS status_since, first_value(e.status_last) OVER since AS status_before,
        (SELECT max(p.as_of) FROM given p WHERE p.region = e.region AND p.as_of <= e.as_of - 7) AS before_as_of
    FROM spelt e
    WINDOW since AS (PARTITION BY e.region, e.school_year, e.number, e.assignment, e.spell ORDER BY e.as_of)
)
SELECT
    j.region,
    j.as_of,
    j.position,
    j.number,
    j.assignment,
    j.executor,
    j.controller,
    j.deadline_printed,
    j.deadline_kind,
    j.deadline_from,
    j.deadline_to,
    j.deadline_to - j.as_of AS days_to_deadline,
    j.status,
    concat(
        CASE j.status
            WHEN 'done' THEN 'выполнено'
            WHEN 'in_progress' THEN 'в работе'
            WHEN 'overdue' THEN 'просрочено'
            WHEN 'contradiction' THEN 'сказано «выполнено», а показатель ниже порога'
            WHEN 'unproven' THEN 'сказано «выполнено», подтверждения нет'
            WHEN 'withdrawn' THEN 'снято с контроля'
            ELSE 'нет данных'
        END,
        CASE WHEN j.share IS NOT NULL THEN format(': %s из %s', w.figure, w.whole) END,
        CASE WHEN j.share IS NOT NULL AND j.units_silent > 0 THEN format('; единиц без данных: %s', j.units_silent) END,
        CASE WHEN j.measured_by IS NOT NULL AND j.share IS NULL
            THEN format(': на эту дату в витрине %s цифр нет', j.measured_mart) END,
        CASE WHEN j.measured_by IS NULL AND j.stated_status IS NULL THEN ': показателя нет, об исполнении не сообщено'
            WHEN j.measured_by IS NULL THEN '; показателя нет, это слова исполнителя' END,
        CASE WHEN j.deadline_kind IS NULL THEN '; срок не понят' END
    ) AS status_words,
    j.status_since,
    j.status_before,
    j.stated_status,
    j.evidence,
    j.review_every,
    j.measured_by,
    j.measured_mart,
    j.measured_figure,
    j.measured_of,
    j.figure,
    j.whole,
    j.share AS figure_rate,
    j.threshold,
    j.units_silent,
    j.before_as_of,
    b.figure AS figure_before,
    b.whole AS whole_before,
    1 AS assignments,
    (j.status = 'done')::integer AS assignments_done,
    (j.status IN ('overdue', 'contradiction'))::integer AS assignments_overdue,
    j.list_as_of,
    j.by_older_rules,
    j.completeness,
    j.known_at,
    j.is_final
FROM followed j
-- Digits in threes, as everywhere; a comma before what is less than one.
CROSS JOIN LATERAL (
    SELECT replace(replace(rtrim(to_char(j.figure, 'FM999,999,999,990.999'), '.'), ',', U&'\00A0'), '.', ',') AS figure,
        replace(replace(rtrim(to_char(j.whole, 'FM999,999,999,990.999'), '.'), ',', U&'\00A0'), '.', ',') AS whole
) w
LEFT JOIN measured b ON b.region = j.region AND b.as_of = j.before_as_of AND b.number = j.number AND b.assignment = j.assignment
