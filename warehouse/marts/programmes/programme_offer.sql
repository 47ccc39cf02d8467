-- Программы, которым можно учиться, по отчётным единицам и направлениям.
-- Строка — отчётная единица и направление на дату: программы профессионального обучения и дополнительного образования, по последнему
-- каталогу. Ноль — каталог есть, программ в единице нет; без каталога направления цифр нет (NULL).
-- Ключ: reporting_unit, direction; имя: reporting_unit_name; формы: supplementary_catalogue, programme_catalogue.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: programmes, programmes_with_places, places, directions, directions_offered.
--   position: Порядок. Отчётные единицы, у каждой направления в порядке уровней.
--   reporting_unit: Код отчётной единицы. Где учат.
--   judged_by: Версия правил. По какой версии правил проверен каталог; пусто без каталога.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.form, h.as_of,
        CASE h.form WHEN 'programme_catalogue' THEN 'vocational_training' ELSE 'supplementary_education' END AS direction
    FROM ops.reading_at(:region, :as_of, :known_at) h
    WHERE h.form IN ('programme_catalogue', 'supplementary_catalogue')
),
programme AS (
    SELECT h.direction, f.profession AS title, f.hours, f.term_months, f.study_form, f.provider, f.municipality, f.places, f.starts_on
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.programme_catalogue_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    UNION ALL
    SELECT h.direction, f.title, f.hours, f.term_months, f.study_form, f.provider, f.municipality, f.places, f.starts_on
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.supplementary_catalogue_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
),
counted AS (
    SELECT p.direction, p.municipality, count(*) AS programmes, count(p.places) AS with_places, sum(p.places)::bigint AS places,
        count(DISTINCT lower(p.provider)) AS providers,
        min(p.hours) AS hours_least, max(p.hours) AS hours_most,
        max(p.term_months) AS months_most,
        string_agg(DISTINCT s.name, ', ' ORDER BY s.name) AS study_forms,
        string_agg(DISTINCT p.title, '; ' ORDER BY p.title) AS titles,
        min(p.starts_on) FILTER (WHERE p.starts_on >= :as_of) AS starts_next
    FROM programme p
    LEFT JOIN ref.study_form s ON s.study_form = p.study_form
    GROUP BY p.direction, p.municipality
)
SELECT
    row_number() OVER (ORDER BY u.position, d."position")::integer AS position,
    u.reporting_unit,
    u.name AS reporting_unit_name,
    d.direction,
    d.name AS direction_name,
    h.as_of AS catalogue_as_of,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.programmes, 0) END AS programmes,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.with_places, 0) END AS programmes_with_places,
    CASE WHEN h.reading_id IS NOT NULL AND c.programmes IS NULL AND a.programmes IS NULL THEN 0 ELSE c.places END AS places,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.providers, 0) END AS providers,
    c.hours_least,
    c.hours_most,
    c.months_most,
    c.study_forms,
    c.titles,
    c.starts_next,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(a.programmes, 0) END AS programmes_unplaced,
    CASE WHEN h.reading_id IS NOT NULL THEN 1 END AS directions,
    CASE WHEN h.reading_id IS NOT NULL THEN 
        CASE WHEN c.programmes > 0 THEN 1 WHEN coalesce(a.programmes, 0) = 0 THEN 0 END
    END AS directions_offered,
    h.reading_id
FROM ref.unit_at(:region, :as_of) u
JOIN ref.direction d ON d.direction IN ('supplementary_education', 'vocational_training')
LEFT JOIN held h ON h.direction = d.direction
LEFT JOIN counted c ON c.direction = d.direction AND c.municipality = u.reporting_unit
LEFT JOIN counted a ON a.direction = d.direction AND a.municipality IS NULL
