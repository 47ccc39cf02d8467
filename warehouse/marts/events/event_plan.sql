-- План мероприятий по месяцам.
-- Строка — месяц учебного года и отчётная единица на дату: что запланировано и что с этим стало, по последнему плану. Месяц без
-- мероприятий — строка с нулями; без плана единицы цифр нет.
-- Ключ: reporting_unit, month; имя: reporting_unit_name; формы: event_plan.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: events, events_planned, events_held, events_moved, events_cancelled, events_overdue.
-- Показатель: events_held_rate = events_held / events; совокупность: мероприятия плана на этот месяц.
--   reporting_unit: Код отчётной единицы. Чей план.
--   plan_as_of: Дата плана. На какую дату составлен последний план.
--   judged_by: Версия правил. По какой версии правил проверен план; пусто без плана.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender, h.as_of FROM ops.reading_at(:region, :as_of, :known_at) h WHERE h.form = 'event_plan'
),
months AS (
    SELECT n::integer AS place, ((n + 7) % 12 + 1)::integer AS month,
        make_date(ref.academic_year(:as_of) + CASE WHEN n > 4 THEN 1 ELSE 0 END, ((n + 7) % 12 + 1)::integer, 1) AS first_day
    FROM generate_series(1, 12) AS n
),
event AS (
    SELECT h.sender, f.month::integer AS month, f.status, coalesce(f.planned_on, (m.first_day + interval '1 month')::date - 1) AS due_on
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.event_plan_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    JOIN months m ON m.month = f.month::integer
),
counted AS (
    SELECT e.sender, e.month, count(*) AS events,
        count(*) FILTER (WHERE e.status = 'planned') AS events_planned,
        count(*) FILTER (WHERE e.status = 'held') AS events_held,
        count(*) FILTER (WHERE e.status = 'moved') AS events_moved,
        count(*) FILTER (WHERE e.status = 'cancelled') AS events_cancelled,
        count(*) FILTER (WHERE e.status = 'planned' AND e.due_on < :as_of) AS events_overdue
    FROM event e
    GROUP BY e.sender, e.month
)
SELECT
    row_number() OVER (ORDER BY u.position, m.place)::integer AS position,
    u.reporting_unit,
    u.name AS reporting_unit_name,
    m.month,
    h.as_of AS plan_as_of,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.events, 0) END AS events,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.events_planned, 0) END AS events_planned,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.events_held, 0) END AS events_held,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.events_moved, 0) END AS events_moved,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.events_cancelled, 0) END AS events_cancelled,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.events_overdue, 0) END AS events_overdue,
    c.events_held::numeric / nullif(c.events, 0) AS events_held_rate,
    h.reading_id
FROM ref.unit_at(:region, :as_of) u
CROSS JOIN months m
LEFT JOIN held h ON h.sender = u.reporting_unit
LEFT JOIN counted c ON c.sender = u.reporting_unit AND c.month = m.month
