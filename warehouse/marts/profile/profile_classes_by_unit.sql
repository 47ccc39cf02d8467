-- Профильные классы по отчётным единицам.
-- Строка — отчётная единица на дату: сколько профильных классов и во скольких школах продвинутого уровня они есть. Ноль —
-- список есть, классов нет; без списка цифр нет (NULL). Уровень школы — по списку классов, который действует.
-- Ключ: reporting_unit; имя: reporting_unit_name; формы: school_register, level_choice, profile_classes.
-- Доступ: единица по reporting_unit.
-- Меры: profile_classes, profile_pupils, profile_schools.
-- Меры без поправок: classes_without_partner, classes_unlisted, advanced_schools, advanced_with_profile, advanced_without_profile.
-- Показатель: advanced_profile_rate = advanced_with_profile / advanced_schools; совокупность: школы продвинутого уровня, подчинённые единице.
-- Состояния: profile_partners, profiles.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender, h.as_of FROM ops.reading_at(:region, :as_of, :known_at) h WHERE h.form = 'profile_classes'
),
school AS MATERIALIZED (
    SELECT s.school_id, s.subordination, s.level, s.reading_id AS level_reading_id FROM core.levels_at(:region, :as_of, :known_at) s
),
listed AS MATERIALIZED (
    SELECT s.school_id, f.grade, f.letter
    FROM school s
    CROSS JOIN LATERAL (SELECT * FROM core.level_choice_fact e
                        WHERE e.reading_id = s.level_reading_id AND e.school_id = s.school_id OFFSET 0) f
),
class AS MATERIALIZED (
    SELECT h.sender, f.school_id, f.profile_kind, f.pupils,
        coalesce(f.university_inn, lower(f.partner_university)) AS university,
        coalesce(f.enterprise_inn, lower(f.partner_enterprise)) AS enterprise,
        s.level IS NOT NULL AND NOT EXISTS (
            SELECT FROM listed l
            WHERE l.school_id = f.school_id AND l.grade = f.grade AND l.letter IS NOT DISTINCT FROM f.letter
        ) AS is_unlisted
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.profile_classes_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    JOIN school s ON s.school_id = f.school_id AND s.subordination = h.sender
),
partner AS (
    SELECT c.sender, count(DISTINCT p.partner) AS partners
    FROM class c
    CROSS JOIN LATERAL (VALUES (c.university), (c.enterprise)) AS p (partner)
    WHERE p.partner IS NOT NULL
    GROUP BY c.sender
),
counted AS (
    SELECT c.sender, count(*) AS classes, sum(c.pupils)::bigint AS pupils, count(DISTINCT c.school_id) AS schools,
        count(DISTINCT c.profile_kind) AS profiles,
        count(*) FILTER (WHERE c.university IS NULL AND c.enterprise IS NULL) AS without_partner,
        count(*) FILTER (WHERE c.is_unlisted) AS unlisted
    FROM class c
    GROUP BY c.sender
),
advanced AS (
    SELECT s.subordination, count(s.level) AS levels_known, count(*) FILTER (WHERE s.level = 'advanced') AS schools,
        count(*) FILTER (WHERE s.level = 'advanced' AND EXISTS (SELECT FROM class c WHERE c.school_id = s.school_id))
            AS with_profile
    FROM school s
    GROUP BY s.subordination
)
SELECT
    u.position::integer AS position,
    u.reporting_unit,
    u.name AS reporting_unit_name,
    u.kind = 'municipality' AS is_municipality,
    ref.academic_year(:as_of) AS academic_year,
    h.reading_id IS NOT NULL AS report_received,
    h.as_of AS report_as_of,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.classes, 0) END AS profile_classes,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.pupils, 0) END AS profile_pupils,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.schools, 0) END AS profile_schools,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.profiles, 0) END AS profiles,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(p.partners, 0) END AS profile_partners,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.without_partner, 0) END AS classes_without_partner,
    CASE WHEN h.reading_id IS NOT NULL AND a.levels_known > 0 THEN coalesce(c.unlisted, 0) END AS classes_unlisted,
    CASE WHEN a.levels_known > 0 THEN a.schools END AS advanced_schools,
    CASE WHEN h.reading_id IS NOT NULL AND a.levels_known > 0 THEN a.with_profile END AS advanced_with_profile,
    CASE WHEN h.reading_id IS NOT NULL AND a.levels_known > 0 THEN a.schools - a.with_profile END AS advanced_without_profile,
    CASE WHEN h.reading_id IS NOT NULL THEN a.with_profile::numeric / nullif(a.schools, 0) END AS advanced_profile_rate,
    h.reading_id
FROM ref.unit_at(:region, :as_of) u
LEFT JOIN held h ON h.sender = u.reporting_unit
LEFT JOIN counted c ON c.sender = u.reporting_unit
LEFT JOIN partner p ON p.sender = u.reporting_unit
LEFT JOIN advanced a ON a.subordination = u.reporting_unit
