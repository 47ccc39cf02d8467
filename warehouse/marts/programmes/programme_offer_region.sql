-- Программы, которым можно учиться, в регионе.
-- Строка — направление на дату: все программы каталога, и те, у которых территория не названа.
-- Ключ: direction; имя: direction_name.
-- Доступ: итог.
--   position: Порядок. Направления в порядке уровней.
--   units: Отчётных единиц. Всех, если каталог направления есть.
--   programmes: Программ. Всех программ каталога, и без территории.
SELECT
    o.region,
    o.as_of,
    row_number() OVER (PARTITION BY o.region, o.as_of ORDER BY min(o.position))::integer AS position,
    o.direction,
    o.direction_name,
    max(o.catalogue_as_of) AS catalogue_as_of,
    (sum(o.programmes) + max(o.programmes_unplaced))::bigint AS programmes,
    sum(o.programmes)::bigint AS programmes_placed,
    sum(o.directions_offered)::bigint AS units_with_programmes,
    sum(o.directions)::bigint AS units,
    max(o.programmes_unplaced) AS programmes_unplaced,
    sum(o.places)::bigint AS places,
    bool_or(o.by_older_rules) AS by_older_rules,
    max(o.completeness) AS completeness,
    max(o.known_at) AS known_at,
    bool_and(o.is_final) AS is_final
FROM mart.programme_offer AS o
GROUP BY o.region, o.as_of, o.direction, o.direction_name
