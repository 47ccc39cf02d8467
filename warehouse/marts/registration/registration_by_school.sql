-- Регистрация на «Билет в будущее» по школам.
-- Строка — школа на дату: школы реестра, а также те, что из реестра ушли, но в выгрузке ещё есть.
-- Ключ: school_code; имя: school_name; формы: school_register, registration_export.
-- Доступ: единица по reporting_unit или territory.
-- Меры: actual_pupils «Зарегистрировано».
-- Меры без поправок: unverified_pupils, archived_pupils, pupils_6_11.
-- Показатель: registered_share = actual_pupils / pupils_6_11; совокупность: обучающиеся 6–11 классов по реестру.
--   actual_pupils: Факт. Разных обучающихся, кроме неподтверждённых и архивных; пусто без выгрузки.
SELECT
    row_number() OVER (ORDER BY u.position, s.subordination, s.school_code)::integer AS position,
    s.school_code,
    s.short_name AS school_name,
    s.subordination AS reporting_unit,
    u.name AS reporting_unit_name,
    s.territory,
    t.name AS territory_name,
    s.in_register,
    s.export_as_of,
    s.actual_pupils,
    s.unverified_pupils,
    s.archived_pupils,
    s.pupils_6_11,
    s.actual_pupils::numeric / nullif(s.pupils_6_11, 0) AS registered_share
FROM core.registration_at(:region, :as_of, :known_at) s
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = s.subordination
LEFT JOIN ref.unit_at(:region, :as_of) t ON t.reporting_unit = s.territory
