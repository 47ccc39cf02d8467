-- Обучение навигаторов по уровням.
-- Строка — уровень школы в регионе на дату: сколько навигаторов, сколько обучено и скольким ещё учиться. Уровень школы —
-- самый высокий у её классов; школы без уровня — в строке без него.
-- Ключ: level; имя: level_name.
-- Доступ: итог по staffing_by_school.navigators.
--   position: Порядок. По числу часов уровня; без уровня — последняя.
--   level: Уровень. basic, main или advanced; unknown — классы школы ни к какому уровню не отнесены.
--   schools: Школ. Школ реестра этого уровня, чьи списки есть.
--   training_gap: Ещё учиться. Навигаторов без обучения, которого требует уровень: 36 часов на основном и продвинутом, любое на базовом; пусто без уровня.
SELECT
    school.region,
    school.as_of,
    coalesce(max(l.position), 4)::integer AS position,
    coalesce(school.level, 'unknown') AS level,
    coalesce(max(l.name), 'Уровень не выбран') AS level_name,
    count(*) AS schools,
    sum(school.navigators)::bigint AS navigators,
    sum(school.navigators_trained)::bigint AS navigators_trained,
    sum(school.navigators_trained) / nullif(sum(school.navigators), 0) AS trained_rate,
    sum(school.training_gap)::bigint AS training_gap,
    count(*) FILTER (WHERE school.navigators_trained = 0) AS schools_untrained,
    bool_or(school.by_older_rules) AS by_older_rules,
    max(school.completeness) AS completeness,
    max(school.known_at) AS known_at,
    bool_and(school.is_final) AS is_final
FROM mart.staffing_by_school AS school
LEFT JOIN ref.level l ON l.level = school.level
WHERE school.navigators IS NOT NULL
GROUP BY school.region, school.as_of, school.level
