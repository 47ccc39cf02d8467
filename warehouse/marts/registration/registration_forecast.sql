-- Прогноз регистрации на «Билете в будущее»: когда при прежнем темпе единица выполнит план учебного года.
-- Строка — отчётная единица на дату. Темп недели — на сколько выросло число зарегистрированных от последней выгрузки прежней недели
-- до последней выгрузки этой, делённое на рабочие дни между ними по календарю; неделя без выгрузки темпа не имеет. Берутся восемь
-- последних недель учебного года. Дата прогноза — по медиане темпов, ранняя — по девяностой процентили, поздняя — по десятой
-- (между соседними темпами по прямой). Это не вероятность, а разброс того, что уже было. Насколько он держит, говорят прошлые
-- недели: прогноз каждой, у которой было не меньше четырёх темпов, сверен с выгрузками следующих четырёх недель — лежит ли число
-- между тем, что обещали низкий и высокий темп. Если темпов меньше четырёх, прогноза нет: это состояние, а не число; нет его и
-- тогда, когда по последней выгрузке дата уже прошла, а новых выгрузок нет. В счёт идут последние шестнадцать недель.
-- Ключ: reporting_unit; имя: reporting_unit_name; формы: school_register, registration_plan, registration_export.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: forecasts_checked, forecasts_held.
-- Показатель: held_share = forecasts_held / forecasts_checked; совокупность: прошлые прогнозы, которые уже можно сверить.
--   is_final: Окончательно. Есть реестр, план года и выгрузка именно за этот день; сам прогноз — всегда догадка.
SELECT
    u.position::integer AS position,
    u.reporting_unit,
    u.name AS reporting_unit_name,
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
JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = f.reporting_unit
