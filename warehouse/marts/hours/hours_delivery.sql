-- Выполнение часов по классам и направлениям.
-- Строка — класс действующего распределения по уровням и направление его уровня на дату: сколько часов положено за учебный год,
-- сколько дано и успеют ли. Месяц, названный в нескольких отчётах, — как в последнем. Без отчёта единицы цифр нет (NULL), а не ноль.
-- Ключ: school_code, grade, letter, direction; имя: school_name; формы: level_choice, hours_delivered.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: hours_norm, hours_given, hours_behind.
-- Показатель: hours_given_rate = hours_given / hours_norm; совокупность: часы направления в уровне класса за учебный год.
--   position: Порядок. По печатному порядку отчётных единиц, коду школы, классу и направлению.
--   level: Уровень. Уровень класса: basic, main или advanced.
--   reporting_unit: Код отчётной единицы. Чьё распределение называет класс.
--   judged_by: Версия правил. По каким версиям правил проверены распределение и отчёты о часах.
--   hours_due: Положено на дату. Норма, умноженная на прошедшую долю учебного года.
WITH calendar AS (
    SELECT make_date(ref.academic_year(:as_of), 9, 1) AS begins_on, ref.lessons_end(:as_of) AS ends_on
),
-- Once, and not for each class.
span AS MATERIALIZED (
    SELECT c.ends_on,
        least(greatest(cast(:as_of AS date) - c.begins_on + 1, 0), c.ends_on - c.begins_on + 1)::numeric
            / (c.ends_on - c.begins_on + 1) AS year_share,
        greatest(ref.working_days_between(:region, :as_of, c.ends_on), 0) AS days_left,
        greatest(c.ends_on - cast(:as_of AS date), 0) / 7 AS weeks_left
    FROM calendar c
),
reading AS MATERIALIZED (
    SELECT r.reading_id, r.sender, r.counts_at, r.as_of, r.delivery_id
    FROM ops.readings_of_year(:region, :as_of, :known_at, 'hours_delivered') r
),
-- One key for all of it: few rows are expected here, and a join by sender alone would compare each class with each.
given AS (
    SELECT concat_ws(' ', n.sender, n.school_id, n.grade, n.direction, n.letter) AS key, sum(n.hours) AS hours,
        sum(n.hours) FILTER (WHERE n.goes_on) AS provisional
    FROM (
        SELECT DISTINCT ON (r.sender, f.school_id, f.grade, f.letter, f.direction, f.month)
            r.sender, f.school_id, f.grade, f.letter, f.direction, f.hours,
            r.as_of < (make_date(ref.academic_year(r.as_of) + CASE WHEN f.month::integer < 9 THEN 1 ELSE 0 END, f.month::integer, 1)
                + interval '1 month' - interval '1 day') AS goes_on
        FROM reading r
        CROSS JOIN LATERAL (SELECT * FROM core.hours_delivered_fact e WHERE e.reading_id = r.reading_id OFFSET 0) f
        ORDER BY r.sender, f.school_id, f.grade, f.letter, f.direction, f.month, r.counts_at DESC, r.as_of DESC, r.delivery_id DESC,
            r.reading_id DESC
    ) n
    GROUP BY n.sender, n.school_id, n.grade, n.letter, n.direction
),
owed AS (
    SELECT c.school_id, c.grade, c.letter, c.level, c.told_by, d.direction, d.name AS direction_name, d."position" AS place, n.hours AS norm
    FROM ref.class_at(:region, :as_of, :known_at) c
    JOIN ref.level_norm_at(:region, :as_of) n ON n.level = c.level
    JOIN ref.direction d ON d.direction = n.direction
    WHERE c.in_force
),
class AS (
    SELECT o.*, s.school_code, s.short_name, s.subordination,
        CASE WHEN t.sender IS NOT NULL THEN coalesce(g.hours, 0) END AS given,
        CASE WHEN t.sender IS NOT NULL THEN coalesce(g.provisional, 0) END AS provisional
    FROM owed o
    JOIN ref.school_at(:region, :as_of, :known_at) s ON s.school_id = o.school_id
    LEFT JOIN (SELECT DISTINCT r.sender FROM reading r) t ON t.sender = o.told_by
    LEFT JOIN given g ON g.key = concat_ws(' ', o.told_by, o.school_id, o.grade, o.direction, o.letter)
)
SELECT
    row_number() OVER (ORDER BY u.position, c.subordination, c.school_code, c.grade, c.letter NULLS FIRST, c.place)::integer AS position,
    c.school_code,
    c.short_name AS school_name,
    c.told_by AS reporting_unit,
    u.name AS reporting_unit_name,
    c.grade,
    c.letter,
    c.level,
    c.direction,
    c.direction_name,
    c.norm AS hours_norm,
    c.given AS hours_given,
    c.provisional AS hours_provisional,
    c.given / nullif(c.norm, 0) AS hours_given_rate,
    p.year_share,
    round(c.norm * p.year_share, 1) AS hours_due,
    CASE WHEN c.given IS NOT NULL THEN greatest(round(c.norm * p.year_share, 1) - c.given, 0) END AS hours_behind,
    c.norm - c.given <= CASE c.direction WHEN 'extracurricular_rmg' THEN p.weeks_left ELSE p.days_left END AS in_reach
FROM class c
CROSS JOIN span p
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = c.told_by
