-- Родительские собрания по отчётным единицам.
-- Строка — отчётная единица на дату: в скольких школах прошло первое и второе всероссийское собрание. Без списка цифр нет.
-- Ключ: reporting_unit; имя: reporting_unit_name; формы: school_register, parent_meetings.
-- Доступ: единица по reporting_unit.
-- Меры: first_held, second_held, meetings, parents_invited, parents_attended.
-- Меры без поправок: schools.
-- Показатель: first_held_rate = first_held / schools; полоса: band «Полоса: первое собрание»; совокупность: школы реестра, подчинённые единице.
-- Показатель: attendance_rate = parents_attended / parents_invited; совокупность: приглашённые на собрания школ единицы.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender FROM ops.reading_at(:region, :as_of, :known_at) h WHERE h.form = 'parent_meetings'
),
school AS MATERIALIZED (SELECT s.school_id, s.subordination FROM ref.school_at(:region, :as_of, :known_at) s WHERE s.in_register),
meeting AS (
    SELECT f.school_id, h.sender, count(*) AS meetings, bool_or(f.meeting = 'first') AS has_first,
        bool_or(f.meeting = 'second') AS has_second, sum(f.parents_invited) AS parents_invited,
        sum(f.parents_attended) AS parents_attended
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.parent_meetings_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    GROUP BY f.school_id, h.sender
),
unit AS (
    SELECT s.subordination, count(*) AS schools,
        count(*) FILTER (WHERE m.has_first) AS first_held,
        count(*) FILTER (WHERE m.has_second) AS second_held,
        coalesce(sum(m.meetings), 0)::bigint AS meetings,
        coalesce(sum(m.parents_invited), 0)::bigint AS parents_invited,
        coalesce(sum(m.parents_attended), 0)::bigint AS parents_attended
    FROM school s
    LEFT JOIN meeting m ON m.school_id = s.school_id AND m.sender = s.subordination
    GROUP BY s.subordination
),
rule AS MATERIALIZED (SELECT ref.band_rule_at(:region, :as_of) AS band_rule_version)
SELECT
    u.position::integer AS position,
    u.reporting_unit,
    u.name AS reporting_unit_name,
    u.kind = 'municipality' AS is_municipality,
    ref.academic_year(:as_of) AS academic_year,
    h.reading_id IS NOT NULL AS report_received,
    n.schools,
    CASE WHEN h.reading_id IS NOT NULL THEN n.first_held END AS first_held,
    CASE WHEN h.reading_id IS NOT NULL THEN n.second_held END AS second_held,
    CASE WHEN h.reading_id IS NOT NULL THEN n.meetings END AS meetings,
    CASE WHEN h.reading_id IS NOT NULL THEN n.parents_invited END AS parents_invited,
    CASE WHEN h.reading_id IS NOT NULL THEN n.parents_attended END AS parents_attended,
    CASE WHEN h.reading_id IS NOT NULL THEN n.first_held::numeric / nullif(n.schools, 0) END AS first_held_rate,
    b.band,
    b.in_rule_gap,
    v.band_rule_version,
    CASE WHEN h.reading_id IS NOT NULL THEN n.parents_attended::numeric / nullif(n.parents_invited, 0) END AS attendance_rate,
    h.reading_id
FROM ref.unit_at(:region, :as_of) u
CROSS JOIN rule v
LEFT JOIN held h ON h.sender = u.reporting_unit
LEFT JOIN unit n ON n.subordination = u.reporting_unit
CROSS JOIN LATERAL ref.band_of(
    :region, v.band_rule_version, CASE WHEN h.reading_id IS NOT NULL THEN n.first_held::numeric / nullif(n.schools, 0) END
) b
