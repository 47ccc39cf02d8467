-- Активность на «Билете в будущее» по школам: за календарный год, как считает платформа, и за учебный год.
-- Строка — школа на дату. Счётчики платформы обнуляются 1 января, поэтому учебный год — разность снимков: с сентября по
-- декабрь «на дату» минус «на 31 августа», с января по август «на 31 декабря» минус «на 31 августа» плюс «на дату».
-- Снимок берётся ровно за свой день: соседний день его не заменяет, без нужного снимка цифры нет. Календарный год — по
-- зарегистрированным, учебный — вместе с теми, кто уже в архиве: иначе архивирование выглядело бы как убыль. Число
-- обучающихся разностью не получить, и для учебного года его нет.
-- Состояние: complete — цифры есть; нет снимка за этот день — no_export, за 31 августа — no_base, за 31 декабря —
-- no_year_end; not_stated — в нужном снимке нет какого-то счётчика; inconsistent — счётчик убыл, и его цифры нет.
-- Ключ: school_code; имя: school_name; формы: school_register, registration_export.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: diagnostics, trials, excursions, museum_visits, masterclasses.
-- Меры без поправок: diagnostics_pupils, trials_pupils, excursions_pupils, museum_visits_pupils, masterclasses_pupils.
-- Меры без поправок: diagnostics_academic_year, trials_academic_year, excursions_academic_year, museum_visits_academic_year, masterclasses_academic_year.
--   export_as_of: Снимок. Этот день, если выгрузка за него есть.
--   status: Состояние. complete, no_export, no_base, no_year_end, not_stated или inconsistent.
--   judged_by: Версия правил. По какой версии правил проверены снимки; если по разным — все через точку с запятой.
--   by_older_rules: По прежним правилам. За дату какого-то снимка уже судят другие правила: его нужно прочитать заново.
--   known_at: Известно на. Самое позднее прочтение, которое учтено, вместе с прочтениями прежних снимков.
--   is_final: Окончательно. Есть реестр, выгрузка именно за этот день и все нужные снимки, ничто не ждёт решения.
WITH needed AS (
    SELECT
        cast(:as_of AS date) AS today,
        make_date(ref.academic_year(:as_of), 8, 31) AS base,
        CASE WHEN extract(month FROM cast(:as_of AS date)) < 9
             THEN make_date(ref.academic_year(:as_of), 12, 31) END AS year_end
),
taken AS MATERIALIZED (
    SELECT e.*
    FROM needed d
    CROSS JOIN LATERAL ops.export_of(:region, 'registration_export', ARRAY[d.today, d.base, d.year_end], :known_at) e
),
judged AS (
    SELECT string_agg(DISTINCT j.judged_by, '; ' ORDER BY j.judged_by) AS judged_by, bool_or(j.by_older_rules) AS by_older_rules
    FROM ops.judged(ARRAY(SELECT t.reading_id FROM taken t)) j
),
had AS (
    SELECT
        d.*,
        max(t.as_of) FILTER (WHERE t.as_of = d.today) AS export_as_of,
        max(t.as_of) FILTER (WHERE t.as_of = d.base) AS base_as_of,
        max(t.as_of) FILTER (WHERE t.as_of = d.year_end) AS year_end_as_of,
        max(t.became_current_at) AS known_at
    FROM needed d
    LEFT JOIN taken t ON true
    GROUP BY d.today, d.base, d.year_end
),
told AS MATERIALIZED (
    SELECT
        t.as_of,
        f.school_id,
        sum(f.diagnostics)::bigint AS diagnostics,
        sum(f.trials)::bigint AS trials,
        sum(f.excursions)::bigint AS excursions,
        sum(f.museum_visits)::bigint AS museum_visits,
        sum(f.masterclasses)::bigint AS masterclasses,
        sum(f.diagnostics_pupils)::bigint AS diagnostics_pupils,
        sum(f.trials_pupils)::bigint AS trials_pupils,
        sum(f.excursions_pupils)::bigint AS excursions_pupils,
        sum(f.museum_visits_pupils)::bigint AS museum_visits_pupils,
        sum(f.masterclasses_pupils)::bigint AS masterclasses_pupils,
        ARRAY[
            sum(f.diagnostics + f.diagnostics_archived),
            sum(f.trials + f.trials_archived),
            sum(f.excursions + f.excursions_archived),
            sum(f.museum_visits + f.museum_visits_archived),
            sum(f.masterclasses + f.masterclasses_archived)
        ]::bigint[] AS ever
    FROM taken t
    CROSS JOIN LATERAL (SELECT * FROM core.registration_export_fact e WHERE e.reading_id = t.reading_id OFFSET 0) f
    GROUP BY GROUPING SETS ((t.as_of, f.school_id), (t.as_of))
),
-- Whoever a snapshot does not name has none of what it states for others.
nobody AS (
    SELECT
        t.as_of,
        0 * t.diagnostics AS diagnostics,
        0 * t.trials AS trials,
        0 * t.excursions AS excursions,
        0 * t.museum_visits AS museum_visits,
        0 * t.masterclasses AS masterclasses,
        0 * t.diagnostics_pupils AS diagnostics_pupils,
        0 * t.trials_pupils AS trials_pupils,
        0 * t.excursions_pupils AS excursions_pupils,
        0 * t.museum_visits_pupils AS museum_visits_pupils,
        0 * t.masterclasses_pupils AS masterclasses_pupils,
        (SELECT array_agg(0 * each.told ORDER BY each.place)
         FROM unnest(t.ever) WITH ORDINALITY AS each (told, place)) AS ever
    FROM told t
    WHERE t.school_id IS NULL
)
SELECT
    row_number() OVER (ORDER BY u.position, s.subordination, s.school_code)::integer AS position,
    s.school_code,
    s.short_name AS school_name,
    s.subordination AS reporting_unit,
    u.name AS reporting_unit_name,
    s.in_register,
    extract(year FROM h.today)::integer AS calendar_year,
    ref.academic_year(h.today) AS academic_year,
    h.export_as_of,
    h.base_as_of,
    h.year_end_as_of,
    CASE
        WHEN h.export_as_of IS NULL THEN 'no_export'
        WHEN h.base_as_of IS NULL THEN 'no_base'
        WHEN h.year_end IS NOT NULL AND h.year_end_as_of IS NULL THEN 'no_year_end'
        WHEN y.fell THEN 'inconsistent'
        WHEN y.is_silent THEN 'not_stated'
        ELSE 'complete'
    END AS status,
    coalesce(n.diagnostics, nn.diagnostics) AS diagnostics,
    coalesce(n.trials, nn.trials) AS trials,
    coalesce(n.excursions, nn.excursions) AS excursions,
    coalesce(n.museum_visits, nn.museum_visits) AS museum_visits,
    coalesce(n.masterclasses, nn.masterclasses) AS masterclasses,
    coalesce(n.diagnostics_pupils, nn.diagnostics_pupils) AS diagnostics_pupils,
    coalesce(n.trials_pupils, nn.trials_pupils) AS trials_pupils,
    coalesce(n.excursions_pupils, nn.excursions_pupils) AS excursions_pupils,
    coalesce(n.museum_visits_pupils, nn.museum_visits_pupils) AS museum_visits_pupils,
    coalesce(n.masterclasses_pupils, nn.masterclasses_pupils) AS masterclasses_pupils,
    y.figures[1] AS diagnostics_academic_year,
    y.figures[2] AS trials_academic_year,
    y.figures[3] AS excursions_academic_year,
    y.figures[4] AS museum_visits_academic_year,
    y.figures[5] AS masterclasses_academic_year,
    j.judged_by,
    j.by_older_rules,
    greatest(state.known_at, h.known_at) AS known_at,
    state.is_final AND h.base_as_of IS NOT NULL AND (h.year_end IS NULL OR h.year_end_as_of IS NOT NULL) AS is_final
FROM core.registration_at(:region, :as_of, :known_at) s
CROSS JOIN had h
CROSS JOIN judged j
CROSS JOIN state
LEFT JOIN told n ON n.as_of = h.today AND n.school_id = s.school_id
LEFT JOIN told b ON b.as_of = h.base AND b.school_id = s.school_id
LEFT JOIN told e ON e.as_of = h.year_end AND e.school_id = s.school_id
LEFT JOIN nobody nn ON nn.as_of = h.today
LEFT JOIN nobody nb ON nb.as_of = h.base
LEFT JOIN nobody ne ON ne.as_of = h.year_end
CROSS JOIN LATERAL (
    SELECT
        array_agg(CASE WHEN each.autumn >= 0 THEN each.autumn + each.spring END ORDER BY each.place) AS figures,
        bool_or(each.autumn < 0) AS fell,
        bool_or(each.autumn + each.spring IS NULL) AS is_silent
    FROM (
        SELECT
            p.place,
            CASE WHEN h.year_end IS NULL THEN p.now ELSE p.year_end END - p.base AS autumn,
            CASE WHEN h.year_end IS NULL THEN 0 ELSE p.now END AS spring
        FROM unnest(coalesce(n.ever, nn.ever), coalesce(b.ever, nb.ever), coalesce(e.ever, ne.ever))
            WITH ORDINALITY AS p (now, base, year_end, place)
    ) each
) y
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = s.subordination
