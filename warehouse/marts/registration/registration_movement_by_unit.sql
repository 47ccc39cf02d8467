-- Движение зарегистрированных на «Билете в будущее» по отчётным единицам: откуда взялась и куда делась разница.
-- Строка — отчётная единица на дату: было + прибыло − убыло = стало. Школы отнесены по подчинению на дату. Переходы между школами
-- одной единицы числа не меняют и показаны отдельно, как и смена класса. Без выгрузки перед этой движения нет (NULL), а не ноль.
-- Ключ: reporting_unit; имя: reporting_unit_name; формы: school_register, registration_export.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: opening_pupils, pupils_came, pupils_verified, pupils_restored, pupils_moved_in, pupils_left, pupils_archived, pupils_unverified.
-- Меры без поправок: pupils_moved_out, pupils_recounted, closing_pupils, pupils_moved_within, pupils_grade_changed.
-- Состояния: movement_words «Движение».
-- Прибыло: pupils_came «новые», pupils_verified «подтверждены», pupils_restored «возвращены из архива», pupils_moved_in «пришли из других единиц», pupils_recounted «учтены иначе».
-- Убыло: pupils_archived «архивированы», pupils_moved_out «перешли в другие единицы», pupils_left «нет в выгрузке», pupils_unverified «подтверждение снято».
--   pupils_moved_in: Пришли из других единиц. Считались в школе другой отчётной единицы.
--   pupils_moved_out: Ушли в другие единицы. Считаются теперь в школе другой отчётной единицы.
WITH standing AS MATERIALIZED (SELECT * FROM core.movement_status_at(:region, :as_of, :known_at)),
school AS MATERIALIZED (SELECT s.school_id, s.subordination FROM ref.school_at(:region, :as_of, :known_at) s),
moved AS (
    SELECT m.movement, m.pupils, s.subordination, coalesce(s.subordination = o.subordination, false) AS is_within
    FROM core.movement_at(:region, :as_of, :known_at) m
    JOIN school s ON s.school_id = m.school_id
    LEFT JOIN school o ON o.school_id = m.other_school_id
),
counted AS (
    SELECT
        m.subordination,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'opening'), 0)::bigint AS opening,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'closing'), 0)::bigint AS closing,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'came'), 0)::bigint AS came,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'verified'), 0)::bigint AS verified,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'restored'), 0)::bigint AS restored,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'moved_in' AND NOT m.is_within), 0)::bigint AS moved_in,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'left'), 0)::bigint AS "left",
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'archived'), 0)::bigint AS archived,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'unverified'), 0)::bigint AS unverified,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'moved_out' AND NOT m.is_within), 0)::bigint AS moved_out,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'moved_in' AND m.is_within), 0)::bigint AS moved_within,
        coalesce(sum(m.pupils) FILTER (WHERE m.movement = 'grade_in'), 0)::bigint AS grade_changed
    FROM moved m
    GROUP BY m.subordination
),
unit AS (
    SELECT u.*, t.export_as_of, t.previous_as_of, t.movement_status,
        CASE WHEN t.previous_as_of IS NOT NULL THEN coalesce(c.opening, 0) END AS opening,
        CASE WHEN t.export_as_of = :as_of THEN coalesce(c.closing, 0) END AS closing,
        CASE WHEN t.movement_status = 'compared' THEN coalesce(c.came, 0) END AS came,
        CASE WHEN t.movement_status = 'compared' THEN coalesce(c.verified, 0) END AS verified,
        CASE WHEN t.movement_status = 'compared' THEN coalesce(c.restored, 0) END AS restored,
        CASE WHEN t.movement_status = 'compared' THEN coalesce(c.moved_in, 0) END AS moved_in,
        CASE WHEN t.movement_status = 'compared' THEN coalesce(c."left", 0) END AS "left",
        CASE WHEN t.movement_status = 'compared' THEN coalesce(c.archived, 0) END AS archived,
        CASE WHEN t.movement_status = 'compared' THEN coalesce(c.unverified, 0) END AS unverified,
        CASE WHEN t.movement_status = 'compared' THEN coalesce(c.moved_out, 0) END AS moved_out,
        CASE WHEN t.movement_status = 'compared' THEN coalesce(c.moved_within, 0) END AS moved_within,
        CASE WHEN t.movement_status = 'compared' THEN coalesce(c.grade_changed, 0) END AS grade_changed
    FROM ref.unit_at(:region, :as_of) u
    CROSS JOIN standing t
    LEFT JOIN counted c ON c.subordination = u.reporting_unit
),
summed AS (
    SELECT u.*, u.closing - u.opening - (u.came + u.verified + u.restored + u.moved_in)
        + (u."left" + u.archived + u.unverified + u.moved_out) AS recounted
    FROM unit u
)
SELECT
    d.position::integer AS position,
    d.reporting_unit,
    d.name AS reporting_unit_name,
    d.export_as_of,
    d.previous_as_of,
    d.movement_status,
    d.opening AS opening_pupils,
    d.came AS pupils_came,
    d.verified AS pupils_verified,
    d.restored AS pupils_restored,
    d.moved_in AS pupils_moved_in,
    d."left" AS pupils_left,
    d.archived AS pupils_archived,
    d.unverified AS pupils_unverified,
    d.moved_out AS pupils_moved_out,
    d.recounted AS pupils_recounted,
    d.closing AS closing_pupils,
    d.moved_within AS pupils_moved_within,
    d.grade_changed AS pupils_grade_changed,
    CASE WHEN d.movement_status = 'compared' THEN coalesce(w.words, 'без движения') END AS movement_words
FROM summed d
CROSS JOIN LATERAL (
    SELECT string_agg(e.word || ' ' || CASE WHEN e.pupils > 0 THEN '+' ELSE '−' END || abs(e.pupils), ', ' ORDER BY e.place) AS words
    FROM (VALUES
        (1, 'архивированы', -d.archived), (2, 'перешли в другие единицы', -d.moved_out), (3, 'нет в выгрузке', -d."left"),
        (4, 'подтверждение снято', -d.unverified), (5, 'новые', d.came), (6, 'подтверждены', d.verified),
        (7, 'возвращены из архива', d.restored), (8, 'пришли из других единиц', d.moved_in), (9, 'учтены иначе', d.recounted)
    ) AS e (place, word, pupils)
    WHERE e.pupils <> 0
) w
