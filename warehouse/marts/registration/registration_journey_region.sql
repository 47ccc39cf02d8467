-- Путь обучающихся на «Билете в будущее» за учебный год по региону.
-- Строка — регион на дату: каждый обучающийся один раз, и школ, которых нет в реестре, тоже; поэтому сумма единиц может быть меньше.
-- Медианы — по всем обучающимся региона: медианы единиц не складываются и не усредняются. Способ и оговорки те же, что у единиц.
-- Ключ: region; имя: region; формы: school_register, registration_export.
-- Доступ: итог.
--   position: Порядок. У региона одна строка за учебный год до этой даты.
SELECT
    1 AS position,
    ref.academic_year(:as_of) AS academic_year,
    j.export_as_of,
    j.first_export_as_of,
    j.exports,
    j.journey_status,
    j.pupils AS pupils_of_year,
    j.joined AS pupils_joined,
    j.remaining AS pupils_remaining,
    j.verified AS verified_pupils,
    j.verified_followed,
    j.days_to_verified,
    j.diagnosed AS diagnosed_pupils,
    j.diagnosed_followed,
    j.days_to_diagnosed,
    j.trial AS trial_pupils,
    j.trial_followed,
    j.days_to_trial,
    j.grade_11 AS grade_11_pupils,
    j.grade_11_verified,
    j.grade_11_diagnosed,
    j.grade_11_trial,
    j.verified::numeric / nullif(j.pupils, 0) AS verified_share,
    j.diagnosed::numeric / nullif(j.pupils, 0) AS diagnosed_share,
    j.trial::numeric / nullif(j.pupils, 0) AS trial_share
FROM core.journey_at(:region, :as_of, :known_at) j
WHERE j.reporting_unit IS NULL
