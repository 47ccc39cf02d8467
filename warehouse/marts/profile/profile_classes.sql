-- Профильные классы по профилям.
-- Строка — отчётная единица и профиль на дату: сколько таких классов, обучающихся и партнёров в списке, который действует.
-- Единиц, у которых профильных классов нет или списка нет, здесь нет: их показывает profile_classes_by_unit.
-- Ключ: reporting_unit, profile_kind; имя: profile_name; формы: school_register, profile_classes.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: profile_classes, profile_pupils, profile_schools, classes_without_partner.
--   position: Порядок. Отчётные единицы, у каждой профили в порядке списка.
--   reporting_unit: Код отчётной единицы. Чьи это классы.
--   judged_by: Версия правил. По какой версии правил проверен список единицы.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender, h.as_of FROM ops.reading_at(:region, :as_of, :known_at) h WHERE h.form = 'profile_classes'
),
class AS MATERIALIZED (
    SELECT h.sender, h.reading_id, h.as_of, f.school_id, coalesce(f.profile_kind, 'unknown') AS profile_kind, f.pupils,
        coalesce(f.university_inn, lower(f.partner_university)) AS university,
        coalesce(f.enterprise_inn, lower(f.partner_enterprise)) AS enterprise
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.profile_classes_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    JOIN ref.school_at(:region, :as_of, :known_at) s ON s.school_id = f.school_id AND s.subordination = h.sender AND s.in_register
),
partner AS (
    SELECT c.sender, c.profile_kind, count(DISTINCT p.partner) AS partners
    FROM class c
    CROSS JOIN LATERAL (VALUES (c.university), (c.enterprise)) AS p (partner)
    WHERE p.partner IS NOT NULL
    GROUP BY c.sender, c.profile_kind
),
counted AS (
    SELECT c.sender, c.reading_id, c.as_of, c.profile_kind, count(*) AS classes, sum(c.pupils)::bigint AS pupils,
        count(DISTINCT c.school_id) AS schools,
        count(*) FILTER (WHERE c.university IS NULL AND c.enterprise IS NULL) AS without_partner
    FROM class c
    GROUP BY c.sender, c.reading_id, c.as_of, c.profile_kind
)
SELECT
    row_number() OVER (ORDER BY u.position, k.position NULLS LAST)::integer AS position,
    u.reporting_unit,
    u.name AS reporting_unit_name,
    c.profile_kind,
    coalesce(k.name, 'Профиль не из списка') AS profile_name,
    ref.academic_year(:as_of) AS academic_year,
    c.as_of AS report_as_of,
    c.classes AS profile_classes,
    c.pupils AS profile_pupils,
    c.schools AS profile_schools,
    coalesce(p.partners, 0) AS profile_partners,
    c.without_partner AS classes_without_partner,
    c.reading_id
FROM counted c
JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = c.sender
LEFT JOIN ref.profile_kind k ON k.profile_kind = c.profile_kind
LEFT JOIN partner p ON p.sender = c.sender AND p.profile_kind = c.profile_kind
