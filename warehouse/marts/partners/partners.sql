-- Партнёры.
-- Строка — партнёр по ИНН на дату: сколько соглашений с ним названо, сколько из них действует и у кого. Название — каким его
-- назвали в последний раз. Соглашение для нескольких школ — одно соглашение.
-- Ключ: partner_inn; имя: partner_name; формы: partner_agreements.
-- Доступ: закрыто.
--   position: Порядок. По числу действующих соглашений, затем по названию.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.sender FROM ops.reading_at(:region, :as_of, :known_at) h WHERE h.form = 'partner_agreements'
),
agreement AS (
    SELECT f.partner_inn, h.sender, max(coalesce(f.valid_to, 'infinity')) AS valid_to, min(f.signed_on) AS signed_on,
        bool_or(f.signed_on <= :as_of AND coalesce(f.valid_to, 'infinity') >= :as_of) AS is_valid
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.partner_agreements_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    GROUP BY f.partner_inn, h.sender, f.agreement_number
),
partner AS (
    SELECT a.partner_inn, count(*) AS agreements,
        count(*) FILTER (WHERE a.is_valid) AS agreements_valid,
        count(*) FILTER (WHERE a.is_valid AND a.valid_to <= cast(:as_of AS date) + 30) AS agreements_expiring,
        count(DISTINCT a.sender) FILTER (WHERE a.is_valid) AS units,
        string_agg(DISTINCT a.sender, ', ' ORDER BY a.sender) FILTER (WHERE a.is_valid) AS reporting_units,
        min(a.signed_on) AS first_signed_on
    FROM agreement a
    GROUP BY a.partner_inn
)
SELECT
    row_number() OVER (ORDER BY p.agreements_valid DESC, n.partner_name, p.partner_inn)::integer AS position,
    p.partner_inn,
    n.partner_name,
    n.partner_kind,
    p.agreements,
    p.agreements_valid,
    p.agreements_expiring,
    p.units,
    p.reporting_units,
    p.first_signed_on
FROM partner p
JOIN ref.partner_at(:region, :as_of, :known_at) n ON n.partner_inn = p.partner_inn
