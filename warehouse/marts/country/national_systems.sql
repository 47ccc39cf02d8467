-- Страна по системам источника.
-- Строка — система источника на дату: главная цифра страны, из скольких, сколько регионов о ней сообщили, у скольких она окончательна, в какой полосе сколько
-- регионов, каждый по своим правилам. Цифры — суммы последних опубликованных дней регионов, не старше недели: contracts/vocabulary/system_figures.csv.
-- Ключ: system; имя: system_name.
-- Доступ: страна.
--   position: Порядок. По таблице систем, contracts/vocabulary/systems.csv.
WITH day AS (
    :country_days
),
told AS (
    :country_figures
)
SELECT
    'RU' AS region,
    d.as_of,
    s.position,
    s.system,
    s.name AS system_name,
    s.title AS system_title,
    sum(t.figure) FILTER (WHERE t.whole IS NOT NULL) AS figure,
    sum(t.whole) FILTER (WHERE t.figure IS NOT NULL) AS whole,
    sum(t.figure) FILTER (WHERE t.whole IS NOT NULL) / nullif(sum(t.whole) FILTER (WHERE t.figure IS NOT NULL), 0) AS figure_rate,
    count(*) AS regions,
    count(t.figure) AS regions_told,
    count(t.figure) FILTER (WHERE d.day = d.as_of) AS regions_of_day,
    count(t.figure) FILTER (WHERE t.is_final) AS regions_final,
    string_agg(d.region_name, ', ' ORDER BY d.position) FILTER (WHERE t.figure IS NULL) AS regions_absent,
    min(d.day) FILTER (WHERE t.figure IS NOT NULL) AS earliest_as_of,
    min(t.completeness) FILTER (WHERE t.figure IS NOT NULL) AS least_completeness,
    count(*) FILTER (WHERE b.band = 'green' AND t.figure IS NOT NULL) AS regions_green,
    count(*) FILTER (WHERE b.band = 'amber' AND t.figure IS NOT NULL) AS regions_amber,
    count(*) FILTER (WHERE b.band = 'red' AND t.figure IS NOT NULL) AS regions_red,
    bool_or(t.by_older_rules) AS by_older_rules,
    count(t.figure)::numeric / count(*) AS completeness,
    max(t.known_at) AS known_at,
    bool_and(t.figure IS NOT NULL AND coalesce(t.is_final, false)) AS is_final
FROM day AS d
CROSS JOIN ref.system AS s
LEFT JOIN told AS t ON t.region = d.region AND t.as_of = d.as_of AND t.system = s.system
LEFT JOIN LATERAL ref.band_of(t.region, t.band_rule_version, t.figure / nullif(t.whole, 0)) AS b ON t.band_rule_version IS NOT NULL
GROUP BY d.as_of, s.position, s.system, s.name, s.title
