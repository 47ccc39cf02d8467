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
WITH published AS NOT MATERIALIZED (
    SELECT p.region, p.as_of, p.published_at, p.run_id,
        lag(p.published_at) OVER (PARTITION BY p.region, p.as_of ORDER BY p.published_at, p.publication_id) AS published_before
    FROM ops.publication AS p
),
again AS NOT MATERIALIZED (
    SELECT p.region, p.as_of, min(p.published_at) AS first_at
    FROM ops.publication AS p
    GROUP BY p.region, p.as_of
    HAVING max(p.published_at) > min(p.published_at)
),
-- Date by date, of what was replaced and what came after the first publication: joined at once, all figures ever told are.
moved AS (
    SELECT d.region, d.as_of, m.*
    FROM again AS d
    CROSS JOIN LATERAL (
        SELECT coalesce(b.replaced_at, a.published_at) AS corrected_at, coalesce(b.mart, a.mart) AS mart, coalesce(b.grain, a.grain) AS grain,
            coalesce(b.code, a.code) AS code, coalesce(b.metric, a.metric) AS metric, coalesce(b.metric_name, a.metric_name) AS metric_name,
            coalesce(a.name, b.name) AS name, coalesce(a.reporting_unit, b.reporting_unit) AS reporting_unit, b.figure AS was, a.figure AS became,
            b.published_at AS told_at
        FROM (SELECT f.* FROM history.figure AS f WHERE f.region = d.region AND f.as_of = d.as_of AND f.replaced_at < 'infinity') AS b
        FULL JOIN (
            SELECT f.* FROM history.figure AS f WHERE f.region = d.region AND f.as_of = d.as_of AND f.published_at > d.first_at
        ) AS a ON a.mart = b.mart AND a.code = b.code AND a.metric = b.metric AND a.published_at = b.replaced_at
        WHERE a.figure IS DISTINCT FROM b.figure
          AND (coalesce(b.grain, a.grain) <> 'sender' OR b.figure IS NOT NULL AND a.figure IS NOT NULL)
        OFFSET 0
    ) AS m
),
explained AS (
    SELECT m.*, coalesce(m.told_at, p.published_before) AS published_before, r.backfill_id, r.kind, n.documents, coalesce(f.reason, n.reason) AS reason,
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
    -- A mart that speaks of a date for the first time corrects nothing.
    WHERE m.told_at IS NOT NULL OR EXISTS (
        SELECT FROM history.figure AS s
        WHERE s.region = m.region AND s.as_of = m.as_of AND s.mart = m.mart AND s.published_at <= p.published_before
    )
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
