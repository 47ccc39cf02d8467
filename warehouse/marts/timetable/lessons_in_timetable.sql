-- Занятие «Россия – мои горизонты» в расписании школ.
-- Строка — школа реестра на дату: в скольких её классах 6–11 занятие стоит в расписании, и что школа сказала о расписании в
-- отчёте о готовности. Классы — те, что назвало расписание или список уровней. Школа, которой в файле её отправителя нет, цифр не имеет (NULL), а не ноль.
-- Ключ: school_code; имя: school_name; формы: school_register, readiness_report, level_choice, timetable.
-- Доступ: единица по reporting_unit.
-- Меры: classes_6_11, classes_with_slot, classes_on_thursday, classes_without_slot.
-- Меры без поправок: classes_in_timetable, classes_in_part, classes_in_doubt.
-- Показатель: slot_rate = classes_with_slot / classes_6_11; совокупность: классы 6–11 школы, которые назвало расписание или список уровней.
-- Показатель: thursday_rate = classes_on_thursday / classes_with_slot; совокупность: классы 6–11 школы, у которых занятие стоит в расписании.
-- Состояния: timetable_status «Школа в расписании», contradiction «Отчёт и расписание».
--   timetable_status: Школа в расписании. listed — есть, missing — в файле её нет, no_pupils — нет, и 6–11 классов у неё нет по реестру; пусто без файла.
--   contradiction: Отчёт и расписание. none — сходятся; no_slot — в отчёте «да», а занятия нет ни у одного класса; some_without — «да», а есть не у всех; has_slot — «нет», а в расписании оно есть; other_day — день другой; пусто, если чего-то из двух нет.
--   judged_by: Версия правил. По какой версии правил проверено расписание отправителя; пусто без файла.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender, h.form FROM ops.reading_at(:region, :as_of, :known_at) h
    WHERE h.form IN ('timetable', 'level_choice', 'readiness_report')
),
lesson AS MATERIALIZED (
    SELECT h.sender, f.school_id, f.grade, coalesce(f.letter, '') AS letter, f.weekday, f.subject, f.valid_from
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.timetable_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'timetable'
),
scheduled AS (
    SELECT l.sender, l.school_id, l.grade, l.letter,
        bool_or(l.subject IN ('rmg', 'rmg_in_part')) AS has_slot,
        bool_or(l.subject IN ('rmg', 'rmg_in_part') AND l.weekday = 'thursday') AS is_on_thursday,
        bool_or(l.subject = 'rmg') AS is_whole,
        bool_or(l.subject = 'rmg_perhaps') AS is_doubtful
    FROM lesson l
    WHERE l.grade BETWEEN 6 AND 11
    GROUP BY l.sender, l.school_id, l.grade, l.letter
),
listed AS (
    SELECT h.sender, f.school_id, f.grade, coalesce(f.letter, '') AS letter
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.level_choice_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'level_choice' AND f.grade BETWEEN 6 AND 11
),
counted AS (
    SELECT sender, school_id, count(*) AS classes_6_11,
        count(t.has_slot) AS classes_in_timetable,
        count(*) FILTER (WHERE t.has_slot) AS classes_with_slot,
        count(*) FILTER (WHERE t.is_on_thursday) AS classes_on_thursday,
        count(*) FILTER (WHERE t.has_slot AND NOT t.is_whole) AS classes_in_part,
        count(*) FILTER (WHERE t.is_doubtful AND NOT t.has_slot) AS classes_in_doubt,
        count(*) FILTER (WHERE t.has_slot IS NOT NULL AND l.is_listed IS NULL) AS classes_not_listed,
        bool_or(l.is_listed) AS has_list
    FROM scheduled t
    FULL JOIN (SELECT l.*, true AS is_listed FROM listed l) l USING (sender, school_id, grade, letter)
    GROUP BY sender, school_id
),
school AS (
    SELECT l.sender, l.school_id, max(l.valid_from) AS valid_from,
        array_agg(DISTINCT l.weekday) FILTER (WHERE l.subject IN ('rmg', 'rmg_in_part') AND l.grade BETWEEN 6 AND 11) AS days
    FROM lesson l
    GROUP BY l.sender, l.school_id
),
said AS (
    SELECT h.sender, f.school_id, f.rmg_in_timetable, f.rmg_weekday
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.readiness_report_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'readiness_report'
)
SELECT
    row_number() OVER (ORDER BY u.position, s.subordination, s.school_code)::integer AS position,
    s.school_code,
    s.short_name AS school_name,
    s.subordination AS reporting_unit,
    u.name AS reporting_unit_name,
    ref.academic_year(:as_of) AS academic_year,
    CASE
        WHEN t.school_id IS NOT NULL THEN 'listed'
        WHEN h.reading_id IS NULL THEN NULL
        WHEN s.pupils_6_11 = 0 THEN 'no_pupils'
        ELSE 'missing'
    END AS timetable_status,
    t.valid_from AS in_force_from,
    CASE WHEN t.school_id IS NOT NULL THEN coalesce(c.classes_6_11, 0) END AS classes_6_11,
    CASE WHEN t.school_id IS NOT NULL THEN coalesce(c.classes_in_timetable, 0) END AS classes_in_timetable,
    CASE WHEN t.school_id IS NOT NULL THEN coalesce(c.classes_with_slot, 0) END AS classes_with_slot,
    CASE WHEN t.school_id IS NOT NULL THEN coalesce(c.classes_on_thursday, 0) END AS classes_on_thursday,
    CASE WHEN t.school_id IS NOT NULL THEN coalesce(c.classes_6_11 - c.classes_with_slot, 0) END AS classes_without_slot,
    CASE WHEN t.school_id IS NOT NULL THEN coalesce(c.classes_in_part, 0) END AS classes_in_part,
    CASE WHEN t.school_id IS NOT NULL THEN coalesce(c.classes_in_doubt, 0) END AS classes_in_doubt,
    CASE WHEN t.school_id IS NOT NULL AND c.has_list THEN c.classes_not_listed END AS classes_not_listed,
    CASE WHEN t.school_id IS NOT NULL THEN c.classes_with_slot::numeric / nullif(c.classes_6_11, 0) END AS slot_rate,
    CASE WHEN t.school_id IS NOT NULL THEN c.classes_on_thursday::numeric / nullif(c.classes_with_slot, 0) END AS thursday_rate,
    r.rmg_in_timetable AS said_in_timetable,
    r.rmg_weekday AS said_weekday,
    CASE
        WHEN t.school_id IS NULL OR r.rmg_in_timetable IS NULL OR coalesce(c.classes_6_11, 0) = 0 THEN NULL
        WHEN r.rmg_in_timetable AND c.classes_with_slot = 0 THEN 'no_slot'
        WHEN NOT r.rmg_in_timetable AND c.classes_with_slot > 0 THEN 'has_slot'
        WHEN r.rmg_in_timetable AND c.classes_with_slot < c.classes_6_11 THEN 'some_without'
        WHEN r.rmg_in_timetable AND r.rmg_weekday <> ALL (t.days) THEN 'other_day'
        ELSE 'none'
    END AS contradiction,
    h.reading_id
FROM ref.school_at(:region, :as_of, :known_at) s
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = s.subordination
LEFT JOIN held h ON h.form = 'timetable' AND h.sender = s.subordination
LEFT JOIN school t ON t.sender = s.subordination AND t.school_id = s.school_id
LEFT JOIN counted c ON c.sender = s.subordination AND c.school_id = s.school_id
LEFT JOIN said r ON r.sender = s.subordination AND r.school_id = s.school_id
WHERE s.in_register
