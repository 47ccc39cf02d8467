-- Уровни и охват по школам.
-- Строка — школа реестра на дату: на каком она уровне и сколько классов на каждом, по списку классов её отправителя. Уровень
-- школы — самый высокий из уровней её классов. Школа, которой в списке нет, цифр не имеет (NULL), а не ноль.
-- Ключ: school_code; имя: school_name; формы: school_register, level_choice.
-- Доступ: единица по reporting_unit или territory.
-- Меры: classes, classes_basic, classes_main, classes_advanced, pupils_6_11, pupils_planned, course_pupils.
-- Показатель: events_rate = pupils_planned / pupils_6_11; совокупность: обучающиеся 6–11 классов школы; мероприятия.
-- Показатель: course_rate = course_pupils / pupils_6_11; совокупность: обучающиеся 6–11 классов школы; курс.
-- Состояния: list_status «Школа в списке классов», level.
--   list_status: Школа в списке. listed — названа, missing — в списке её нет, no_pupils — нет, и 6–11 классов у неё нет по реестру; пусто без списка.
--   judged_by: Версия правил. По какой версии правил проверен список классов отправителя; пусто без списка.
SELECT
    row_number() OVER (ORDER BY u.position, s.subordination, s.school_code)::integer AS position,
    s.school_code,
    s.short_name AS school_name,
    s.subordination AS reporting_unit,
    u.name AS reporting_unit_name,
    s.territory,
    t.name AS territory_name,
    ref.academic_year(:as_of) AS academic_year,
    CASE
        WHEN s.level IS NOT NULL THEN 'listed'
        WHEN s.reading_id IS NULL THEN NULL
        WHEN s.pupils_6_11 = 0 THEN 'no_pupils'
        ELSE 'missing'
    END AS list_status,
    s.level,
    l.name AS level_name,
    s.stated_level,
    s.classes,
    s.classes_basic,
    s.classes_main,
    s.classes_advanced,
    s.pupils_6_11,
    s.pupils_ovz,
    s.pupils_planned,
    s.pupils_planned::numeric / nullif(s.pupils_6_11, 0) AS events_rate,
    s.pupils AS course_pupils,
    s.pupils::numeric / nullif(s.pupils_6_11, 0) AS course_rate,
    s.reading_id
FROM core.levels_at(:region, :as_of, :known_at) s
LEFT JOIN ref.level l ON l.level = s.level
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = s.subordination
LEFT JOIN ref.unit_at(:region, :as_of) t ON t.reporting_unit = s.territory
