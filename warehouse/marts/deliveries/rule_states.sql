-- Отложенные и изменённые правила.
-- Строка — строка rule_states региона, которая действует на дату: какое правило отложено или судит строже либо мягче, для какой
-- кампании или каких дней и почему, и во скольких документах, которые действуют, оно сказало бы иное.
-- Ключ: rule, form, campaign, valid_from; имя: what; формы: все.
-- Доступ: итог.
--   position: Порядок. По номерам правил.
--   form: Код формы. О какой форме строка; пусто — обо всех, у которых есть правило.
--   campaign: Кампания. Код сбора, о документах которого строка; пусто — о документах дней с и по.
--   severity: Обычная тяжесть. Как правило судит без этой строки.
--   reason: Почему. Причина, как её записал регион.
--   judged_by: Версия правил. По каким версиям правил проверены документы, которые действуют.
--   inputs_judged_by: Версия справочника. По какой версии rule_states судили дату; «не записана» — изменён без записи.
WITH lines AS (
    SELECT l.line ->> 'rule' AS rule, nullif(l.line ->> 'form', '') AS form, nullif(l.line ->> 'campaign', '') AS campaign,
        nullif(l.line ->> 'valid_from', '')::date AS valid_from, nullif(l.line ->> 'valid_to', '')::date AS valid_to,
        l.line ->> 'state' AS state, l.line ->> 'reason' AS reason, nullif(l.line ->> 'decided_by', '') AS decided_by
    FROM jsonb_array_elements(ref.input_lines(:region, 'rule_states', :as_of)) AS l (line)
),
running AS (SELECT c.campaign, c.title FROM ref.campaign_at(:region, :as_of) c),
standing AS MATERIALIZED (
    SELECT s.reading_id, s.form, s.as_of, r.campaign
    FROM ops.standing_at(:region, :as_of, :known_at) s
    JOIN ops.reading r ON r.reading_id = s.reading_id
),
-- Documents of which a rule would have spoken otherwise, each with the line that it followed.
otherwise AS (
    SELECT s.reading_id, s.form, s.campaign, s.as_of, f.value AS rule
    FROM standing s
    CROSS JOIN LATERAL (SELECT e.rule, e.value FROM ops.finding e WHERE e.reading_id = s.reading_id OFFSET 0) f
    WHERE f.rule = 'COM-120'
    UNION
    SELECT s.reading_id, s.form, s.campaign, s.as_of, a.rule
    FROM standing s
    JOIN ops.across_at(:region, :as_of, :known_at) a ON a.reading_id = s.reading_id
),
followed AS (
    SELECT o.rule, o.reading_id,
        ref.rule_state(l.lines, o.rule, o.form, o.campaign, o.as_of) AS line
    FROM otherwise o
    CROSS JOIN (SELECT ref.input_lines(:region, 'rule_states', :as_of) AS lines) l
)
SELECT
    row_number() OVER (ORDER BY l.rule, l.form NULLS FIRST, l.campaign NULLS FIRST, l.valid_from NULLS FIRST)::integer
        AS position,
    l.rule,
    coalesce(k.what, l.rule) AS what,
    l.form,
    f.title AS form_title,
    l.campaign,
    c.title AS campaign_title,
    l.valid_from,
    l.valid_to,
    k.severity,
    l.state AS rule_state,
    l.reason,
    l.decided_by,
    (
        SELECT count(*) FROM followed d
        WHERE d.rule = l.rule AND d.line ->> 'form' = coalesce(l.form, '') AND d.line ->> 'campaign' = coalesce(l.campaign, '')
          AND d.line ->> 'valid_from' = coalesce(to_char(l.valid_from, 'YYYY-MM-DD'), '')
    ) AS documents_judged,
    ref.judged_by(:region, :as_of, ARRAY['rule_states']) AS inputs_judged_by
FROM lines l
LEFT JOIN ref.rule k ON k.rule = l.rule
LEFT JOIN ref.form f ON f.form = l.form
LEFT JOIN running c ON c.campaign = l.campaign
WHERE (l.campaign IS NULL OR c.campaign IS NOT NULL)
  AND coalesce(l.valid_from <= cast(:as_of AS date), true) AND coalesce(l.valid_to >= cast(:as_of AS date), true)
