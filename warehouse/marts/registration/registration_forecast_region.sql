-- Прогноз регистрации на «Билете в будущее» по региону.
-- Строка — регион на дату. Способ тот же, что у отчётных единиц, по сумме их чисел; даты единиц не складываются и не усредняются.
-- Ключ: region; имя: region; формы: school_register, registration_plan, registration_export.
-- Доступ: итог.
--   position: Порядок. У региона одна строка.
--   is_final: Окончательно. Есть реестр, план года и выгрузка именно за этот день; сам прогноз — всегда догадка о будущем.
SELECT
    1 AS position,
    f.export_as_of,
    f.planned AS plan_pupils,
    f.counted AS actual_pupils,
    f.forecast_status,
    f.weeks_of_pace,
    f.pace_low,
    f.pace_middle,
    f.pace_high,
    f.expected_on,
    f.earliest_on,
    f.latest_on,
    f.forecasts_checked,
    f.forecasts_held,
    f.forecasts_held::numeric / nullif(f.forecasts_checked, 0) AS held_share
FROM core.registration_forecast_at(:region, :as_of, :known_at) f
WHERE f.reporting_unit IS NULL
