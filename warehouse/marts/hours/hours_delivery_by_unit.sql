-- Выполнение часов по отчётным единицам и направлениям.
-- Строка — отчётная единица и направление на дату: суммы по классам её распределения. Доля — из сумм, точно.
-- Ключ: reporting_unit, direction; имя: reporting_unit_name.
-- Доступ: единица по reporting_unit.
--   position: Порядок. По печатному порядку отчётных единиц, затем по направлению.
SELECT
    h.region,
    h.as_of,
    row_number() OVER (PARTITION BY h.region, h.as_of ORDER BY min(h.position))::integer AS position,
    h.reporting_unit,
    h.reporting_unit_name,
    h.direction,
    h.direction_name,
    count(*) AS classes,
    count(*) FILTER (WHERE h.hours_behind > 0) AS classes_behind,
    count(*) FILTER (WHERE NOT h.in_reach) AS classes_out_of_reach,
    sum(h.hours_norm) AS hours_norm,
    sum(h.hours_given) AS hours_given,
    sum(h.hours_given) / nullif(sum(h.hours_norm) FILTER (WHERE h.hours_given IS NOT NULL), 0) AS hours_given_rate,
    bool_or(h.by_older_rules) AS by_older_rules,
    max(h.completeness) AS completeness,
    max(h.known_at) AS known_at,
    bool_and(h.is_final) AS is_final
FROM mart.hours_delivery AS h
GROUP BY h.region, h.as_of, h.reporting_unit, h.reporting_unit_name, h.direction, h.direction_name
