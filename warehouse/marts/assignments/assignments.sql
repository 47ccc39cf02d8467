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
-- A column that no mart has is nothing, and so is a mart that has no rows on the day: both are no data.
told AS (
    SELECT g.region, g.as_of, g.number, m.reporting_unit,
        sum((m.said ->> g.measured_figure)::numeric) AS figure,
        sum((m.said ->> g.measured_figure)::numeric) FILTER (WHERE m.said ->> g.measured_of IS NOT NULL) AS figure_of_whole,
        sum((m.said ->> g.measured_of)::numeric) FILTER (WHERE m.said ->> g.measured_figure IS NOT NULL) AS whole
    FROM given g
    CROSS JOIN LATERAL (
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM history.readiness_by_municipality AS m
        WHERE g.measured_mart = 'readiness_by_municipality' AND m.region = g.region AND m.as_of = g.as_of
          AND m.published_at <= :known_at AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM history.registration_by_municipality AS m
        WHERE g.measured_mart = 'registration_by_municipality' AND m.region = g.region AND m.as_of = g.as_of
          AND m.published_at <= :known_at AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM history.level_coverage AS m
        WHERE g.measured_mart = 'level_coverage' AND m.region = g.region AND m.as_of = g.as_of
          AND m.published_at <= :known_at AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM history.lessons_in_timetable AS m
        WHERE g.measured_mart = 'lessons_in_timetable' AND m.region = g.region AND m.as_of = g.as_of
          AND m.published_at <= :known_at AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM history.partners_by_unit AS m
        WHERE g.measured_mart = 'partners_by_unit' AND m.region = g.region AND m.as_of = g.as_of
          AND m.published_at <= :known_at AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM history.practice AS m
        WHERE g.measured_mart = 'practice' AND m.region = g.region AND m.as_of = g.as_of
          AND m.published_at <= :known_at AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
          -- Of a mart of months only those count that lie within the deadline.
          AND coalesce(make_date(
              extract(year FROM g.as_of)::integer - (extract(month FROM g.as_of) < 9)::integer + (m.month < 9)::integer, m.month, 1
          ) BETWEEN date_trunc('month', g.deadline_from) AND g.deadline_to, true)
    ) m
    GROUP BY g.region, g.as_of, g.number, g.measured_figure, g.measured_of, m.reporting_unit
),
counted AS (
    SELECT t.region, t.as_of, t.number,
        CASE WHEN count(t.figure) = 0 THEN NULL
            WHEN min(g.measured_of) = 'units' THEN count(*) FILTER (WHERE t.figure > 0)
            ELSE sum(t.figure_of_whole)
        END AS figure,
        CASE WHEN count(t.figure) = 0 THEN NULL WHEN min(g.measured_of) = 'units' THEN count(*) ELSE sum(t.whole) END AS whole,
        count(*) FILTER (WHERE t.figure IS NULL) AS units_silent
    FROM told t
    JOIN given g USING (region, as_of, number)
    GROUP BY t.region, t.as_of, t.number
),
measured AS (
    SELECT g.*, n.figure, n.whole, n.figure / nullif(n.whole, 0) AS share, n.units_silent, g.as_of > g.deadline_to AS is_past
    FROM given g
    LEFT JOIN counted n USING (region, as_of, number)
),
judged AS (
    SELECT m.*,
        CASE
            WHEN m.stated_status = 'withdrawn' THEN 'withdrawn'
            WHEN m.measured_by IS NOT NULL THEN CASE
                WHEN m.share IS NULL THEN 'no_data'
                WHEN m.share >= m.threshold AND m.units_silent = 0 AND (m.deadline_kind <> 'ongoing' OR m.is_past) THEN 'done'
                WHEN m.share < m.threshold AND m.stated_status = 'done' THEN 'contradiction'
                WHEN m.is_past THEN 'overdue'
                ELSE 'in_progress'
            END
            WHEN m.stated_status = 'done' AND m.evidence IS NOT NULL THEN 'done'
            WHEN m.stated_status = 'done' THEN 'unproven'
            WHEN m.is_past THEN 'overdue'
            WHEN m.stated_status IS NULL THEN 'no_data'
            ELSE 'in_progress'
        END AS status
    FROM measured m
),
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
        CASE WHEN j.share IS NOT NULL THEN format(': %s из %s', j.figure, j.whole) END,
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
LEFT JOIN measured b ON b.region = j.region AND b.as_of = j.before_as_of AND b.number = j.number AND b.assignment = j.assignment
