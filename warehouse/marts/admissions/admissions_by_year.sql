-- Приём в колледжи по годам.
-- Строка — год приёма: суммы по строкам действующей таблицы. Цифры, о которых есть предупреждение, не убраны: они под вопросом,
-- пока сотрудник не принял пояснение (profmin incidents explain).
-- Ключ: year; имя: year; формы: admissions.
-- Доступ: регион.
--   position: Порядок. По годам.
--   enrolled: Зачислено. Людей; пусто, если известно не обо всех строках года.
--   decision: Решение. waits — ждёт, explained — пояснено и ждёт решения, accepted — пояснения приняты, ordinary — решать нечего.
--   judged_by: Версия правил. По какой версии правил проверена таблица приёма.
--   completeness: Полнота. Пусто: таблицу приёма никто не обязан присылать к сроку.
--   known_at: Известно на. Самое позднее прочтение, пояснение или решение, которое учтено.
--   is_final: Окончательно. Всегда «нет»: таблица приёма может смениться новой.
WITH held AS MATERIALIZED (
    SELECT h.reading_id FROM ops.reading_at(:region, :as_of, :known_at) h WHERE h.form = 'admissions'
),
explained AS MATERIALIZED (
    SELECT x.finding_id, x.decision, x.known_at
    FROM ops.explained_at(:region, ARRAY(SELECT h.reading_id FROM held h), :known_at) x
),
-- A finding is of the row with its key, and the key begins with the year. Rows that were set aside are no figures. Of several
-- decisions the last by name is the worst: accepted, explained, waits.
found AS (
    SELECT f.reading_id, f.row_key, substring(f.row_key FROM '\d{4}')::integer AS year, f.rule, f.column_name, f.value,
        CASE WHEN x.finding_id IS NULL THEN 'waits' WHEN x.decision = 'accepted' THEN 'accepted' ELSE 'explained' END AS decision,
        x.known_at
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM ops.finding e WHERE e.reading_id = h.reading_id OFFSET 0) f
    LEFT JOIN explained x ON x.finding_id = f.finding_id
    WHERE f.severity = 'warning' AND f.scope = 'row' AND f.row_key IS NOT NULL
      AND NOT EXISTS (
          SELECT FROM ops.finding w
          WHERE w.reading_id = f.reading_id AND w.row_key = f.row_key AND w.severity = 'error'
      )
),
anomaly AS (
    SELECT f.year, count(*) AS anomalies, count(*) FILTER (WHERE f.decision <> 'accepted') AS anomalies_waiting,
        count(DISTINCT (f.reading_id, f.row_key)) FILTER (WHERE f.decision <> 'accepted') AS rows_in_question,
        string_agg(
            k.what || CASE f.decision WHEN 'accepted' THEN ' Принято.' WHEN 'explained' THEN ' Пояснено, ждёт решения.'
                ELSE ' Ждёт решения.' END,
            ' ' ORDER BY f.rule, f.row_key
        ) AS anomaly,
        max(f.decision) FILTER (WHERE f.column_name = 'budget_places') AS places_decision,
        max(f.decision) FILTER (WHERE f.column_name = 'stated_per_place') AS per_place_decision,
        max(f.decision) FILTER (WHERE f.column_name = 'average_mark') AS mark_decision,
        max(f.decision) AS decision,
        CASE WHEN count(DISTINCT f.row_key) FILTER (WHERE f.column_name = 'stated_per_place') = 1
            THEN max(f.value) FILTER (WHERE f.column_name = 'stated_per_place') END AS stated_per_place,
        max(f.known_at) AS known_at
    FROM found f
    JOIN ref.rule k ON k.rule = f.rule
    GROUP BY f.year
),
counted AS (
    SELECT h.reading_id, f.year::integer AS year, count(*) AS admission_rows,
        sum(f.budget_places)::bigint AS budget_places, sum(f.applications)::bigint AS applications,
        CASE WHEN count(*) = 1 THEN max(f.applicants) END AS applicants,
        CASE WHEN count(*) = count(f.enrolled) THEN sum(f.enrolled)::bigint END AS enrolled,
        CASE WHEN count(*) = 1 THEN max(f.average_mark)
            WHEN count(*) = count(f.enrolled * f.average_mark) THEN sum(f.enrolled * f.average_mark) / nullif(sum(f.enrolled), 0)
        END AS average_mark
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.admissions_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    GROUP BY h.reading_id, f.year
)
SELECT
    row_number() OVER (ORDER BY c.year)::integer AS position,
    c.year,
    c.budget_places,
    a.places_decision,
    c.applications,
    c.applications::numeric / nullif(c.budget_places, 0) AS applications_per_place,
    a.stated_per_place,
    a.per_place_decision,
    c.applicants,
    c.enrolled,
    c.average_mark,
    a.mark_decision,
    coalesce(a.decision, 'ordinary') AS decision,
    coalesce(a.anomalies_waiting, 0) > 0 AS in_question,
    a.anomaly,
    coalesce(a.anomalies, 0) AS anomalies,
    coalesce(a.anomalies_waiting, 0) AS anomalies_waiting,
    c.admission_rows,
    c.admission_rows - coalesce(a.rows_in_question, 0) AS admission_rows_settled,
    greatest(s.known_at, a.known_at) AS known_at,
    c.reading_id
FROM counted c
CROSS JOIN state s
LEFT JOIN anomaly a ON a.year = c.year
