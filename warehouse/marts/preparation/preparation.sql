-- Подготовка по направлениям.
-- Строка — направление: сколько мер выполнено, не выполнено и о скольких не известно. Доля — из тех, о которых известно.
-- Ключ: direction; имя: direction_name.
-- Доступ: регион.
--   position: Порядок. По направлениям, как на слайдах.
SELECT
    m.region,
    m.as_of,
    row_number() OVER (PARTITION BY m.region, m.as_of ORDER BY min(m.position))::integer AS position,
    m.direction,
    m.direction_name,
    sum(m.measures) AS measures,
    sum(m.measures_done) AS measures_done,
    sum(m.measures_not_done) AS measures_not_done,
    sum(m.measures_not_known) AS measures_not_known,
    sum(m.measures_done)::numeric / nullif(sum(m.measures_done) + sum(m.measures_not_done), 0) AS measures_done_rate,
    bool_or(m.by_older_rules) AS by_older_rules,
    max(m.completeness) AS completeness,
    max(m.known_at) AS known_at,
    bool_and(m.is_final) AS is_final
FROM mart.preparation_measures AS m
GROUP BY m.region, m.as_of, m.direction, m.direction_name
