-- Поправки: что из опубликованного потом изменилось.
-- Строка — одна цифра или полоса одной школы, отчётной единицы или отправителя на дату: какой была, какой стала, когда, по
-- какому документу или пересчёту и почему. Первой публикации даты здесь нет: поправляют только то, что уже было сказано.
-- Доступ: единица по reporting_unit.
--   as_of: На дату. День, за который была показана цифра.
--   position: Порядок. По времени поправки, показателю и имени.
--   metric: Показатель. Столбец витрины; у полосы и своевременности — чья она и какая.
--   grain: Чья цифра. school — школа, unit — отчётная единица, sender — отправитель и его форма.
--   code: Код. Код школы или отчётной единицы; у отправителя — форма и его код.
--   name: Название. Школа, отчётная единица или отправитель.
--   reporting_unit: Код отчётной единицы. У школы — кому она подчинена, у отправителя — его код.
--   difference: Изменение. Стало минус было, если это числа.
--   completeness: Полнота. У поправок не определена.
--   known_at: Известно на. Момент поправки.
--   is_final: Окончательно. Эту цифру с тех пор не поправляли.
WITH told AS NOT MATERIALIZED (  -- kept, it would be all dates ever told, and joined without knowing how many they are
    SELECT f.region, f.as_of, f.published_at, f.replaced_at, f.mart, f.grain, f.code, f.name, f.reporting_unit, f.metric, f.metric_name,
        f.figure
    FROM history.figure AS f
),
published AS (
    SELECT p.region, p.as_of, p.published_at, p.run_id,
        lag(p.published_at) OVER (PARTITION BY p.region, p.as_of ORDER BY p.published_at, p.publication_id) AS published_before
    FROM ops.publication AS p
),
-- A mart that speaks of a date for the first time corrects nothing.
since AS (SELECT t.region, t.as_of, t.mart, min(t.published_at) AS at FROM told AS t GROUP BY t.region, t.as_of, t.mart),
moved AS (
    SELECT b.region, b.as_of, b.replaced_at AS corrected_at, b.mart, b.grain, b.code, b.metric, b.metric_name,
        coalesce(a.name, b.name) AS name, coalesce(a.reporting_unit, b.reporting_unit) AS reporting_unit,
        b.figure AS was, a.figure AS became, b.published_at AS published_before
    FROM told AS b
    LEFT JOIN told AS a ON a.region = b.region AND a.as_of = b.as_of AND a.mart = b.mart AND a.code = b.code AND a.metric = b.metric
        AND a.published_at = b.replaced_at
    WHERE b.replaced_at < 'infinity' AND a.figure IS DISTINCT FROM b.figure
      AND (b.grain <> 'sender' OR b.figure IS NOT NULL AND a.figure IS NOT NULL)
    UNION ALL
    SELECT a.region, a.as_of, a.published_at, a.mart, a.grain, a.code, a.metric, a.metric_name, a.name, a.reporting_unit, NULL, a.figure,
        p.published_before
    FROM told AS a
    JOIN published AS p ON p.region = a.region AND p.as_of = a.as_of AND p.published_at = a.published_at
    JOIN since AS s ON s.region = a.region AND s.as_of = a.as_of AND s.mart = a.mart AND s.at <= p.published_before
    WHERE p.published_before IS NOT NULL AND a.figure IS NOT NULL AND a.grain <> 'sender'
      AND NOT EXISTS (SELECT FROM told AS b WHERE b.region = a.region AND b.as_of = a.as_of AND b.mart = a.mart AND b.code = a.code
                      AND b.metric = a.metric AND b.replaced_at = a.published_at)
),
explained AS (
    SELECT m.*, r.backfill_id, r.kind, n.documents, coalesce(f.reason, n.reason) AS reason,
        coalesce(f.requested_by, n.decided_by) AS requested_by, n.decided_by
    FROM moved AS m
    LEFT JOIN published AS p ON p.region = m.region AND p.as_of = m.as_of AND p.published_at = m.corrected_at
    CROSS JOIN LATERAL (
        SELECT string_agg(DISTINCT t.name, '; ' ORDER BY t.name) AS documents,
            string_agg(DISTINCT n.decision_reason, '; ' ORDER BY n.decision_reason) AS reason,
            string_agg(DISTINCT n.decided_by, '; ' ORDER BY n.decided_by) AS decided_by
        FROM ops.reading AS n
        JOIN ops.delivery AS d ON d.delivery_id = n.delivery_id
        -- What is sent of the region as a whole may move the figures of anybody.
        LEFT JOIN ref.form AS w
            ON w.form = n.form AND w.sender_kind <> 'reporting_unit' AND w.expected <> 'as_published'
        -- An export of pupils may be named after one.
        CROSS JOIN LATERAL (
            SELECT CASE n.form WHEN 'registration_export' THEN 'выгрузка ' || left(d.sha256, 7) ELSE d.file_name END AS name
        ) AS t
        WHERE n.region = m.region AND n.slice IS NOT NULL AND n.became_current_at > p.published_before AND n.became_current_at <= m.corrected_at
          AND (n.sender = m.reporting_unit OR w.form IS NOT NULL)
    ) AS n
    LEFT JOIN ops.run AS r ON r.run_id = p.run_id
    LEFT JOIN ops.backfill AS f ON f.backfill_id = r.backfill_id
)
SELECT
    e.region,
    e.as_of,
    row_number() OVER (
        PARTITION BY e.region, e.as_of ORDER BY e.corrected_at, e.grain, e.metric, e.name, e.code, e.mart
    )::integer AS position,
    e.metric,
    e.metric_name,
    e.grain,
    e.code,
    e.name,
    e.reporting_unit,
    e.was,
    e.became,
    CASE WHEN e.was ~ '^-?\d+$' AND e.became ~ '^-?\d+$' THEN e.became::bigint - e.was::bigint END AS difference,
    e.published_before,
    e.corrected_at,
    CASE
        WHEN e.kind = 'backfill revert' THEN 'revert'
        WHEN e.backfill_id IS NOT NULL THEN 'backfill'
        WHEN e.decided_by IS NOT NULL THEN 'decision'
        WHEN e.documents IS NOT NULL THEN 'delivery'
        ELSE 'rules'
    END AS cause,
    CASE WHEN e.backfill_id IS NULL THEN e.documents END AS documents,
    e.backfill_id,
    e.reason,
    e.requested_by,
    e.mart,
    NULL::numeric AS completeness,
    e.corrected_at AS known_at,
    lead(e.corrected_at) OVER (PARTITION BY e.region, e.as_of, e.mart, e.code, e.metric ORDER BY e.corrected_at) IS NULL AS is_final
FROM explained AS e
