-- Движение зарегистрированных на «Билете в будущее» по региону.
-- Строка — регион на дату: суммы по отчётным единицам. Переходы между единицами у региона взаимно гасятся: пришло столько же,
-- сколько ушло. Из региона в регион переход не виден: там это «нет в выгрузке», здесь «новый».
-- Доступ: итог.
--   movement_status: Состояние движения. Одно у всех единиц: выгрузка у региона одна.
--   rule_versions: Версий правил. По скольким разным версиям проверена выгрузка.
WITH region AS (
    SELECT
        unit.region,
        unit.as_of,
        max(unit.export_as_of) AS export_as_of,
        max(unit.previous_as_of) AS previous_as_of,
        min(unit.movement_status) AS movement_status,
        sum(unit.opening_pupils)::bigint AS opening_pupils,
        sum(unit.pupils_came)::bigint AS pupils_came,
        sum(unit.pupils_verified)::bigint AS pupils_verified,
        sum(unit.pupils_restored)::bigint AS pupils_restored,
        sum(unit.pupils_moved_in)::bigint AS pupils_moved_in,
        sum(unit.pupils_left)::bigint AS pupils_left,
        sum(unit.pupils_archived)::bigint AS pupils_archived,
        sum(unit.pupils_unverified)::bigint AS pupils_unverified,
        sum(unit.pupils_moved_out)::bigint AS pupils_moved_out,
        sum(unit.pupils_recounted)::bigint AS pupils_recounted,
        sum(unit.closing_pupils)::bigint AS closing_pupils,
        sum(unit.pupils_moved_within)::bigint AS pupils_moved_within,
        sum(unit.pupils_grade_changed)::bigint AS pupils_grade_changed,
        count(DISTINCT unit.judged_by) AS rule_versions,
        max(unit.completeness) AS completeness,
        max(unit.known_at) AS known_at,
        bool_and(unit.is_final) AS is_final
    FROM mart.registration_movement_by_unit AS unit
    GROUP BY unit.region, unit.as_of
)
SELECT
    r.region,
    r.as_of,
    1 AS position,
    r.export_as_of,
    r.previous_as_of,
    r.movement_status,
    r.opening_pupils,
    r.pupils_came,
    r.pupils_verified,
    r.pupils_restored,
    r.pupils_moved_in,
    r.pupils_left,
    r.pupils_archived,
    r.pupils_unverified,
    r.pupils_moved_out,
    r.pupils_recounted,
    r.closing_pupils,
    r.pupils_moved_within,
    r.pupils_grade_changed,
    r.rule_versions,
    r.completeness,
    r.known_at,
    r.is_final
FROM region r
