-- Профильные классы по школам.
-- Строка — школа реестра на дату: сколько у неё профильных классов по списку её отправителя, который действует. Ноль — список
-- есть, классов школы в нём нет; без списка цифр нет (NULL).
-- Ключ: school_code; имя: school_name; формы: school_register, level_choice, profile_classes.
-- Доступ: единица по reporting_unit.
-- Меры: profile_classes, profile_pupils.
-- Меры без поправок: classes_without_partner.
--   profile_classes: Профильных классов. Школы, в списке её отправителя.
--   level: Уровень. По распределению классов, самый высокий у школы: basic, main или advanced; пусто, если её в нём нет.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender, h.as_of FROM ops.reading_at(:region, :as_of, :known_at) h WHERE h.form = 'profile_classes'
),
class AS (
    SELECT h.sender, f.school_id, count(*) AS classes, sum(f.pupils)::bigint AS pupils,
        string_agg(DISTINCT coalesce(k.name, 'Профиль не из списка'), ', ' ORDER BY coalesce(k.name, 'Профиль не из списка'))
            AS profile_names,
        count(*) FILTER (WHERE coalesce(f.university_inn, f.partner_university, f.enterprise_inn, f.partner_enterprise) IS NULL)
            AS without_partner
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.profile_classes_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    LEFT JOIN ref.profile_kind k ON k.profile_kind = f.profile_kind
    GROUP BY h.sender, f.school_id
)
SELECT
    row_number() OVER (ORDER BY u.position, s.subordination, s.school_code)::integer AS position,
    s.school_code,
    s.short_name AS school_name,
    s.subordination AS reporting_unit,
    u.name AS reporting_unit_name,
    ref.academic_year(:as_of) AS academic_year,
    h.as_of AS report_as_of,
    s.level,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.classes, 0) END AS profile_classes,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.pupils, 0) END AS profile_pupils,
    c.profile_names,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(c.without_partner, 0) END AS classes_without_partner,
    h.reading_id
FROM core.levels_at(:region, :as_of, :known_at) s
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = s.subordination
LEFT JOIN held h ON h.sender = s.subordination
LEFT JOIN class c ON c.sender = s.subordination AND c.school_id = s.school_id
