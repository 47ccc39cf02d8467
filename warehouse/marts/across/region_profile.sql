-- Регион по системам источника.
-- Строка — система источника на дату: главная цифра региона, из скольких, полоса, как было не меньше чем неделю назад, насколько полно и чего нет.
-- Цифры — суммы строк опубликованных витрин, в которых известны и цифра, и знаменатель: доля — по тем, кто сообщил. Какая цифра какой витрины —
-- данные, contracts/vocabulary/system_figures.csv. Система без цифры имеет строку, и словами — почему цифры нет.
-- Ключ: system; имя: system_name.
-- Доступ: итог по units_sent.
--   position: Порядок. Как в таблице систем, contracts/vocabulary/systems.csv.
--   band: Полоса. По правилу витрины, no_data без цифр; пусто, если правила для этой цифры нет.
--   completeness: Полнота. Как в витрине; пусто, если её там не знают.
--   by_older_rules: По прежним правилам. Хотя бы одна строка, из которой цифра, проверена по правилам, вместо которых уже судят другие.
WITH asked AS NOT MATERIALIZED (
    SELECT d.region, d.as_of,
        (SELECT max(p.as_of) FROM history.delivery_health AS p WHERE p.region = d.region AND p.as_of <= d.as_of - 7) AS before_as_of
    FROM (SELECT DISTINCT h.region, h.as_of FROM mart.delivery_health AS h) d
),
sent AS (
    SELECT h.region, h.as_of, h.form, count(*) FILTER (WHERE h.is_received) AS units_sent
    FROM mart.delivery_health AS h
    GROUP BY h.region, h.as_of, h.form
),
unit AS NOT MATERIALIZED (SELECT u.region, u.as_of, count(*) AS units FROM mart.readiness_by_municipality AS u GROUP BY u.region, u.as_of),
-- Assignments are closed to a unit: only counts come out. Done is what all units told of, and overdue follows from the deadline; but words that a
-- share contradicts tell of the share, so what is overdue is left out where they would tell of fewer than three units.
-- Marts of classes have thousands of rows: of theirs only the columns that tell of a system are summed, then told.
told AS (
    SELECT a.region, a.as_of, s.system, d.day = a.as_of AS is_now,
        (m.said ->> s.figure)::numeric AS figure, (m.said ->> s.whole)::numeric AS whole, (m.said ->> s.lacks)::numeric AS lacks,
        m.said ->> s.band_rule AS band_rule_version, (m.said ->> 'completeness')::numeric AS completeness,
        (m.said ->> 'by_older_rules')::boolean AS by_older_rules, (m.said ->> 'known_at')::timestamptz AS known_at,
        (m.said ->> 'is_final')::boolean AS is_final
    FROM asked a
    CROSS JOIN LATERAL (VALUES (a.as_of), (a.before_as_of)) AS d (day)
    CROSS JOIN ref.system s
    CROSS JOIN LATERAL (
        SELECT to_jsonb(m) AS said FROM history.level_coverage AS m
        WHERE s.mart = 'level_coverage' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM (
            SELECT sum(h.hours_given) FILTER (WHERE h.hours_norm IS NOT NULL) AS hours_given, sum(h.hours_norm) FILTER (WHERE h.hours_given IS NOT NULL) AS hours_norm, sum(h.hours_behind) AS hours_behind,
                max(h.completeness) AS completeness, bool_or(h.by_older_rules) AS by_older_rules, max(h.known_at) AS known_at,
                bool_and(h.is_final) AS is_final
            FROM history.hours_delivery AS h
            WHERE h.region = a.region AND h.as_of = d.day AND h.published_at <= :known_at
              AND (h.replaced_at > :known_at OR h.replaced_at = 'infinity')
            GROUP BY h.reporting_unit
        ) m
        WHERE s.mart = 'hours_delivery'
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.readiness_by_municipality AS m
        WHERE s.mart = 'readiness_by_municipality' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.registration_by_municipality AS m
        WHERE s.mart = 'registration_by_municipality' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.staffing_by_unit AS m
        WHERE s.mart = 'staffing_by_unit' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.lessons_in_timetable AS m
        WHERE s.mart = 'lessons_in_timetable' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM (
            SELECT sum(h.lessons_held) FILTER (WHERE h.lessons_due IS NOT NULL) AS lessons_held, sum(h.lessons_due) FILTER (WHERE h.lessons_held IS NOT NULL) AS lessons_due,
                max(h.completeness) AS completeness, bool_or(h.by_older_rules) AS by_older_rules, max(h.known_at) AS known_at,
                bool_and(h.is_final) AS is_final
            FROM history.lessons_held AS h
            WHERE h.region = a.region AND h.as_of = d.day AND h.published_at <= :known_at
              AND (h.replaced_at > :known_at OR h.replaced_at = 'infinity')
            GROUP BY h.reporting_unit
        ) m
        WHERE s.mart = 'lessons_held'
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.parent_meetings_by_unit AS m
        WHERE s.mart = 'parent_meetings_by_unit' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.practice AS m
        WHERE s.mart = 'practice' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.partners_by_unit AS m
        WHERE s.mart = 'partners_by_unit' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.profile_classes_by_unit AS m
        WHERE s.mart = 'profile_classes_by_unit' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.event_plan AS m
        WHERE s.mart = 'event_plan' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.admissions_by_year AS m
        WHERE s.mart = 'admissions_by_year' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.regulations_in_force AS m
        WHERE s.mart = 'regulations_in_force' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.admission_steps AS m
        WHERE s.mart = 'admission_steps' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.programme_offer AS m
        WHERE s.mart = 'programme_offer' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.first_profession AS m
        WHERE s.mart = 'first_profession' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM history.preparation_measures AS m
        WHERE s.mart = 'preparation_measures' AND m.region = a.region AND m.as_of = d.day AND m.published_at <= :known_at
          AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')
        UNION ALL
        SELECT to_jsonb(m) AS said FROM (
            WITH given AS (
                SELECT l.* FROM history.assignment_list AS l
                WHERE s.mart = 'assignments' AND l.region = a.region AND l.as_of = d.day AND l.published_at <= :known_at
                  AND (l.replaced_at > :known_at OR l.replaced_at = 'infinity')
            ),
            :part assignments/judged
            SELECT count(*) AS assignments, count(*) FILTER (WHERE j.status = 'done') AS assignments_done,
                CASE WHEN bool_and(j.share IS NULL OR j.stated_status IS DISTINCT FROM 'done' OR e.units - j.units_silent >= 3)
                    THEN count(*) FILTER (WHERE j.status IN ('overdue', 'contradiction')) END AS assignments_overdue,
                max(j.completeness) AS completeness, bool_or(j.by_older_rules) AS by_older_rules, max(j.known_at) AS known_at,
                bool_and(j.is_final) AS is_final
            FROM judged j
            LEFT JOIN unit e ON e.region = a.region AND e.as_of = d.day
            HAVING count(*) > 0
        ) m
    ) m
),
-- Now and a week before in one row: asked for twice, all dates that were ever published would be summed for one of them.
summed AS (
    SELECT t.region, t.as_of, t.system,
        sum(t.figure) FILTER (WHERE t.is_now AND t.whole IS NOT NULL) AS figure,
        sum(t.whole) FILTER (WHERE t.is_now AND t.figure IS NOT NULL) AS whole,
        sum(t.figure) FILTER (WHERE NOT t.is_now AND t.whole IS NOT NULL) AS figure_before,
        sum(t.whole) FILTER (WHERE NOT t.is_now AND t.figure IS NOT NULL) AS whole_before,
        sum(t.lacks) FILTER (WHERE t.is_now) AS lacks, max(t.band_rule_version) FILTER (WHERE t.is_now) AS band_rule_version,
        max(t.completeness) FILTER (WHERE t.is_now) AS completeness, bool_or(t.by_older_rules) FILTER (WHERE t.is_now) AS by_older_rules,
        max(t.known_at) FILTER (WHERE t.is_now) AS known_at, bool_and(t.is_final) FILTER (WHERE t.is_now) AS is_final
    FROM told t
    GROUP BY t.region, t.as_of, t.system
)
SELECT
    a.region,
    a.as_of,
    s.position,
    s.system,
    s.name AS system_name,
    s.title AS system_title,
    s.shown_mart AS system_mart,
    n.figure,
    n.whole,
    n.figure / nullif(n.whole, 0) AS figure_rate,
    b.band,
    n.band_rule_version,
    a.before_as_of,
    n.figure_before,
    n.whole_before,
    n.figure / nullif(n.whole, 0) - n.figure_before / nullif(n.whole_before, 0) AS rate_change,
    CASE WHEN f.form IS NOT NULL THEN e.units END AS units_expected,
    CASE WHEN f.form IS NOT NULL THEN coalesce(u.units_sent, 0) END AS units_sent,
    CASE WHEN f.form IS NOT NULL THEN e.units - coalesce(u.units_sent, 0) END AS units_silent,
    n.lacks,
    s.lacks_words,
    CASE
        WHEN n.figure IS NOT NULL THEN NULL
        WHEN s.mart IS NOT NULL AND coalesce(u.units_sent, 0) = 0 THEN 'документов нет: форму никто не прислал'
        ELSE coalesce(s.no_figure, 'документы есть, но на эту дату цифры из них нет')
    END AS no_figure_words,
    n.by_older_rules,
    n.completeness,
    n.known_at,
    n.is_final
FROM asked a
CROSS JOIN ref.system s
LEFT JOIN summed n ON n.region = a.region AND n.as_of = a.as_of AND n.system = s.system
LEFT JOIN unit e ON e.region = a.region AND e.as_of = a.as_of
LEFT JOIN ref.form f ON f.form = s.form AND f.sender_kind = 'reporting_unit'
LEFT JOIN sent u ON u.region = a.region AND u.as_of = a.as_of AND u.form = s.form
LEFT JOIN LATERAL ref.band_of(a.region, n.band_rule_version, n.figure / nullif(n.whole, 0)) b ON n.band_rule_version IS NOT NULL
