-- Снимок регистрации на «Билет в будущее»: школа и класс, как их показала выгрузка за этот день.
-- Строка — школа и класс на дату. Ночь без выгрузки — пропуск: строки прежней выгрузки, но цифр в них нет.
-- Счётчики платформы идут с 1 января; учебный год — в activity_by_school.
-- Ключ: school_code, grade; имя: school_name; формы: school_register, registration_export.
-- Доступ: единица по reporting_unit.
--   position: Порядок. По печатному порядку отчётных единиц, коду школы, классу.
--   export_as_of: Дата выгрузки. За какой день последняя выгрузка.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.as_of
    FROM ops.reading_at(:region, :as_of, :known_at) h
    WHERE h.form = 'registration_export'
),
latest AS (SELECT max(h.as_of) AS as_of FROM held h),
snapshot AS (
    SELECT
        f.school_id,
        f.grade,
        sum(f.actual_pupils) FILTER (WHERE h.as_of = :as_of)::bigint AS actual_pupils,
        sum(f.unverified_pupils) FILTER (WHERE h.as_of = :as_of)::bigint AS unverified_pupils,
        sum(f.archived_pupils) FILTER (WHERE h.as_of = :as_of)::bigint AS archived_pupils,
        sum(f.diagnostics) FILTER (WHERE h.as_of = :as_of)::bigint AS diagnostics,
        sum(f.trials) FILTER (WHERE h.as_of = :as_of)::bigint AS trials,
        sum(f.excursions) FILTER (WHERE h.as_of = :as_of)::bigint AS excursions,
        sum(f.museum_visits) FILTER (WHERE h.as_of = :as_of)::bigint AS museum_visits,
        sum(f.masterclasses) FILTER (WHERE h.as_of = :as_of)::bigint AS masterclasses,
        sum(f.diagnostics_pupils) FILTER (WHERE h.as_of = :as_of)::bigint AS diagnostics_pupils,
        sum(f.trials_pupils) FILTER (WHERE h.as_of = :as_of)::bigint AS trials_pupils,
        sum(f.excursions_pupils) FILTER (WHERE h.as_of = :as_of)::bigint AS excursions_pupils,
        sum(f.museum_visits_pupils) FILTER (WHERE h.as_of = :as_of)::bigint AS museum_visits_pupils,
        sum(f.masterclasses_pupils) FILTER (WHERE h.as_of = :as_of)::bigint AS masterclasses_pupils
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.registration_export_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    GROUP BY f.school_id, f.grade
)
SELECT
    row_number() OVER (ORDER BY u.position, s.subordination, s.school_code, p.grade)::integer AS position,
    s.school_code,
    s.short_name AS school_name,
    s.subordination AS reporting_unit,
    u.name AS reporting_unit_name,
    p.grade,
    l.as_of AS export_as_of,
    l.as_of <> :as_of AS is_gap,
    cast(:as_of AS date) - l.as_of AS days_since_export,
    p.actual_pupils,
    p.unverified_pupils,
    p.archived_pupils,
    p.diagnostics,
    p.trials,
    p.excursions,
    p.museum_visits,
    p.masterclasses,
    p.diagnostics_pupils,
    p.trials_pupils,
    p.excursions_pupils,
    p.museum_visits_pupils,
    p.masterclasses_pupils
FROM snapshot p
CROSS JOIN latest l
JOIN ref.school_at(:region, :as_of, :known_at) s ON s.school_id = p.school_id
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = s.subordination
