-- Подготовительные меры.
-- Строка — мера направления: выполнена ли. Без отметки мера не выполнена там, где на слайде отметки ставят; где их нет вовсе,
-- о ней не известно ничего.
-- Ключ: direction, measure; имя: measure; формы: preparatory_measures.
-- Доступ: регион.
-- Меры без поправок: measures, measures_done, measures_not_done, measures_not_known.
--   position: Порядок. По направлениям, как на слайдах, затем по названию.
--   direction: Код направления. Одно из шести, воспитательная работа (upbringing) или профильные классы (profile_classes).
--   judged_by: Версия правил. По какой версии правил проверена таблица мер.
--   completeness: Полнота. Пусто: таблицу мер никто не обязан присылать к сроку.
--   is_final: Окончательно. Всегда «нет»: таблица мер может смениться новой.
WITH listed AS (
    SELECT h.reading_id, f.direction, f.measure, f.ticked,
        coalesce(f.slide_has_ticks, bool_or(coalesce(f.ticked, false)) OVER (PARTITION BY h.reading_id)) AS has_ticks
    FROM ops.reading_at(:region, :as_of, :known_at) h
    CROSS JOIN LATERAL (SELECT * FROM core.preparatory_measures_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'preparatory_measures'
),
judged AS (
    SELECT l.*, CASE WHEN l.ticked THEN 'done' WHEN NOT l.ticked OR l.has_ticks THEN 'not_done' ELSE 'not_known' END AS measure_status
    FROM listed l
)
SELECT
    row_number() OVER (ORDER BY d.position, l.measure)::integer AS position,
    l.direction,
    d.name AS direction_name,
    l.measure,
    l.measure_status,
    l.has_ticks,
    1 AS measures,
    (l.measure_status = 'done')::integer AS measures_done,
    (l.measure_status = 'not_done')::integer AS measures_not_done,
    (l.measure_status = 'not_known')::integer AS measures_not_known,
    l.reading_id
FROM judged l
JOIN ref.preparation_direction d ON d.direction = l.direction
