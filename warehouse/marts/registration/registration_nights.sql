-- Регистрация на «Билет в будущее» ночь за ночью: учебный год до этой даты.
-- Строка — ночь школы или отчётной единицы на дату. Ночь без выгрузки — пропуск: не ноль, не вчерашняя цифра и не прямая
-- между соседними. Школы и их подчинение — на дату, цифры — какими они были опубликованы за каждую ночь.
-- Доступ: единица по reporting_unit.
--   as_of: На дату. Последняя ночь ряда.
--   position: Порядок. Отчётные единицы, затем школы, у каждой ночи по порядку.
--   grain: Чей ряд. unit — отчётная единица, school — школа.
--   code: Код. Код школы или отчётной единицы.
--   name: Название. Школа или отчётная единица.
--   reporting_unit: Код отчётной единицы. У школы — кому она подчинена.
--   night: Ночь. День, за который цифра.
--   export_as_of: Дата выгрузки. За какой день последняя выгрузка ряда к этой ночи.
--   days_since_export: Дней без выгрузки. От последней выгрузки до этой ночи; 0 — выгрузка есть.
--   movement_words: Движение словами. Отчётной единицы с прежней выгрузки: что прибавило и что убавило; у школ пусто.
--   judged_by: Версия правил. По какой версии правил проверены план и выгрузка этой ночи.
--   by_older_rules: По прежним правилам. За эту ночь уже судили другие правила, когда её цифра опубликована.
--   completeness: Полнота. Какой она была опубликована за эту ночь: что есть из ожидаемого, от 0 до 1; 0 — пропуск.
--   known_at: Известно на. Самое позднее прочтение, которое учтено в цифрах ночи.
--   is_final: Окончательно. Цифра ночи опубликована как окончательная.
WITH series AS (
    SELECT 'unit' AS grain, now.reporting_unit AS code, now.reporting_unit_name AS name, now.reporting_unit, now.region, now.as_of,
        now.position, nights.night::date AS night, told.export_as_of IS DISTINCT FROM nights.night::date AS is_gap,
        told.actual_pupils, told.unverified_pupils, told.archived_pupils, told.judged_by, told.by_older_rules, told.known_at, told.is_final,
        told.completeness, moved.movement_words
    FROM history.registration_by_municipality AS now
    CROSS JOIN LATERAL generate_series(
        make_date(extract(year FROM now.as_of - interval '8 months')::integer, 9, 1), now.as_of, interval '1 day'
    ) AS nights (night)
    LEFT JOIN history.registration_by_municipality AS told
        ON told.region = now.region AND told.as_of = nights.night::date AND told.reporting_unit = now.reporting_unit
        AND told.published_at <= :known_at AND (told.replaced_at > :known_at OR told.replaced_at = 'infinity')
    LEFT JOIN history.registration_movement_by_unit AS moved
        ON moved.region = now.region AND moved.as_of = nights.night::date AND moved.reporting_unit = now.reporting_unit
        AND moved.published_at <= :known_at AND (moved.replaced_at > :known_at OR moved.replaced_at = 'infinity')
    WHERE now.published_at <= :known_at AND (now.replaced_at > :known_at OR now.replaced_at = 'infinity')
    UNION ALL
    SELECT 'school', now.school_code, now.school_name, now.reporting_unit, now.region, now.as_of,
        now.position, nights.night::date, told.export_as_of IS DISTINCT FROM nights.night::date,
        told.actual_pupils, told.unverified_pupils, told.archived_pupils, told.judged_by, told.by_older_rules, told.known_at, told.is_final,
        told.completeness, NULL
    FROM history.registration_by_school AS now
    CROSS JOIN LATERAL generate_series(
        make_date(extract(year FROM now.as_of - interval '8 months')::integer, 9, 1), now.as_of, interval '1 day'
    ) AS nights (night)
    LEFT JOIN history.registration_by_school AS told
        ON told.region = now.region AND told.as_of = nights.night::date AND told.school_code = now.school_code
        AND told.published_at <= :known_at AND (told.replaced_at > :known_at OR told.replaced_at = 'infinity')
    WHERE now.published_at <= :known_at AND (now.replaced_at > :known_at OR now.replaced_at = 'infinity')
),
seen AS (
    SELECT
        s.*,
        max(s.night) FILTER (WHERE NOT s.is_gap) OVER (
            PARTITION BY s.region, s.as_of, s.grain, s.code ORDER BY s.night
        ) AS export_as_of
    FROM series AS s
)
SELECT
    s.region,
    s.as_of,
    row_number() OVER (PARTITION BY s.region, s.as_of ORDER BY s.grain DESC, s.position, s.night)::integer AS position,
    s.grain,
    s.code,
    s.name,
    s.reporting_unit,
    s.night,
    s.is_gap,
    s.export_as_of,
    s.night - s.export_as_of AS days_since_export,
    CASE WHEN NOT s.is_gap THEN s.actual_pupils END AS actual_pupils,
    CASE WHEN NOT s.is_gap THEN s.unverified_pupils END AS unverified_pupils,
    CASE WHEN NOT s.is_gap THEN s.archived_pupils END AS archived_pupils,
    CASE WHEN NOT s.is_gap THEN s.movement_words END AS movement_words,
    CASE WHEN NOT s.is_gap THEN s.judged_by END AS judged_by,
    NOT s.is_gap AND s.by_older_rules AS by_older_rules,
    CASE WHEN s.is_gap THEN 0 ELSE s.completeness END AS completeness,
    s.known_at,
    NOT s.is_gap AND s.is_final AS is_final
FROM seen AS s
