-- Карточка школы.
-- Строка — школа реестра на дату: всё, что о ней известно, по каждой системе её состояние словами, цифра со знаменателем и дата
-- документа, из которого она. Цифры — те, что в витринах этих систем.
-- Коды состояний — in_order: в порядке; attention: есть на что посмотреть; undone: не сделано; not_due: не требуется или срок не
-- настал; no_data: документа нет, или школу он не называет. Нет данных — это не «плохо».
-- Ключ: school_code; имя: school_name.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: systems_known, systems_in_order, systems_wanting.
--   level: Уровень. Самый высокий у классов школы: basic, main или advanced; пусто без списка классов.
--   hours_due: Положено на дату. Часов всем классам школы, по прошедшей доле учебного года.
--   completeness: Полнота. systems_known / systems.
WITH reported AS (
    SELECT d.region, d.as_of, d.sender,
        max(d.data_as_of) FILTER (WHERE d.form = 'level_choice') AS levels,
        max(d.data_as_of) FILTER (WHERE d.form = 'hours_delivered') AS hours,
        max(d.data_as_of) FILTER (WHERE d.form = 'timetable') AS timetable,
        max(d.data_as_of) FILTER (WHERE d.form = 'lesson_journal') AS lessons,
        max(d.data_as_of) FILTER (WHERE d.form = 'staff') AS staffing,
        max(d.data_as_of) FILTER (WHERE d.form = 'parent_meetings') AS meetings,
        max(d.data_as_of) FILTER (WHERE d.form = 'practice_events') AS practice,
        max(d.data_as_of) FILTER (WHERE d.form = 'partner_agreements') AS agreements,
        max(d.data_as_of) FILTER (WHERE d.form = 'profile_classes') AS profile,
        max(d.data_as_of) FILTER (WHERE d.form = 'readiness_report') AS readiness
    FROM mart.delivery_health AS d
    GROUP BY d.region, d.as_of, d.sender
),
levels AS (
    SELECT l.region, l.as_of, l.school_code, l.academic_year, l.level, l.level_name, l.classes, l.pupils_planned, l.pupils_6_11, l.by_older_rules,
        l.known_at, l.is_final,
        CASE
            WHEN l.level IS NULL AND l.list_status = 'no_pupils' THEN 'not_due'
            WHEN l.level IS NULL THEN 'no_data'
            WHEN l.stated_level <> l.level THEN 'attention'
            ELSE 'in_order'
        END AS standing
    FROM mart.level_coverage_by_school AS l
),
-- Two weeks of the 39 from September to May are no news yet.
hours AS (
    SELECT h.region, h.as_of, h.school_code, sum(h.hours_given) AS hours_given,
        sum(h.hours_due) FILTER (WHERE h.hours_given IS NOT NULL) AS hours_due, bool_or(h.by_older_rules) AS by_older_rules,
        max(h.known_at) AS known_at, bool_and(h.is_final) AS is_final,
        CASE
            WHEN count(h.hours_given) = 0 THEN 'no_data'
            WHEN bool_or(NOT h.in_reach) THEN 'undone'
            WHEN bool_or(h.hours_behind > h.hours_norm * 2 / 39) THEN 'attention'
            ELSE 'in_order'
        END AS standing
    FROM mart.hours_delivery AS h
    GROUP BY h.region, h.as_of, h.school_code
),
timetable AS (
    SELECT t.region, t.as_of, t.school_code, t.classes_with_slot, t.classes_6_11, t.by_older_rules, t.known_at, t.is_final,
        CASE
            WHEN t.timetable_status = 'no_pupils' OR t.classes_6_11 = 0 THEN 'not_due'
            WHEN t.classes_6_11 IS NULL THEN 'no_data'
            WHEN t.classes_with_slot = 0 THEN 'undone'
            WHEN t.classes_without_slot > 0 THEN 'attention'
            ELSE 'in_order'
        END AS standing
    FROM mart.lessons_in_timetable AS t
),
lessons AS (
    SELECT j.region, j.as_of, j.school_code, sum(j.lessons_held)::bigint AS lessons_held, sum(j.lessons_due)::bigint AS lessons_due,
        bool_or(j.by_older_rules) AS by_older_rules, max(j.known_at) AS known_at, bool_and(j.is_final) AS is_final,
        CASE
            WHEN count(j.lessons_held) = 0 THEN 'no_data'
            WHEN bool_or(j.reach = 'out_of_reach') THEN 'undone'
            WHEN bool_or(j.lessons_held < j.lessons_due) THEN 'attention'
            ELSE 'in_order'
        END AS standing
    FROM mart.lessons_held AS j
    GROUP BY j.region, j.as_of, j.school_code
),
staffing AS (
    SELECT p.region, p.as_of, p.school_code, p.navigators, p.navigators_trained, p.by_older_rules, p.known_at, p.is_final,
        CASE
            WHEN p.responsible_status IS NULL OR p.responsible_status = 'missing' AND p.navigators = 0 THEN 'no_data'
            WHEN p.responsible_status NOT IN ('valid', 'position_unknown') THEN 'undone'
            WHEN p.navigators = 0 OR p.navigators_trained < p.navigators OR p.training_gap > 0 THEN 'attention'
            ELSE 'in_order'
        END AS standing
    FROM mart.staffing_by_school AS p
),
meetings AS (
    SELECT m.region, m.as_of, m.school_code, m.meetings, m.parents_attended, m.parents_invited, m.by_older_rules, m.known_at, m.is_final,
        CASE
            WHEN m.first_status IS NULL THEN 'no_data'
            WHEN 'missing' IN (m.first_status, m.second_status) THEN 'undone'
            WHEN 'moved' IN (m.first_status, m.second_status) THEN 'attention'
            WHEN 'held' IN (m.first_status, m.second_status) THEN 'in_order'
            ELSE 'not_due'
        END AS standing
    FROM mart.parent_meetings_by_school AS m
),
practice AS (
    SELECT e.region, e.as_of, e.school_code, e.practice_events, e.visits, e.practice_hours, e.practice_hours_norm, e.events_without_agreement,
        e.events_with_host, e.agreements_valid, e.by_older_rules, e.known_at, e.is_final,
        CASE
            WHEN e.practice_events IS NULL OR e.practice_hours_norm IS NULL THEN 'no_data'
            WHEN e.practice_hours_norm = 0 THEN 'not_due'
            WHEN e.practice_events = 0 THEN 'undone'
            WHEN e.classes_below_norm > 0 THEN 'attention'
            ELSE 'in_order'
        END AS standing,
        CASE
            WHEN e.agreements_valid IS NULL THEN 'no_data'
            WHEN e.events_without_agreement > 0 THEN 'attention'
            WHEN e.agreements_valid = 0 THEN 'undone'
            ELSE 'in_order'
        END AS agreed
    FROM mart.practice_by_school AS e
),
profile AS (
    SELECT c.region, c.as_of, c.school_code, c.profile_classes, c.by_older_rules, c.known_at, c.is_final,
        CASE
            WHEN c.profile_classes > 0 THEN 'in_order'
            WHEN c.profile_classes IS NULL OR c.level IS NULL THEN 'no_data'
            WHEN c.level = 'advanced' THEN 'attention'
            ELSE 'not_due'
        END AS standing
    FROM mart.profile_classes_by_school AS c
),
registration AS (
    SELECT g.region, g.as_of, g.school_code, g.actual_pupils, g.export_as_of, g.by_older_rules, g.known_at, g.is_final,
        CASE
            WHEN g.pupils_6_11 = 0 THEN 'not_due'
            WHEN g.actual_pupils IS NULL THEN 'no_data'
            WHEN g.actual_pupils = 0 THEN 'undone'
            ELSE 'in_order'
        END AS standing
    FROM mart.registration_by_school AS g
),
school AS (
    SELECT s.region, s.as_of, s.position, s.school_code, s.school_name, s.reporting_unit, s.reporting_unit_name, s.by_older_rules, s.known_at,
        s.is_final,
        CASE s.status WHEN 'accepted' THEN 'in_order' WHEN 'rejected' THEN 'attention' WHEN 'missing' THEN 'no_data' ELSE 'not_due' END
            AS standing
    FROM mart.readiness_by_school AS s
),
card AS (
    SELECT s.region, s.as_of, s.position, s.school_code, s.school_name, s.reporting_unit, s.reporting_unit_name,
        l.academic_year, l.level, l.level_name,
        coalesce(l.standing, 'no_data') AS levels_standing, l.classes, l.pupils_planned, l.pupils_6_11,
        CASE WHEN l.level IS NOT NULL THEN r.levels END AS levels_as_of,
        coalesce(h.standing, 'no_data') AS hours_standing, h.hours_given, h.hours_due,
        CASE WHEN h.hours_given IS NOT NULL THEN r.hours END AS hours_as_of,
        coalesce(t.standing, 'no_data') AS timetable_standing, t.classes_with_slot, t.classes_6_11,
        CASE WHEN t.classes_6_11 IS NOT NULL THEN r.timetable END AS timetable_as_of,
        coalesce(j.standing, 'no_data') AS lessons_standing, j.lessons_held, j.lessons_due,
        CASE WHEN j.lessons_held IS NOT NULL THEN r.lessons END AS lessons_as_of,
        coalesce(p.standing, 'no_data') AS staffing_standing, p.navigators_trained, p.navigators,
        CASE WHEN p.navigators IS NOT NULL THEN r.staffing END AS staffing_as_of,
        coalesce(m.standing, 'no_data') AS meetings_standing, m.meetings, m.parents_attended, m.parents_invited,
        CASE WHEN m.meetings IS NOT NULL THEN r.meetings END AS meetings_as_of,
        coalesce(e.standing, 'no_data') AS practice_standing, e.practice_events, e.visits, e.practice_hours, e.practice_hours_norm,
        CASE WHEN e.practice_events IS NOT NULL THEN r.practice END AS practice_as_of,
        coalesce(e.agreed, 'no_data') AS agreements_standing, e.agreements_valid, e.events_without_agreement, e.events_with_host,
        CASE WHEN e.agreements_valid IS NOT NULL THEN r.agreements END AS agreements_as_of,
        coalesce(c.standing, 'no_data') AS profile_standing, c.profile_classes,
        CASE WHEN c.profile_classes IS NOT NULL THEN r.profile END AS profile_as_of,
        s.standing AS readiness_standing,
        CASE WHEN s.standing IN ('in_order', 'attention') THEN r.readiness END AS readiness_as_of,
        coalesce(g.standing, 'no_data') AS registration_standing, g.actual_pupils, g.export_as_of,
        coalesce(true IN (s.by_older_rules, l.by_older_rules, h.by_older_rules, t.by_older_rules, j.by_older_rules, p.by_older_rules, m.by_older_rules,
            e.by_older_rules, c.by_older_rules, g.by_older_rules), false) AS by_older_rules,
        greatest(s.known_at, l.known_at, h.known_at, t.known_at, j.known_at, p.known_at, m.known_at, e.known_at, c.known_at, g.known_at) AS known_at,
        s.is_final AND l.is_final AND coalesce(h.is_final AND j.is_final, true) AND t.is_final AND p.is_final AND m.is_final AND e.is_final AND c.is_final
            AND coalesce(g.is_final, true) AS is_final
    FROM school s
    LEFT JOIN reported r ON r.region = s.region AND r.as_of = s.as_of AND r.sender = s.reporting_unit
    LEFT JOIN levels l ON l.region = s.region AND l.as_of = s.as_of AND l.school_code = s.school_code
    LEFT JOIN hours h ON h.region = s.region AND h.as_of = s.as_of AND h.school_code = s.school_code
    LEFT JOIN timetable t ON t.region = s.region AND t.as_of = s.as_of AND t.school_code = s.school_code
    LEFT JOIN lessons j ON j.region = s.region AND j.as_of = s.as_of AND j.school_code = s.school_code
    LEFT JOIN staffing p ON p.region = s.region AND p.as_of = s.as_of AND p.school_code = s.school_code
    LEFT JOIN meetings m ON m.region = s.region AND m.as_of = s.as_of AND m.school_code = s.school_code
    LEFT JOIN practice e ON e.region = s.region AND e.as_of = s.as_of AND e.school_code = s.school_code
    LEFT JOIN profile c ON c.region = s.region AND c.as_of = s.as_of AND c.school_code = s.school_code
    LEFT JOIN registration g ON g.region = s.region AND g.as_of = s.as_of AND g.school_code = s.school_code
),
words AS (
    SELECT jsonb_object_agg(concat(w.system, ' ', w.standing), w.name) AS said FROM ref.system_standing AS w
)
SELECT
    k.region,
    k.as_of,
    k.position,
    k.school_code,
    k.school_name,
    k.reporting_unit,
    k.reporting_unit_name,
    k.academic_year,
    k.level,
    k.level_name,
    n.systems,
    n.systems_known,
    n.systems_in_order,
    n.systems_wanting,
    k.levels_standing,
    w.said ->> concat('levels ', k.levels_standing) AS levels_words,
    k.classes,
    k.pupils_planned,
    k.pupils_6_11,
    k.levels_as_of,
    k.hours_standing,
    w.said ->> concat('hours ', k.hours_standing) AS hours_words,
    k.hours_given,
    k.hours_due,
    k.hours_as_of,
    k.timetable_standing,
    w.said ->> concat('timetable ', k.timetable_standing) AS timetable_words,
    k.classes_with_slot,
    k.classes_6_11,
    k.timetable_as_of,
    k.lessons_standing,
    w.said ->> concat('lessons ', k.lessons_standing) AS lessons_words,
    k.lessons_held,
    k.lessons_due,
    k.lessons_as_of,
    k.staffing_standing,
    w.said ->> concat('staffing ', k.staffing_standing) AS staffing_words,
    k.navigators_trained,
    k.navigators,
    k.staffing_as_of,
    k.meetings_standing,
    w.said ->> concat('meetings ', k.meetings_standing) AS meetings_words,
    k.meetings,
    k.parents_attended,
    k.parents_invited,
    k.meetings_as_of,
    k.practice_standing,
    w.said ->> concat('practice ', k.practice_standing) AS practice_words,
    k.practice_events,
    k.visits,
    k.practice_hours,
    k.practice_hours_norm,
    k.practice_as_of,
    k.agreements_standing,
    w.said ->> concat('agreements ', k.agreements_standing) AS agreements_words,
    k.agreements_valid,
    k.events_without_agreement,
    k.events_with_host,
    k.agreements_as_of,
    k.profile_standing,
    w.said ->> concat('profile ', k.profile_standing) AS profile_words,
    k.profile_classes,
    k.profile_as_of,
    k.readiness_standing,
    w.said ->> concat('readiness ', k.readiness_standing) AS readiness_words,
    k.readiness_as_of,
    k.registration_standing,
    w.said ->> concat('registration ', k.registration_standing) AS registration_words,
    k.actual_pupils,
    k.export_as_of,
    k.by_older_rules,
    n.systems_known::numeric / n.systems AS completeness,
    k.known_at,
    k.is_final
FROM card k
CROSS JOIN words w
CROSS JOIN LATERAL (
    SELECT count(*) AS systems,
        count(*) FILTER (WHERE a.standing <> 'no_data') AS systems_known,
        count(*) FILTER (WHERE a.standing = 'in_order') AS systems_in_order,
        count(*) FILTER (WHERE a.standing IN ('attention', 'undone')) AS systems_wanting
    FROM unnest(ARRAY[k.levels_standing, k.hours_standing, k.timetable_standing, k.lessons_standing, k.staffing_standing,
        k.meetings_standing, k.practice_standing, k.agreements_standing, k.profile_standing, k.readiness_standing, k.registration_standing]) AS a (standing)
) n
