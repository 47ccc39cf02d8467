-- Путь обучающихся на «Билете в будущее» за учебный год: сколько подтверждено, прошло диагностику, было на пробе и через сколько дней.
-- Строка — отчётная единица на дату: учебный год до неё, по всем его выгрузкам. Обучающийся считается за год один раз, если хотя
-- бы в одной выгрузке он был не в архиве, и относится к школе и классу, где он стоит в последней выгрузке, в которой есть. Без даты
-- рождения он узнаётся по ФИО, школе, классу и литере: перешедший считается дважды. Дни — между выгрузками: от первой в учебном
-- году, в которой обучающийся есть, до первой, в которой шаг виден; оба события были раньше, каждое не больше чем на промежуток
-- между выгрузками, а кто зарегистрирован до первой выгрузки года, у того дни считаются от неё. Медиана — только по тем, кого
-- выгрузка сначала показала без этого шага: у остальных неизвестно, когда он сделан. Счётчики платформы идут за календарный год:
-- осенью в них и то, что было с января. Чего не называет ни одна выгрузка года, то не ноль, а пусто; если молчит часть выгрузок, то
-- их обучающиеся в знаменателе остаются, и доля может быть занижена. Занятий обучающегося выгрузка не
-- называет: сколько их было в классе, говорит lessons_held. Кто вернулся из прежнего учебного года, здесь не сказано: псевдонимы
-- разных лет закрыты разными ключами, и в базе их не сопоставить.
-- Ключ: reporting_unit; имя: reporting_unit_name; формы: school_register, registration_export.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: pupils_of_year, pupils_joined, pupils_remaining, verified_pupils, diagnosed_pupils, trial_pupils, grade_11_pupils.
-- Показатель: verified_share = verified_pupils / pupils_of_year; совокупность: обучающиеся, которые за учебный год были в выгрузке не в архиве.
-- Показатель: diagnosed_share = diagnosed_pupils / pupils_of_year; совокупность: обучающиеся, которые за учебный год были в выгрузке не в архиве.
-- Показатель: trial_share = trial_pupils / pupils_of_year; совокупность: обучающиеся, которые за учебный год были в выгрузке не в архиве.
SELECT
    u.position::integer AS position,
    u.reporting_unit,
    u.name AS reporting_unit_name,
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
JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = j.reporting_unit
