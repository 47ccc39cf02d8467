-- Проведённые занятия «Россия – мои горизонты» по классам.
-- Строка — класс из списка уровней или из журнала на дату: сколько занятий положено и проведено к дате журнала и хватит ли учебных дней
-- на остальные. Без журнала единицы, и если школы в нём нет, цифр нет (NULL), а не ноль.
-- Ключ: school_code, grade, letter; имя: school_name; формы: level_choice, timetable, lesson_journal.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: lessons_due, lessons_held, hours_held, lessons_left, visits.
-- Показатель: held_rate = lessons_held / lessons_due; совокупность: занятия, дни которых прошли к дате журнала.
--   position: Порядок. По печатному порядку отчётных единиц, коду школы и классу.
--   reporting_unit: Код отчётной единицы. Чей список уровней или журнал называет класс.
--   judged_by: Версия правил. По каким версиям правил проверены список уровней, расписание и журнал.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender, h.form, h.as_of, least(h.as_of, ref.lessons_end(h.as_of)) AS seen_to
    FROM ops.reading_at(:region, :as_of, :known_at) h
    WHERE h.form IN ('lesson_journal', 'timetable')
),
lesson AS MATERIALIZED (
    SELECT h.sender, f.*
    FROM held h
    CROSS JOIN LATERAL (
        SELECT e.school_id, e.grade, coalesce(e.letter, '') AS letter, count(*) AS lessons, sum(e.hours) AS hours,
            max(e.held_on) AS last_held_on, sum(e.present)::bigint AS visits, sum(e.absent)::bigint AS absences
        FROM core.lesson_journal_fact e WHERE e.reading_id = h.reading_id GROUP BY e.school_id, e.grade, e.letter OFFSET 0
    ) f
    WHERE h.form = 'lesson_journal'
),
weekday AS (
    SELECT * FROM unnest(ARRAY['monday', 'tuesday', 'wednesday', 'thursday', 'friday', 'saturday', 'sunday'])
        WITH ORDINALITY AS w (weekday, number)
),
slot AS (
    SELECT DISTINCT ON (f.school_id, f.grade, coalesce(f.letter, '')) f.school_id, f.grade, coalesce(f.letter, '') AS letter, f.weekday
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.timetable_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    JOIN weekday w ON w.weekday = f.weekday
    WHERE h.form = 'timetable' AND f.subject IN ('rmg', 'rmg_in_part')
    ORDER BY f.school_id, f.grade, coalesce(f.letter, ''), f.weekday <> 'thursday', w.number
),
lesson_day AS MATERIALIZED (
    SELECT d.lesson_day AS day FROM ref.lesson_days_at(:region, :as_of) d
),
-- How many days of a weekday on which a lesson may stand have passed up to and with each day of the year.
passed AS MATERIALIZED (
    SELECT w.weekday, c.day,
        count(d.day) FILTER (WHERE extract(isodow FROM d.day) = w.number) OVER (PARTITION BY w.weekday ORDER BY c.day) AS days,
        count(d.day) FILTER (WHERE extract(isodow FROM d.day) = w.number) OVER (PARTITION BY w.weekday) AS of_year
    FROM weekday w
    CROSS JOIN (
        SELECT make_date(ref.academic_year(:as_of), 9, 1) + n AS day
        FROM generate_series(0, ref.lessons_end(:as_of) - make_date(ref.academic_year(:as_of), 9, 1)) AS n
    ) c
    LEFT JOIN lesson_day d ON d.day = c.day
    WHERE EXISTS (SELECT FROM lesson_day)
),
-- What a journal had to show by its day, and how much of the year is left, for classes of each weekday.
journal AS MATERIALIZED (
    SELECT h.sender, h.as_of, p.weekday, p.days, p.of_year, w.weeks_left
    FROM held h
    LEFT JOIN passed p ON p.day = h.seen_to
    CROSS JOIN LATERAL (
        SELECT count(DISTINCT date_trunc('week', d.day::timestamp)) AS weeks_left FROM lesson_day d
        WHERE d.day > h.seen_to AND extract(isodow FROM d.day) < 6
    ) w
    WHERE h.form = 'lesson_journal'
),
norm AS MATERIALIZED (
    SELECT n.level, n.hours, max(n.hours) OVER () AS most
    FROM ref.level_norm_at(:region, :as_of) n WHERE n.direction = 'extracurricular_rmg'
),
named AS (
    SELECT coalesce(c.told_by, l.sender) AS sender, school_id, grade, letter, c.level, c.told_by IS NOT NULL AS is_listed,
        l.lessons, l.hours, l.last_held_on, l.visits, l.absences
    FROM (
        SELECT c.school_id, c.grade, coalesce(c.letter, '') AS letter, c.level, c.told_by
        FROM ref.class_at(:region, :as_of, :known_at) c WHERE c.in_force AND c.grade BETWEEN 6 AND 11
    ) c
    FULL JOIN lesson l USING (school_id, grade, letter)
),
class AS (
    SELECT n.*, s.school_code, s.short_name, s.subordination, coalesce(t.weekday, 'thursday') AS weekday,
        coalesce(o.hours, (SELECT max(o.most) FROM norm o)) AS norm
    FROM named n
    JOIN ref.school_at(:region, :as_of, :known_at) s ON s.school_id = n.school_id
    LEFT JOIN slot t ON t.school_id = n.school_id AND t.grade = n.grade AND t.letter = n.letter
    LEFT JOIN norm o ON o.level = n.level
),
counted AS (
    SELECT c.*, j.as_of AS journal_as_of, j.weeks_left, j.days AS due, j.of_year - j.days AS days_left,
        CASE WHEN j.sender IS NOT NULL THEN CASE WHEN i.school_id IS NOT NULL THEN 'listed' ELSE 'missing' END END AS status,
        coalesce(c.lessons, 0) AS held, coalesce(c.hours, 0) AS given, greatest(c.norm - coalesce(c.hours, 0), 0) AS lessons_left,
        CASE WHEN c.last_held_on IS NULL THEN j.days ELSE greatest(j.days - q.days, 0) END AS weeks_without
    FROM class c
    -- Without listed holidays there is one row a journal, of no weekday.
    LEFT JOIN journal j ON j.sender = c.sender AND coalesce(j.weekday, c.weekday) = c.weekday
    LEFT JOIN (SELECT DISTINCT l.sender, l.school_id FROM lesson l) i ON i.sender = c.sender AND i.school_id = c.school_id
    -- Who had the lesson on another day of a week has had it in that week.
    LEFT JOIN passed q ON q.weekday = c.weekday AND q.day = least(
        c.last_held_on + 7 - extract(isodow FROM c.last_held_on)::integer, ref.lessons_end(:as_of))
)
SELECT
    row_number() OVER (ORDER BY u.position, c.subordination, c.school_code, c.grade, c.letter)::integer AS position,
    c.school_code,
    c.short_name AS school_name,
    c.sender AS reporting_unit,
    u.name AS reporting_unit_name,
    ref.academic_year(:as_of) AS academic_year,
    c.grade,
    nullif(c.letter, '') AS letter,
    c.is_listed,
    c.status AS journal_status,
    c.journal_as_of,
    c.weekday AS lesson_weekday,
    CASE WHEN c.status = 'listed' THEN c.due END AS lessons_due,
    CASE WHEN c.status = 'listed' THEN c.held END AS lessons_held,
    CASE WHEN c.status = 'listed' THEN c.held::numeric / nullif(c.due, 0) END AS held_rate,
    CASE WHEN c.status = 'listed' THEN c.given END AS hours_held,
    c.norm AS hours_norm,
    CASE WHEN c.status = 'listed' THEN c.last_held_on END AS last_held_on,
    CASE WHEN c.status = 'listed' THEN c.weeks_without END AS weeks_without,
    CASE WHEN c.status = 'listed' THEN c.lessons_left END AS lessons_left,
    CASE WHEN c.status = 'listed' THEN c.days_left END AS days_left,
    CASE WHEN c.status = 'listed' AND c.days_left IS NOT NULL THEN c.weeks_left END AS weeks_left,
    CASE WHEN c.status = 'listed' THEN c.days_left - c.lessons_left END AS slack,
    CASE
        WHEN c.status IS DISTINCT FROM 'listed' OR c.days_left IS NULL THEN NULL
        WHEN c.lessons_left = 0 THEN 'done'
        WHEN c.lessons_left <= c.days_left THEN 'on_day'
        WHEN c.lessons_left <= c.weeks_left THEN 'other_days'
        ELSE 'out_of_reach'
    END AS reach,
    CASE WHEN c.status = 'listed' THEN coalesce(c.visits, 0) END AS visits,
    CASE WHEN c.status = 'listed' THEN c.absences END AS absences
FROM counted c
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = c.sender
