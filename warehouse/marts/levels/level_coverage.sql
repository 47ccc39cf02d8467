-- Уровни и охват по отчётным единицам.
-- Строка — отчётная единица на дату: сколько её школ и классов на каждом уровне по списку классов, который действует, и кого
-- охватят мероприятия и курс. Уровень школы — самый высокий из уровней её классов. Без списка цифр нет (NULL), а не ноль.
-- Две совокупности не смешиваются: в мероприятиях участвуют не все (цель — доля), курс «Россия – мои горизонты» — для всех.
-- Знаменатель у обеих один: обучающиеся 6–11 классов всех школ единицы, и тех, которых в списке нет.
-- Ключ: reporting_unit; имя: reporting_unit_name; формы: school_register, level_choice.
-- Доступ: единица по reporting_unit.
-- Меры: schools, schools_basic, schools_main, schools_advanced, classes, classes_basic, classes_main, classes_advanced, pupils_6_11, pupils_planned, course_pupils.
-- Меры без поправок: schools_listed, schools_without_pupils, events_lacking, course_lacking.
-- Показатель: events_rate = pupils_planned / pupils_6_11; совокупность: обучающиеся 6–11 классов школ единицы; мероприятия.
-- Показатель: course_rate = course_pupils / pupils_6_11; совокупность: обучающиеся 6–11 классов школ единицы; курс.
--   judged_by: Версия правил. По какой версии правил проверен список классов; пусто без списка.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender FROM ops.reading_at(:region, :as_of, :known_at) h WHERE h.form = 'level_choice'
),
unit AS (
    SELECT s.subordination, count(*) AS schools,
        count(*) FILTER (WHERE s.pupils_6_11 = 0) AS schools_without_pupils,
        count(s.level) AS schools_listed,
        count(*) FILTER (WHERE s.level = 'basic') AS schools_basic,
        count(*) FILTER (WHERE s.level = 'main') AS schools_main,
        count(*) FILTER (WHERE s.level = 'advanced') AS schools_advanced,
        coalesce(sum(s.classes), 0)::bigint AS classes,
        coalesce(sum(s.classes_basic), 0)::bigint AS classes_basic,
        coalesce(sum(s.classes_main), 0)::bigint AS classes_main,
        coalesce(sum(s.classes_advanced), 0)::bigint AS classes_advanced,
        CASE WHEN count(*) = count(s.pupils_6_11) THEN sum(s.pupils_6_11)::bigint END AS pupils_6_11,
        coalesce(sum(s.pupils), 0)::bigint AS course_pupils,
        coalesce(sum(s.pupils_planned), 0)::bigint AS pupils_planned
    FROM core.levels_at(:region, :as_of, :known_at) s
    GROUP BY s.subordination
),
counted AS (
    SELECT u.position, u.reporting_unit, u.name, u.kind, h.reading_id, n.schools, n.schools_without_pupils, n.pupils_6_11,
        CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.schools_listed, 0) END AS schools_listed,
        CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.schools_basic, 0) END AS schools_basic,
        CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.schools_main, 0) END AS schools_main,
        CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.schools_advanced, 0) END AS schools_advanced,
        CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.classes, 0) END AS classes,
        CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.classes_basic, 0) END AS classes_basic,
        CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.classes_main, 0) END AS classes_main,
        CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.classes_advanced, 0) END AS classes_advanced,
        CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.pupils_planned, 0) END AS pupils_planned,
        CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.course_pupils, 0) END AS course_pupils
    FROM ref.unit_at(:region, :as_of) u
    LEFT JOIN held h ON h.sender = u.reporting_unit
    LEFT JOIN unit n ON n.subordination = u.reporting_unit
)
SELECT
    c.position::integer AS position,
    c.reporting_unit,
    c.name AS reporting_unit_name,
    c.kind = 'municipality' AS is_municipality,
    ref.academic_year(:as_of) AS academic_year,
    c.reading_id IS NOT NULL AS report_received,
    c.schools,
    c.schools_without_pupils,
    c.schools_listed,
    c.schools_basic,
    c.schools_main,
    c.schools_advanced,
    c.classes,
    c.classes_basic,
    c.classes_main,
    c.classes_advanced,
    c.pupils_6_11,
    c.pupils_planned,
    c.pupils_planned::numeric / nullif(c.pupils_6_11, 0) AS events_rate,
    t.events AS events_target_rate,
    CASE WHEN c.pupils_planned IS NOT NULL AND c.pupils_6_11 IS NOT NULL
        THEN greatest(ceil(t.events * c.pupils_6_11)::bigint - c.pupils_planned, 0) END AS events_lacking,
    c.course_pupils,
    c.course_pupils::numeric / nullif(c.pupils_6_11, 0) AS course_rate,
    t.course AS course_target_rate,
    CASE WHEN c.course_pupils IS NOT NULL AND c.pupils_6_11 IS NOT NULL
        THEN greatest(ceil(t.course * c.pupils_6_11)::bigint - c.course_pupils, 0) END AS course_lacking,
    c.reading_id
FROM counted c
CROSS JOIN ref.coverage_target_at(:region, :as_of) t
