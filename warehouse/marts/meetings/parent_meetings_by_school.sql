-- Родительские собрания по школам.
-- Строка — школа реестра на дату: прошли ли оба всероссийских собрания учебного года и сколько родителей участвовало. Без
-- списка отправителя цифр нет (NULL), а не ноль.
-- Ключ: school_code; имя: school_name; формы: school_register, parent_meetings.
-- Доступ: единица по reporting_unit.
-- Меры: meetings, parents_invited, parents_attended.
-- Показатель: attendance_rate = parents_attended / parents_invited; совокупность: приглашённые на собрания школы.
-- Состояния: first_status «Первое собрание», second_status «Второе собрание».
--   first_status: Первое собрание. held — прошло в свой месяц, moved — прошло не в свой месяц, awaited — месяц ещё идёт или впереди, missing — месяц прошёл, а собрания нет; пусто без списка.
--   second_status: Второе собрание. То же о втором.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender FROM ops.reading_at(:region, :as_of, :known_at) h WHERE h.form = 'parent_meetings'
),
meeting AS (
    SELECT f.school_id, h.sender, count(*) AS meetings, sum(f.hours) AS hours,
        sum(f.parents_invited)::bigint AS parents_invited, sum(f.parents_attended)::bigint AS parents_attended,
        min(f.held_on) FILTER (WHERE f.meeting = 'first') AS first_held_on,
        min(f.held_on) FILTER (WHERE f.meeting = 'second') AS second_held_on
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.parent_meetings_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    GROUP BY f.school_id, h.sender
),
months AS (
    SELECT m.meeting, make_date(ref.academic_year(:as_of) + CASE WHEN m.month < 9 THEN 1 ELSE 0 END, m.month, 1) AS first_day
    FROM jsonb_to_recordset((SELECT ref.input_lines(:region, 'meeting_months', :as_of))) AS m (meeting text, month integer)
),
windows AS (
    SELECT min(n.first_day) FILTER (WHERE n.meeting = 'first') AS first_from,
        min(n.last_day) FILTER (WHERE n.meeting = 'first') AS first_to,
        min(n.first_day) FILTER (WHERE n.meeting = 'second') AS second_from,
        min(n.last_day) FILTER (WHERE n.meeting = 'second') AS second_to
    FROM (SELECT m.*, (m.first_day + interval '1 month')::date - 1 AS last_day FROM months m) n
)
SELECT
    row_number() OVER (ORDER BY u.position, s.subordination, s.school_code)::integer AS position,
    s.school_code,
    s.short_name AS school_name,
    s.subordination AS reporting_unit,
    u.name AS reporting_unit_name,
    ref.academic_year(:as_of) AS academic_year,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(m.meetings, 0) END AS meetings,
    CASE
        WHEN h.reading_id IS NULL THEN NULL
        WHEN m.first_held_on BETWEEN w.first_from AND w.first_to THEN 'held'
        WHEN m.first_held_on IS NOT NULL THEN 'moved'
        WHEN cast(:as_of AS date) <= w.first_to THEN 'awaited'
        ELSE 'missing'
    END AS first_status,
    m.first_held_on,
    CASE
        WHEN h.reading_id IS NULL THEN NULL
        WHEN m.second_held_on BETWEEN w.second_from AND w.second_to THEN 'held'
        WHEN m.second_held_on IS NOT NULL THEN 'moved'
        WHEN cast(:as_of AS date) <= w.second_to THEN 'awaited'
        ELSE 'missing'
    END AS second_status,
    m.second_held_on,
    m.hours,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(m.parents_invited, 0) END AS parents_invited,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(m.parents_attended, 0) END AS parents_attended,
    m.parents_attended::numeric / nullif(m.parents_invited, 0) AS attendance_rate,
    h.reading_id
FROM ref.school_at(:region, :as_of, :known_at) s
CROSS JOIN windows w
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = s.subordination
LEFT JOIN held h ON h.sender = s.subordination
LEFT JOIN meeting m ON m.school_id = s.school_id AND m.sender = s.subordination
WHERE s.in_register
