-- Партнёры отчётных единиц.
-- Строка — отчётная единица на дату: со сколькими партнёрами действуют её соглашения. Ноль — список есть, партнёров нет; без
-- списка цифр нет. Соглашение для нескольких школ — одно соглашение.
-- Ключ: reporting_unit; имя: reporting_unit_name; формы: partner_agreements.
-- Доступ: единица по reporting_unit.
-- Меры: agreements, agreements_valid.
-- Меры без поправок: agreements_expiring.
-- Состояния: partners.
--   judged_by: Версия правил. По какой версии правил проверен список соглашений; пусто без списка.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender FROM ops.reading_at(:region, :as_of, :known_at) h WHERE h.form = 'partner_agreements'
),
agreement AS (
    SELECT h.sender, f.partner_inn, max(coalesce(f.valid_to, 'infinity')) AS valid_to,
        bool_or(f.signed_on <= :as_of AND coalesce(f.valid_to, 'infinity') >= :as_of) AS is_valid
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.partner_agreements_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    GROUP BY h.sender, f.partner_inn, f.agreement_number
),
unit AS (
    SELECT a.sender, count(DISTINCT a.partner_inn) FILTER (WHERE a.is_valid) AS partners, count(*) AS agreements,
        count(*) FILTER (WHERE a.is_valid) AS agreements_valid,
        count(*) FILTER (WHERE a.is_valid AND a.valid_to <= cast(:as_of AS date) + 30) AS agreements_expiring
    FROM agreement a
    GROUP BY a.sender
)
SELECT
    u.position::integer AS position,
    u.reporting_unit,
    u.name AS reporting_unit_name,
    u.kind = 'municipality' AS is_municipality,
    h.reading_id IS NOT NULL AS report_received,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.partners, 0) END AS partners,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.agreements, 0) END AS agreements,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.agreements_valid, 0) END AS agreements_valid,
    CASE WHEN h.reading_id IS NOT NULL THEN coalesce(n.agreements_expiring, 0) END AS agreements_expiring,
    h.reading_id
FROM ref.unit_at(:region, :as_of) u
LEFT JOIN held h ON h.sender = u.reporting_unit
LEFT JOIN unit n ON n.sender = u.reporting_unit
