-- Отчётная единица по системам источника.
-- Строка — отчётная единица на дату: главная цифра каждой системы, из скольких, доля, полоса там, где для неё есть правило. Первый взгляд сотрудника и
-- руководителя; подробности в витрине системы.
-- Цифры — суммы строк единицы в опубликованных витринах, в которых известны и цифра, и знаменатель: contracts/vocabulary/system_figures.csv. Пусто —
-- единица ничего не прислала: это не ноль и не «плохо».
-- Ключ: reporting_unit; имя: reporting_unit_name.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: systems_known.
--   systems: Систем. Сколько систем здесь показано.
--   systems_known: Известно. По скольким системам у единицы есть цифра.
--   completeness: Полнота. Доля систем, по которым у единицы есть цифра.
WITH unit AS (
    SELECT u.region, u.as_of, u.position, u.reporting_unit, u.reporting_unit_name, u.is_municipality
    FROM mart.readiness_by_municipality AS u
),
-- Marts of classes have thousands of rows: of theirs only the columns that tell of a system are summed, then told.
told AS (
    SELECT a.region, a.as_of, m.reporting_unit, s.system,
        sum((m.said ->> s.figure)::numeric) FILTER (WHERE m.said ->> s.whole IS NOT NULL) AS figure,
        sum((m.said ->> s.whole)::numeric) FILTER (WHERE m.said ->> s.figure IS NOT NULL) AS whole,
        max(m.said ->> s.band_rule) AS band_rule_version, bool_or((m.said ->> 'by_older_rules')::boolean) AS by_older_rules,
        max((m.said ->> 'known_at')::timestamptz) AS known_at, bool_and((m.said ->> 'is_final')::boolean) AS is_final
    FROM (SELECT DISTINCT u.region, u.as_of FROM unit u) a
    CROSS JOIN ref.system s
    CROSS JOIN LATERAL (
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM mart.level_coverage AS m
        WHERE s.mart = 'level_coverage' AND m.region = a.region AND m.as_of = a.as_of
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM (
            SELECT h.reporting_unit, sum(h.hours_given) FILTER (WHERE h.hours_norm IS NOT NULL) AS hours_given,
                sum(h.hours_norm) FILTER (WHERE h.hours_given IS NOT NULL) AS hours_norm, bool_or(h.by_older_rules) AS by_older_rules,
                max(h.known_at) AS known_at, bool_and(h.is_final) AS is_final
            FROM mart.hours_delivery AS h
            WHERE h.region = a.region AND h.as_of = a.as_of
            GROUP BY h.reporting_unit
        ) m
        WHERE s.mart = 'hours_delivery'
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM mart.readiness_by_municipality AS m
        WHERE s.mart = 'readiness_by_municipality' AND m.region = a.region AND m.as_of = a.as_of
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM mart.registration_by_municipality AS m
        WHERE s.mart = 'registration_by_municipality' AND m.region = a.region AND m.as_of = a.as_of
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM mart.staffing_by_unit AS m
        WHERE s.mart = 'staffing_by_unit' AND m.region = a.region AND m.as_of = a.as_of
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM mart.lessons_in_timetable AS m
        WHERE s.mart = 'lessons_in_timetable' AND m.region = a.region AND m.as_of = a.as_of
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM (
            SELECT h.reporting_unit, sum(h.lessons_held) FILTER (WHERE h.lessons_due IS NOT NULL) AS lessons_held,
                sum(h.lessons_due) FILTER (WHERE h.lessons_held IS NOT NULL) AS lessons_due, bool_or(h.by_older_rules) AS by_older_rules,
                max(h.known_at) AS known_at, bool_and(h.is_final) AS is_final
            FROM mart.lessons_held AS h
            WHERE h.region = a.region AND h.as_of = a.as_of
            GROUP BY h.reporting_unit
        ) m
        WHERE s.mart = 'lessons_held'
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM mart.parent_meetings_by_unit AS m
        WHERE s.mart = 'parent_meetings_by_unit' AND m.region = a.region AND m.as_of = a.as_of
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM mart.practice AS m
        WHERE s.mart = 'practice' AND m.region = a.region AND m.as_of = a.as_of
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM mart.partners_by_unit AS m
        WHERE s.mart = 'partners_by_unit' AND m.region = a.region AND m.as_of = a.as_of
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM mart.profile_classes_by_unit AS m
        WHERE s.mart = 'profile_classes_by_unit' AND m.region = a.region AND m.as_of = a.as_of
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM mart.programme_offer AS m
        WHERE s.mart = 'programme_offer' AND m.region = a.region AND m.as_of = a.as_of
        UNION ALL
        SELECT m.reporting_unit, to_jsonb(m) AS said FROM mart.event_plan AS m
        WHERE s.mart = 'event_plan' AND m.region = a.region AND m.as_of = a.as_of
    ) m
    GROUP BY a.region, a.as_of, m.reporting_unit, s.system
),
judged AS (
    SELECT t.*, t.figure / nullif(t.whole, 0) AS share, b.band
    FROM told t
    LEFT JOIN LATERAL ref.band_of(t.region, t.band_rule_version, t.figure / nullif(t.whole, 0)) b ON t.band_rule_version IS NOT NULL
),
-- A unit that the register gives no school has no rows in marts of schools.
card AS (
    SELECT j.region, j.as_of, j.reporting_unit, count(j.share) AS systems_known, max(j.band_rule_version) AS band_rule_version,
        bool_or(j.by_older_rules) AS by_older_rules, max(j.known_at) AS known_at, bool_and(coalesce(j.is_final, true)) AS is_final,
        max(j.figure) FILTER (WHERE j.system = 'levels') AS levels_figure,
        max(j.whole) FILTER (WHERE j.system = 'levels') AS levels_whole,
        max(j.share) FILTER (WHERE j.system = 'levels') AS levels_figure_rate,
        max(j.figure) FILTER (WHERE j.system = 'coverage') AS coverage_figure,
        max(j.whole) FILTER (WHERE j.system = 'coverage') AS coverage_whole,
        max(j.share) FILTER (WHERE j.system = 'coverage') AS coverage_figure_rate,
        max(j.figure) FILTER (WHERE j.system = 'hours') AS hours_figure,
        max(j.whole) FILTER (WHERE j.system = 'hours') AS hours_whole,
        max(j.share) FILTER (WHERE j.system = 'hours') AS hours_figure_rate,
        max(j.figure) FILTER (WHERE j.system = 'readiness') AS readiness_figure,
        max(j.whole) FILTER (WHERE j.system = 'readiness') AS readiness_whole,
        max(j.share) FILTER (WHERE j.system = 'readiness') AS readiness_figure_rate,
        max(j.band) FILTER (WHERE j.system = 'readiness') AS readiness_band,
        max(j.figure) FILTER (WHERE j.system = 'registration') AS registration_figure,
        max(j.whole) FILTER (WHERE j.system = 'registration') AS registration_whole,
        max(j.share) FILTER (WHERE j.system = 'registration') AS registration_figure_rate,
        max(j.band) FILTER (WHERE j.system = 'registration') AS registration_band,
        max(j.figure) FILTER (WHERE j.system = 'staff') AS staff_figure,
        max(j.whole) FILTER (WHERE j.system = 'staff') AS staff_whole,
        max(j.share) FILTER (WHERE j.system = 'staff') AS staff_figure_rate,
        max(j.band) FILTER (WHERE j.system = 'staff') AS staff_band,
        max(j.figure) FILTER (WHERE j.system = 'navigators') AS navigators_figure,
        max(j.whole) FILTER (WHERE j.system = 'navigators') AS navigators_whole,
        max(j.share) FILTER (WHERE j.system = 'navigators') AS navigators_figure_rate,
        max(j.figure) FILTER (WHERE j.system = 'timetable') AS timetable_figure,
        max(j.whole) FILTER (WHERE j.system = 'timetable') AS timetable_whole,
        max(j.share) FILTER (WHERE j.system = 'timetable') AS timetable_figure_rate,
        max(j.figure) FILTER (WHERE j.system = 'journal') AS journal_figure,
        max(j.whole) FILTER (WHERE j.system = 'journal') AS journal_whole,
        max(j.share) FILTER (WHERE j.system = 'journal') AS journal_figure_rate,
        max(j.figure) FILTER (WHERE j.system = 'meetings') AS meetings_figure,
        max(j.whole) FILTER (WHERE j.system = 'meetings') AS meetings_whole,
        max(j.share) FILTER (WHERE j.system = 'meetings') AS meetings_figure_rate,
        max(j.band) FILTER (WHERE j.system = 'meetings') AS meetings_band,
        max(j.figure) FILTER (WHERE j.system = 'practice') AS practice_figure,
        max(j.whole) FILTER (WHERE j.system = 'practice') AS practice_whole,
        max(j.share) FILTER (WHERE j.system = 'practice') AS practice_figure_rate,
        max(j.figure) FILTER (WHERE j.system = 'partners') AS partners_figure,
        max(j.whole) FILTER (WHERE j.system = 'partners') AS partners_whole,
        max(j.share) FILTER (WHERE j.system = 'partners') AS partners_figure_rate,
        max(j.figure) FILTER (WHERE j.system = 'catalogues') AS catalogues_figure,
        max(j.whole) FILTER (WHERE j.system = 'catalogues') AS catalogues_whole,
        max(j.share) FILTER (WHERE j.system = 'catalogues') AS catalogues_figure_rate,
        max(j.figure) FILTER (WHERE j.system = 'profile') AS profile_figure,
        max(j.whole) FILTER (WHERE j.system = 'profile') AS profile_whole,
        max(j.share) FILTER (WHERE j.system = 'profile') AS profile_figure_rate,
        max(j.figure) FILTER (WHERE j.system = 'plan') AS plan_figure,
        max(j.whole) FILTER (WHERE j.system = 'plan') AS plan_whole,
        max(j.share) FILTER (WHERE j.system = 'plan') AS plan_figure_rate
    FROM judged j
    GROUP BY j.region, j.as_of, j.reporting_unit
)
SELECT
    u.region,
    u.as_of,
    u.position,
    u.reporting_unit,
    u.reporting_unit_name,
    u.is_municipality,
    15 AS systems,
    coalesce(c.systems_known, 0) AS systems_known,
    c.levels_figure,
    c.levels_whole,
    c.levels_figure_rate,
    c.coverage_figure,
    c.coverage_whole,
    c.coverage_figure_rate,
    c.hours_figure,
    c.hours_whole,
    c.hours_figure_rate,
    c.readiness_figure,
    c.readiness_whole,
    c.readiness_figure_rate,
    c.readiness_band,
    c.registration_figure,
    c.registration_whole,
    c.registration_figure_rate,
    c.registration_band,
    c.staff_figure,
    c.staff_whole,
    c.staff_figure_rate,
    c.staff_band,
    c.navigators_figure,
    c.navigators_whole,
    c.navigators_figure_rate,
    c.timetable_figure,
    c.timetable_whole,
    c.timetable_figure_rate,
    c.journal_figure,
    c.journal_whole,
    c.journal_figure_rate,
    c.meetings_figure,
    c.meetings_whole,
    c.meetings_figure_rate,
    c.meetings_band,
    c.practice_figure,
    c.practice_whole,
    c.practice_figure_rate,
    c.partners_figure,
    c.partners_whole,
    c.partners_figure_rate,
    c.catalogues_figure,
    c.catalogues_whole,
    c.catalogues_figure_rate,
    c.profile_figure,
    c.profile_whole,
    c.profile_figure_rate,
    c.plan_figure,
    c.plan_whole,
    c.plan_figure_rate,
    c.band_rule_version,
    c.by_older_rules,
    coalesce(c.systems_known, 0)::numeric / 15 AS completeness,
    c.known_at,
    c.is_final
FROM unit u
LEFT JOIN card c ON c.region = u.region AND c.as_of = u.as_of AND c.reporting_unit = u.reporting_unit
