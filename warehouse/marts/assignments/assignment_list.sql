-- Поручения, как они даны.
-- Строка — поручение последней таблицы на дату: текст, срок, как он напечатан и как прочитан, что сказано об исполнении и какой показатель
-- его измеряет. Что из этого следует, говорит витрина assignments.
-- Показатель находят по словам текста (contracts/vocabulary/assignment_metrics.csv): другой номер ничего не меняет, у другого текста показателя нет.
-- Ключ: number; имя: assignment; формы: assignments.
-- Доступ: закрыто.
--   position: Порядок. По номеру поручения.
--   judged_by: Версия правил. По какой версии правил проверена таблица поручений.
--   completeness: Полнота. Пусто: таблицу никто не обязан присылать к сроку.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.as_of FROM ops.reading_at(:region, :as_of, :known_at) h WHERE h.form = 'assignments'
),
given AS (
    SELECT h.as_of AS list_as_of, f.*
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.assignments_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
)
SELECT
    row_number() OVER (
        ORDER BY lpad(substring(g.number FROM '\d+'), 9, '0') NULLS LAST, lpad(substring(g.number FROM '\d+\D+(\d+)'), 9, '0') NULLS FIRST,
            g.number
    )::integer AS position,
    g.number,
    g.assignment,
    g.deadline AS deadline_printed,
    d.kind AS deadline_kind,
    d.starts_on AS deadline_from,
    d.ends_on AS deadline_to,
    g.executor,
    g.controller,
    g.status AS stated_status,
    g.evidence,
    g.review_every,
    m.name AS measured_by,
    m.mart AS measured_mart,
    m.figure AS measured_figure,
    m.of AS measured_of,
    m.threshold,
    g.list_as_of,
    g.reading_id
FROM given g
-- In August tasks are set for the year that is to come, but for those of that August.
LEFT JOIN ref.deadline_of(
    g.deadline, ref.academic_year(g.list_as_of + 31) - (extract(month FROM g.list_as_of) = 8 AND g.deadline ~* 'август')::integer
) d ON true
LEFT JOIN ref.assignment_metric_at(:region, :as_of, g.assignment) m ON true
