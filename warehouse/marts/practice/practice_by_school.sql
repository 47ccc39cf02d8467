-- Практический модуль по школам.
-- Строка — школа реестра на дату: мероприятия с начала учебного года, часы её классов до нормы их уровня, у кого бывали без
-- соглашения и какие соглашения действуют. Школа без мероприятий — нули; без списка отправителя цифр нет (NULL), а не ноль.
-- Часы класса — не больше, чем их дали все мероприятия школы с номером этого класса, и не больше нормы: лишние часы одного класса
-- другому не помогают. Кто из класса был, списки не говорят.
-- Ключ: school_code; имя: school_name; формы: school_register, level_choice, partner_agreements, practice_events.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: practice_events, visits, events_with_host, events_without_agreement, classes_with_practice, classes_below_norm.
-- Показатель: practice_rate = practice_hours / practice_hours_norm; совокупность: часы практики в уровнях классов школы за учебный год.
--   practice_events: Мероприятий. Прошло с начала учебного года с участием школы.
--   visits: Посещений. Сколько раз участвовали обучающиеся школы; один и тот же считается каждый раз.
--   hosts: Принимающих организаций. Разных, по ИНН, с начала учебного года.
--   agreements_valid: Действует соглашений. Школы и тех, что заключены для всей территории; пусто без списка соглашений.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender, h.form, h.as_of FROM ops.reading_at(:region, :as_of, :known_at) h
    WHERE h.form IN ('practice_events', 'partner_agreements', 'level_choice')
),
agreement AS MATERIALIZED (
    SELECT h.sender, f.school_id, f.partner_inn, f.agreement_number, f.signed_on, coalesce(f.valid_to, 'infinity') AS valid_to
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.partner_agreements_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'partner_agreements'
),
valid AS MATERIALIZED (SELECT * FROM agreement a WHERE a.signed_on <= :as_of AND a.valid_to >= :as_of),
-- One that is listed for the whole territory and for a school too is one.
in_force AS (
    SELECT a.sender, a.school_id, count(*) AS agreements,
        count(*) FILTER (WHERE a.valid_to <= cast(:as_of AS date) + 30) AS expiring
    FROM valid a
    WHERE a.school_id IS NULL OR NOT EXISTS (
        SELECT FROM valid w
        WHERE w.sender = a.sender AND w.school_id IS NULL AND w.partner_inn = a.partner_inn
          AND w.agreement_number = a.agreement_number
    )
    GROUP BY a.sender, a.school_id
),
visit AS MATERIALIZED (
    SELECT h.sender, f.school_id, f.held_on, f.title, f.starts_at, f.host_inn, f.pupils, f.hours,
        split_part(f.grades, '-', 1)::integer AS lowest, split_part(f.grades, '-', 2)::integer AS highest
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.practice_events_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'practice_events' AND f.held_on <= :as_of
),
event AS (
    SELECT v.sender, v.school_id, v.host_inn,
        v.host_inn IS NOT NULL AND NOT EXISTS (
            SELECT FROM agreement a
            WHERE a.sender = v.sender AND a.partner_inn = v.host_inn AND a.signed_on <= v.held_on AND a.valid_to >= v.held_on
        ) AS lacks_agreement
    FROM visit v
    GROUP BY v.sender, v.school_id, v.held_on, v.title, v.starts_at, v.host_inn
),
counted AS (
    SELECT e.sender, e.school_id, count(*) AS events, count(e.host_inn) AS events_with_host,
        count(DISTINCT e.host_inn) AS hosts,
        count(*) FILTER (WHERE e.lacks_agreement) AS events_without_agreement,
        count(DISTINCT e.host_inn) FILTER (WHERE e.lacks_agreement) AS hosts_without_agreement
    FROM event e
    GROUP BY e.sender, e.school_id
),
visited AS (
    SELECT v.sender, v.school_id, sum(v.pupils)::bigint AS visits, sum(v.pupils * v.hours) AS pupil_hours
    FROM visit v
    GROUP BY v.sender, v.school_id
),
class AS (
    SELECT h.sender, f.school_id, f.grade, n.hours AS norm, count(*) AS classes
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.level_choice_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    LEFT JOIN ref.level_norm_at(:region, :as_of) n ON n.level = f.level AND n.direction = 'practice_module'
    WHERE h.form = 'level_choice'
    GROUP BY h.sender, f.school_id, f.grade, n.hours
),
given AS (
    SELECT c.sender, c.school_id, c.grade, sum(v.hours) AS hours
    FROM (SELECT DISTINCT c.sender, c.school_id, c.grade FROM class c) c
    JOIN visit v ON v.sender = c.sender AND v.school_id = c.school_id AND c.grade BETWEEN v.lowest AND v.highest
    GROUP BY c.sender, c.school_id, c.grade
),
owed AS (
    SELECT c.sender, c.school_id,
        coalesce(sum(c.classes) FILTER (WHERE c.norm IS NOT NULL), 0)::bigint AS classes,
        coalesce(sum(c.classes) FILTER (WHERE coalesce(g.hours, 0) < c.norm), 0)::bigint AS classes_below,
        coalesce(sum(c.classes * c.norm), 0) AS norm,
        coalesce(sum(c.classes * least(coalesce(g.hours, 0), c.norm)) FILTER (WHERE c.norm IS NOT NULL), 0) AS hours
    FROM class c
    LEFT JOIN given g ON g.sender = c.sender AND g.school_id = c.school_id AND g.grade = c.grade
    GROUP BY c.sender, c.school_id
)
SELECT
    row_number() OVER (ORDER BY u.position, s.subordination, s.school_code)::integer AS position,
    s.school_code,
    s.short_name AS school_name,
    s.subordination AS reporting_unit,
    u.name AS reporting_unit_name,
    ref.academic_year(:as_of) AS academic_year,
    h.as_of AS report_as_of,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.events, 0) END AS practice_events,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(v.visits, 0) END AS visits,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(v.pupil_hours, 0) END AS pupil_hours,
    o.classes AS classes_with_practice,
    CASE WHEN h.reading_id IS NOT NULL THEN o.classes_below END AS classes_below_norm,
    CASE WHEN h.reading_id IS NOT NULL THEN o.hours END AS practice_hours,
    o.norm AS practice_hours_norm,
    CASE WHEN h.reading_id IS NOT NULL THEN o.hours / nullif(o.norm, 0) END AS practice_rate,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.hosts, 0) END AS hosts,
    CASE WHEN h.reading_id IS NOT NULL AND g.reading_id IS NOT NULL THEN coalesce(c.hosts_without_agreement, 0) END
        AS hosts_without_agreement,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.events_with_host, 0) END AS events_with_host,
    CASE WHEN h.reading_id IS NOT NULL AND g.reading_id IS NOT NULL THEN coalesce(c.events_without_agreement, 0) END
        AS events_without_agreement,
    CASE WHEN g.reading_id IS NOT NULL THEN coalesce(a.agreements, 0) + coalesce(t.agreements, 0) END AS agreements_valid,
    CASE WHEN g.reading_id IS NOT NULL THEN coalesce(a.expiring, 0) + coalesce(t.expiring, 0) END AS agreements_expiring,
    h.reading_id
FROM ref.school_at(:region, :as_of, :known_at) s
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = s.subordination
LEFT JOIN held h ON h.sender = s.subordination AND h.form = 'practice_events'
LEFT JOIN held g ON g.sender = s.subordination AND g.form = 'partner_agreements'
LEFT JOIN counted c ON c.sender = s.subordination AND c.school_id = s.school_id
LEFT JOIN visited v ON v.sender = s.subordination AND v.school_id = s.school_id
LEFT JOIN owed o ON o.sender = s.subordination AND o.school_id = s.school_id
LEFT JOIN in_force a ON a.sender = s.subordination AND a.school_id = s.school_id
LEFT JOIN in_force t ON t.sender = s.subordination AND t.school_id IS NULL
WHERE s.in_register
