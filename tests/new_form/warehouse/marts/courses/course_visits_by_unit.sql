-- Посещение курсов по отчётным единицам.
-- Строка — отчётная единица на дату: все месяцы учебного года до неё, месяц — по последнему документу о нём.
-- Ключ: reporting_unit; имя: reporting_unit_name; формы: course_visits.
-- Доступ: единица по reporting_unit.
-- Меры: visitors.
-- Показатель: month_share = months / months_due; полоса: band «Полоса: курсы»; совокупность: месяцы, за которые документ есть.
--   judged_by: Версия правил. По какой версии правил прочитаны документы месяцев.
WITH month AS (
    SELECT r.sender, r.as_of, sum(f.visitors)::bigint AS visitors
    FROM ops.readings_of_year(:region, :as_of, :known_at, 'course_visits') r
    CROSS JOIN LATERAL (SELECT * FROM core.course_visits_fact e WHERE e.reading_id = r.reading_id OFFSET 0) f
    GROUP BY r.sender, r.as_of
),
unit AS (SELECT m.sender, count(*) AS months, sum(m.visitors)::bigint AS visitors FROM month m GROUP BY m.sender),
rule AS MATERIALIZED (SELECT ref.band_rule_at(:region, :as_of) AS band_rule_version)
SELECT
    u.position::integer AS position,
    u.reporting_unit,
    u.name AS reporting_unit_name,
    coalesce(n.months, 0) AS months,
    2::bigint AS months_due,
    n.visitors,
    coalesce(n.months, 0)::numeric / 2 AS month_share,
    b.band,
    b.in_rule_gap,
    v.band_rule_version
FROM ref.unit_at(:region, :as_of) u
CROSS JOIN rule v
LEFT JOIN unit n ON n.sender = u.reporting_unit
CROSS JOIN LATERAL ref.band_of(:region, v.band_rule_version, coalesce(n.months, 0)::numeric / 2) b
