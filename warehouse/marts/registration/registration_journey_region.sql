-- Путь обучающихся на «Билете в будущее» за учебный год по региону.
-- Строка — регион на дату: каждый обучающийся один раз, и школ, которых нет в реестре, тоже; поэтому сумма единиц может быть меньше.
-- Медианы — по всем обучающимся региона: медианы единиц не складываются и не усредняются. Способ и оговорки те же, что у единиц.
-- Ключ: region; имя: region; формы: school_register, registration_export.
-- Доступ: итог.
--   position: Порядок. У региона одна строка за учебный год до этой даты.
SELECT
    1 AS position,
    ref.academic_year(:as_of) AS academic_year,
:part registration/journey_figures
FROM core.journey_at(:region, :as_of, :known_at) j
WHERE j.reporting_unit IS NULL
