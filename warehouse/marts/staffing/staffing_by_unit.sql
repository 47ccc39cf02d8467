-- Кадры по отчётным единицам.
-- Строка — отчётная единица на дату: в скольких школах есть ответственный, сколько навигаторов и сколько из них обучено.
-- Навигатор двух школ считается в каждой; разных работников называет navigator_people. Без списка цифр нет (NULL), а не ноль.
-- Ключ: reporting_unit; имя: reporting_unit_name; формы: school_register, level_choice, staff.
-- Доступ: единица по reporting_unit.
-- Меры: responsible_valid, navigators, navigators_trained.
-- Меры без поправок: schools, schools_without_navigator, navigators_unanswered, ahead_untrained.
-- Показатель: responsible_rate = responsible_valid / schools; полоса: band «Полоса: ответственные»; совокупность: школы реестра, подчинённые единице.
-- Показатель: trained_rate = navigators_trained / navigators; совокупность: навигаторы школ единицы в роли на дату.
-- Состояния: navigator_people.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender, h.as_of FROM ops.reading_at(:region, :as_of, :known_at) h WHERE h.form = 'staff'
),
school AS MATERIALIZED (
    SELECT s.school_id, s.subordination, s.pupils_6_11 FROM ref.school_at(:region, :as_of, :known_at) s WHERE s.in_register
),
level AS MATERIALIZED (SELECT c.school_id, c.level FROM core.levels_at(:region, :as_of, :known_at) c WHERE c.level IS NOT NULL),
norm AS MATERIALIZED (
    SELECT n.level, n.hours
    FROM jsonb_to_recordset((SELECT ref.input_lines(:region, 'training_norms', :as_of))) AS n (level text, hours numeric)
),
person AS MATERIALIZED (
    SELECT h.sender, f.school_id, f.role, f.person_key, f.position AS rank, f.trained, f.training_hours
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.staff_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    JOIN school s ON s.school_id = f.school_id AND s.subordination = h.sender
    WHERE f.person_key <> 'vacant' AND coalesce(f.valid_from, :as_of) <= :as_of AND coalesce(f.valid_to, :as_of) >= :as_of
),
in_school AS (
    SELECT p.sender, p.school_id,
        bool_or(p.role = 'responsible' AND p.rank IN ('head', 'deputy')) AS has_responsible,
        count(*) FILTER (WHERE p.role = 'navigator') AS navigators,
        count(*) FILTER (WHERE p.role = 'navigator' AND p.trained) AS trained,
        count(*) FILTER (WHERE p.role = 'navigator' AND p.trained
                           AND coalesce(p.training_hours >= n.hours, n.hours IS NULL)) AS trained_enough,
        count(*) FILTER (WHERE p.role = 'navigator' AND p.trained IS NULL) AS unanswered
    FROM person p
    LEFT JOIN level l ON l.school_id = p.school_id
    LEFT JOIN norm n ON n.level = l.level
    GROUP BY p.sender, p.school_id
),
unit AS (
    SELECT s.subordination, count(*) AS schools,
        count(*) FILTER (WHERE c.has_responsible) AS responsible_valid,
        count(*) FILTER (WHERE coalesce(c.navigators, 0) = 0) AS without_navigator,
        coalesce(sum(c.navigators), 0)::bigint AS navigators,
        coalesce(sum(c.trained), 0)::bigint AS trained,
        coalesce(sum(c.unanswered), 0)::bigint AS unanswered,
        count(*) FILTER (WHERE l.level IN ('main', 'advanced') AND coalesce(c.trained, 0) = 0) AS ahead_untrained,
        count(l.level) AS levels_known,
        sum(c.navigators - c.trained_enough) FILTER (WHERE l.level IS NOT NULL)::bigint AS training_gap,
        sum(s.pupils_6_11)::bigint AS pupils_6_11
    FROM school s
    LEFT JOIN in_school c ON c.school_id = s.school_id AND c.sender = s.subordination
    LEFT JOIN level l ON l.school_id = s.school_id
    GROUP BY s.subordination
),
people AS (
    SELECT p.sender, count(DISTINCT p.person_key) AS people FROM person p WHERE p.role = 'navigator' GROUP BY p.sender
),
rule AS MATERIALIZED (SELECT ref.band_rule_at(:region, :as_of) AS band_rule_version)
SELECT
    u.position::integer AS position,
    u.reporting_unit,
    u.name AS reporting_unit_name,
    u.kind = 'municipality' AS is_municipality,
    ref.academic_year(:as_of) AS academic_year,
    h.reading_id IS NOT NULL AS report_received,
    h.as_of AS report_as_of,
    n.schools,
    CASE WHEN h.reading_id IS NOT NULL THEN n.responsible_valid END AS responsible_valid,
    CASE WHEN h.reading_id IS NOT NULL THEN n.responsible_valid::numeric / nullif(n.schools, 0) END AS responsible_rate,
    b.band,
    b.in_rule_gap,
    v.band_rule_version,
    CASE WHEN h.reading_id IS NOT NULL THEN n.without_navigator END AS schools_without_navigator,
    CASE WHEN h.reading_id IS NOT NULL THEN n.navigators END AS navigators,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(p.people, 0) END AS navigator_people,
    CASE WHEN h.reading_id IS NOT NULL THEN n.trained END AS navigators_trained,
    CASE WHEN h.reading_id IS NOT NULL THEN n.unanswered END AS navigators_unanswered,
    CASE WHEN h.reading_id IS NOT NULL THEN n.trained::numeric / nullif(n.navigators, 0) END AS trained_rate,
    CASE WHEN h.reading_id IS NOT NULL AND n.levels_known > 0 THEN n.ahead_untrained END AS ahead_untrained,
    CASE WHEN h.reading_id IS NOT NULL AND n.levels_known > 0 THEN coalesce(n.training_gap, 0) END AS training_gap,
    n.pupils_6_11,
    CASE WHEN h.reading_id IS NOT NULL THEN 100 * n.navigators / nullif(n.pupils_6_11, 0)::numeric END AS navigators_per_100,
    h.reading_id
FROM ref.unit_at(:region, :as_of) u
CROSS JOIN rule v
LEFT JOIN held h ON h.sender = u.reporting_unit
LEFT JOIN unit n ON n.subordination = u.reporting_unit
LEFT JOIN people p ON p.sender = u.reporting_unit
CROSS JOIN LATERAL ref.band_of(
    :region, v.band_rule_version, CASE WHEN h.reading_id IS NOT NULL THEN n.responsible_valid::numeric / nullif(n.schools, 0) END
) b
