-- Движение зарегистрированных на «Билете в будущее»: школа и класс.
-- Строка — школа и класс на дату: сколько обучающихся считалось в выгрузке перед этой, кто с тех пор прибыл и убыл и сколько
-- считается теперь: было + прибыло − убыло = стало. Выгрузка перед этой — последняя до неё за тот же учебный год, какой бы давней
-- ни была: её дата — previous_as_of, и движение — за все дни между ними. Ночь без выгрузки движения не имеет. Обучающийся без даты
-- рождения узнаётся по ФИО, школе и классу, и его переход виден как «нет в выгрузке» и «новый».
-- Ключ: school_code, grade; имя: school_name; формы: school_register, registration_export.
-- Доступ: единица по reporting_unit.
--   position: Порядок. По печатному порядку отчётных единиц, коду школы, классу, как в registration_snapshot.
--   pupils_moved_in: Пришли из других школ. Считались в другой школе выгрузки.
--   pupils_moved_out: Ушли в другие школы. Считаются теперь в другой школе выгрузки.
WITH standing AS MATERIALIZED (SELECT * FROM core.movement_status_at(:region, :as_of, :known_at)),
cell AS (
    SELECT
        m.school_id,
        m.grade,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'opening'), 0)::bigint AS opening,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'closing'), 0)::bigint AS closing,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'came'), 0)::bigint AS came,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'verified'), 0)::bigint AS verified,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'restored'), 0)::bigint AS restored,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'moved_in'), 0)::bigint AS moved_in,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'grade_in'), 0)::bigint AS grade_in,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'left'), 0)::bigint AS "left",
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'archived'), 0)::bigint AS archived,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'unverified'), 0)::bigint AS unverified,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'moved_out'), 0)::bigint AS moved_out,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'grade_out'), 0)::bigint AS grade_out
    FROM core.movement_at(:region, :as_of, :known_at) m
    GROUP BY m.school_id, m.grade
)
SELECT
    row_number() OVER (ORDER BY u.position, s.subordination, s.school_code, c.grade)::integer AS position,
    s.school_code,
    s.short_name AS school_name,
    s.subordination AS reporting_unit,
    u.name AS reporting_unit_name,
    c.grade,
    t.export_as_of,
    t.previous_as_of,
    t.movement_status,
    CASE WHEN t.previous_as_of IS NOT NULL THEN c.opening END AS opening_pupils,
    CASE WHEN t.movement_status = 'compared' THEN c.came END AS pupils_came,
    CASE WHEN t.movement_status = 'compared' THEN c.verified END AS pupils_verified,
    CASE WHEN t.movement_status = 'compared' THEN c.restored END AS pupils_restored,
    CASE WHEN t.movement_status = 'compared' THEN c.moved_in END AS pupils_moved_in,
    CASE WHEN t.movement_status = 'compared' THEN c.grade_in END AS pupils_grade_in,
    CASE WHEN t.movement_status = 'compared' THEN c."left" END AS pupils_left,
    CASE WHEN t.movement_status = 'compared' THEN c.archived END AS pupils_archived,
    CASE WHEN t.movement_status = 'compared' THEN c.unverified END AS pupils_unverified,
    CASE WHEN t.movement_status = 'compared' THEN c.moved_out END AS pupils_moved_out,
    CASE WHEN t.movement_status = 'compared' THEN c.grade_out END AS pupils_grade_out,
    CASE WHEN t.movement_status = 'compared' THEN c.closing - c.opening
        - (c.came + c.verified + c.restored + c.moved_in + c.grade_in)
        + (c."left" + c.archived + c.unverified + c.moved_out + c.grade_out) END AS pupils_recounted,
    c.closing AS closing_pupils
FROM cell c
CROSS JOIN standing t
JOIN ref.school_at(:region, :as_of, :known_at) s ON s.school_id = c.school_id
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = s.subordination
