-- Кадры по школам.
-- Строка — школа реестра на дату: есть ли ответственный за Профминимум и с какого дня место свободно, сколько навигаторов и
-- сколько из них обучено. Считаются те, кто в роли в этот день. Без списка отправителя цифр нет (NULL), а не ноль.
-- Ключ: school_code; имя: school_name; формы: school_register, level_choice, staff.
-- Доступ: единица по reporting_unit.
-- Меры: navigators, navigators_trained.
-- Меры без поправок: navigators_unanswered.
-- Показатель: trained_rate = navigators_trained / navigators; совокупность: навигаторы школы в роли на дату.
-- Состояния: responsible_status «Ответственный».
--   responsible_status: Ответственный. valid — есть, директор или заместитель; position_unknown — есть, но должность не узнана; invalid — назван, но строка отложена: не та должность или их несколько; vacant — место свободно; missing — список никого не называет; пусто без списка.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender, h.as_of FROM ops.reading_at(:region, :as_of, :known_at) h WHERE h.form = 'staff'
),
person AS MATERIALIZED (
    SELECT h.sender, f.school_id, f.role, f.position AS rank, f.trained, f.training_hours, f.valid_from, f.valid_to,
        f.order_date, f.person_key = 'vacant' AS is_vacant,
        f.person_key <> 'vacant' AND coalesce(f.valid_from, :as_of) <= :as_of AND coalesce(f.valid_to, :as_of) >= :as_of
            AS serves
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.staff_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
),
responsible AS (
    SELECT p.sender, p.school_id,
        bool_or(p.serves) AS serves,
        bool_or(p.serves AND p.rank IN ('head', 'deputy')) AS is_valid,
        min(coalesce(p.valid_from, p.order_date)) FILTER (WHERE p.serves) AS since,
        coalesce(max(p.valid_from) FILTER (WHERE p.is_vacant AND p.valid_from <= :as_of),
                 max(p.valid_to) FILTER (WHERE NOT p.is_vacant AND p.valid_to < :as_of) + 1) AS vacant_since
    FROM person p
    WHERE p.role = 'responsible'
    GROUP BY p.sender, p.school_id
),
rejected AS (
    SELECT h.sender, o.school_id
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.school_outcome_fact e WHERE e.reading_id = h.reading_id OFFSET 0) o
    WHERE o.rules && ARRAY['STF-001', 'STF-002']
),
level AS MATERIALIZED (SELECT c.school_id, c.level FROM core.levels_at(:region, :as_of, :known_at) c WHERE c.level IS NOT NULL),
norm AS MATERIALIZED (
    SELECT n.level, n.hours
    FROM jsonb_to_recordset((SELECT ref.input_lines(:region, 'training_norms', :as_of))) AS n (level text, hours numeric)
),
navigator AS (
    SELECT p.sender, p.school_id, count(*) AS navigators,
        count(*) FILTER (WHERE p.trained) AS trained,
        count(*) FILTER (WHERE p.trained AND coalesce(p.training_hours >= n.hours, n.hours IS NULL)) AS trained_enough,
        count(*) FILTER (WHERE p.trained IS NULL) AS unanswered
    FROM person p
    LEFT JOIN level l ON l.school_id = p.school_id
    LEFT JOIN norm n ON n.level = l.level
    WHERE p.serves AND p.role = 'navigator'
    GROUP BY p.sender, p.school_id
)
SELECT
    row_number() OVER (ORDER BY u.position, s.subordination, s.school_code)::integer AS position,
    s.school_code,
    s.short_name AS school_name,
    s.subordination AS reporting_unit,
    u.name AS reporting_unit_name,
    ref.academic_year(:as_of) AS academic_year,
    h.as_of AS report_as_of,
    l.level,
    CASE
        WHEN h.reading_id IS NULL THEN NULL
        WHEN r.is_valid THEN 'valid'
        WHEN r.serves THEN 'position_unknown'
        WHEN j.school_id IS NOT NULL THEN 'invalid'
        WHEN r.school_id IS NOT NULL THEN 'vacant'
        ELSE 'missing'
    END AS responsible_status,
    r.since AS responsible_since,
    CASE WHEN j.school_id IS NULL AND NOT r.serves THEN r.vacant_since END AS vacant_since,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.navigators, 0) END AS navigators,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.trained, 0) END AS navigators_trained,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.unanswered, 0) END AS navigators_unanswered,
    n.trained::numeric / nullif(n.navigators, 0) AS trained_rate,
    CASE WHEN h.reading_id IS NOT NULL AND l.level IS NOT NULL THEN coalesce(n.navigators - n.trained_enough, 0) END
        AS training_gap,
    s.pupils_6_11,
    CASE WHEN h.reading_id IS NOT NULL THEN 100 * coalesce(n.navigators, 0) / nullif(s.pupils_6_11, 0)::numeric END
        AS navigators_per_100,
    h.reading_id
FROM ref.school_at(:region, :as_of, :known_at) s
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = s.subordination
LEFT JOIN held h ON h.sender = s.subordination
LEFT JOIN responsible r ON r.school_id = s.school_id AND r.sender = s.subordination
LEFT JOIN rejected j ON j.school_id = s.school_id AND j.sender = s.subordination
LEFT JOIN navigator n ON n.school_id = s.school_id AND n.sender = s.subordination
LEFT JOIN level l ON l.school_id = s.school_id
WHERE s.in_register
