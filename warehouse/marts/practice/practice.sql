-- Практический модуль по месяцам.
-- Строка — месяц учебного года и отчётная единица на дату: какие мероприятия прошли, у кого и сколько раз участвовали, по
-- последнему списку. Месяц без мероприятий — строка с нулями; без списка единицы цифр нет (NULL), а не ноль.
-- Ключ: reporting_unit, month; имя: reporting_unit_name; формы: practice_events, partner_agreements.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: practice_events, visits, hosts, events_with_host, events_without_agreement.
-- Показатель: without_agreement_rate = events_without_agreement / events_with_host; совокупность: мероприятия, у которых назван ИНН принимающей организации.
--   reporting_unit: Код отчётной единицы. Чей список.
--   judged_by: Версия правил. По какой версии правил проверен список мероприятий; пусто без списка.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender, h.form, h.as_of FROM ops.reading_at(:region, :as_of, :known_at) h
    WHERE h.form IN ('practice_events', 'partner_agreements')
),
months AS (
    SELECT n::integer AS place, ((n + 7) % 12 + 1)::integer AS month FROM generate_series(1, 12) AS n
),
agreement AS MATERIALIZED (
    SELECT h.sender, f.partner_inn, f.signed_on, f.valid_to
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.partner_agreements_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'partner_agreements'
),
visit AS MATERIALIZED (
    SELECT h.sender, f.school_id, f.held_on, f.title, f.starts_at, f.host_inn, f.pupils, f.hours,
        extract(month FROM f.held_on)::integer AS month
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.practice_events_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'practice_events' AND f.held_on <= :as_of
),
event AS (
    SELECT v.sender, v.month, v.held_on, v.title, v.starts_at, v.host_inn,
        NOT EXISTS (
            SELECT FROM agreement a
            WHERE a.sender = v.sender AND a.partner_inn = v.host_inn
              AND a.signed_on <= v.held_on AND coalesce(a.valid_to >= v.held_on, true)
        ) AS lacks_agreement
    FROM visit v
    GROUP BY v.sender, v.month, v.held_on, v.title, v.starts_at, v.host_inn
),
counted AS (
    SELECT e.sender, e.month, count(*) AS events,
        count(DISTINCT e.host_inn) AS hosts,
        count(e.host_inn) AS events_with_host,
        count(e.host_inn) FILTER (WHERE e.lacks_agreement) AS events_without_agreement
    FROM event e
    GROUP BY e.sender, e.month
),
visited AS (
    SELECT v.sender, v.month, count(DISTINCT v.school_id) AS schools_reached, sum(v.pupils)::bigint AS visits,
        sum(v.pupils * v.hours) AS pupil_hours
    FROM visit v
    GROUP BY v.sender, v.month
)
SELECT
    row_number() OVER (ORDER BY u.position, m.place)::integer AS position,
    u.reporting_unit,
    u.name AS reporting_unit_name,
    m.month,
    h.as_of AS report_as_of,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.events, 0) END AS practice_events,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(v.schools_reached, 0) END AS schools_reached,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(v.visits, 0) END AS visits,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(v.pupil_hours, 0) END AS pupil_hours,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.hosts, 0) END AS hosts,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.events_with_host, 0) END AS events_with_host,
    CASE WHEN h.reading_id IS NOT NULL AND g.reading_id IS NOT NULL THEN coalesce(c.events_without_agreement, 0) END
        AS events_without_agreement,
    CASE WHEN g.reading_id IS NOT NULL THEN c.events_without_agreement::numeric / nullif(c.events_with_host, 0) END
        AS without_agreement_rate,
    h.reading_id
FROM ref.unit_at(:region, :as_of) u
CROSS JOIN months m
LEFT JOIN held h ON h.sender = u.reporting_unit AND h.form = 'practice_events'
LEFT JOIN held g ON g.sender = u.reporting_unit AND g.form = 'partner_agreements'
LEFT JOIN counted c ON c.sender = u.reporting_unit AND c.month = m.month
LEFT JOIN visited v ON v.sender = u.reporting_unit AND v.month = m.month
