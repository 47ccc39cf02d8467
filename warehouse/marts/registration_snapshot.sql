-- Снимок регистрации на «Билет в будущее»: школа и класс, как их показала выгрузка за этот день.
-- Строка — школа и класс на дату. Ночь без выгрузки — пропуск: строки прежней выгрузки, но цифр в них нет.
-- Счётчики платформы идут с 1 января; учебный год — в activity_by_school.
-- Ключ: school_code, grade; имя: school_name.
--   as_of: На дату. День, за который показаны цифры.
--   position: Порядок. По печатному порядку отчётных единиц, коду школы, классу.
--   school_code: Код школы. По реестру.
--   school_name: Школа. Краткое наименование по реестру.
--   reporting_unit: Код отчётной единицы. Кому школа подчинена.
--   reporting_unit_name: Отчётная единица. Название на эту дату.
--   grade: Класс. От 6 до 11.
--   export_as_of: Дата выгрузки. За какой день последняя выгрузка.
--   is_gap: Пропуск. Выгрузки за этот день нет, и цифр нет.
--   days_since_export: Дней без выгрузки. От последней выгрузки до этой даты; 0 — выгрузка есть.
--   actual_pupils: Факт. Разных обучающихся, кроме неподтверждённых и архивных.
--   unverified_pupils: Не подтверждены. Разных обучающихся, которых школа ещё не подтвердила.
--   archived_pupils: В архиве. Разных обучающихся, чьи карточки отправлены в архив.
--   diagnostics: Диагностики. Пройдено с 1 января, по счётчику платформы; пусто, если выгрузка о нём молчит.
--   trials: Пробы. Посещений с 1 января, по счётчику платформы; пусто, если выгрузка о нём молчит.
--   excursions: Экскурсии. Посещений с 1 января, по счётчику платформы; пусто, если выгрузка о нём молчит.
--   museum_visits: Корпоративные музеи. Посещений с 1 января, по счётчику платформы; пусто, если выгрузка о нём молчит.
--   masterclasses: Мастер-классы. Посещений с 1 января, по счётчику платформы; пусто, если выгрузка о нём молчит.
--   diagnostics_pupils: Диагностики, обучающихся. У кого с 1 января есть хотя бы одно.
--   trials_pupils: Пробы, обучающихся. У кого с 1 января есть хотя бы одно.
--   excursions_pupils: Экскурсии, обучающихся. У кого с 1 января есть хотя бы одно.
--   museum_visits_pupils: Корпоративные музеи, обучающихся. У кого с 1 января есть хотя бы одно.
--   masterclasses_pupils: Мастер-классы, обучающихся. У кого с 1 января есть хотя бы одно.
--   judged_by: Версия правил. По какой версии правил проверена выгрузка.
--   by_older_rules: По прежним правилам. За дату выгрузки уже судят другие правила: её нужно прочитать заново.
--   completeness: Полнота. Что есть из ожидаемого, от 0 до 1: загруженные строки выгрузки этого дня, её школы против реестра, школы и обучающиеся против прежней выгрузки; 0 — выгрузки нет, отклонена или ждёт решения.
--   known_at: Известно на. Самое позднее прочтение, которое учтено.
--   is_final: Окончательно. Есть реестр и выгрузка именно за этот день, ничто не ждёт решения.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.as_of
    FROM ops.reading_at(:as_of, :known_at) h
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
    cast(:as_of AS date) AS as_of,
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
    p.masterclasses_pupils,
    a.judged_by,
    a.by_older_rules,
    a.completeness,
    a.known_at,
    a.is_final
FROM snapshot p
CROSS JOIN latest l
CROSS JOIN ops.state_at(:as_of, :known_at, ARRAY['school_register', 'registration_export']) a
JOIN ref.school_at(:as_of, :known_at) s ON s.school_id = p.school_id
LEFT JOIN ref.unit_at(:as_of) u ON u.reporting_unit = s.subordination
