-- Регионы страны по системам источника.
-- Строка — регион на дату страны: какой его день взят, и главная цифра каждой системы, из скольких, доля, полоса по правилам региона. Регион, который за неделю
-- ничего не опубликовал, стоит здесь без цифр; пусто у остальных — об этой системе он ничего не получил. Региона ждут от первого дня, который он опубликовал,
-- или с тех пор, как хранилище знает его пакет, если это раньше; убранный стоит здесь, пока действуют его цифры, неделю после последнего дня.
-- Ключ: region_code; имя: region_name.
-- Доступ: страна.
--   position: Порядок. Как регионы стоят в хранилище.
--   systems_told: Известно. По скольким системам у региона есть цифра.
--   completeness: Полнота. Доля систем с цифрой, из тех, у которых она бывает.
--   is_final: Окончательно. Всё, о чём регион сообщил, окончательно.
WITH day AS (
    :country_days
),
said AS (
    :country_figures
),
told AS (
    SELECT s.*, b.band
    FROM said AS s
    LEFT JOIN LATERAL ref.band_of(s.region, s.band_rule_version, s.figure / nullif(s.whole, 0)) AS b ON s.band_rule_version IS NOT NULL
    WHERE s.figure IS NOT NULL
)
SELECT
    'RU' AS region,
    d.as_of,
    d.position,
    d.region AS region_code,
    d.region_name,
    d.time_zone,
    d.day AS region_as_of,
    d.last_as_of,
    count(t.system) AS systems_told,
    :country_systems,
    bool_or(t.by_older_rules) AS by_older_rules,
    count(t.system)::numeric / (SELECT count(*) FROM ref.system AS s WHERE s.mart IS NOT NULL) AS completeness,
    max(t.known_at) AS known_at,
    coalesce(bool_and(t.is_final), false) AS is_final
FROM day AS d
LEFT JOIN told AS t ON t.region = d.region AND t.as_of = d.as_of
GROUP BY d.as_of, d.position, d.region, d.region_name, d.time_zone, d.day, d.last_as_of
