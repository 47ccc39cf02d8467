-- Нарушенные правила.
-- Строка — правило, форма и отправитель на дату: сколько замечаний в документах, которые действуют, и в отклонённых,
-- присланных после них; между формами — по тому, что действует на дату. Значения ячеек сюда не попадают.
-- Ключ: rule, form, sender; имя: what; формы: все.
-- Доступ: единица по sender.
--   position: Порядок. Сначала тяжёлые, затем частые.
--   judged_by: Версия правил. По какой версии правил сделаны замечания.
WITH standing AS MATERIALIZED (SELECT * FROM ops.standing_at(:region, :as_of, :known_at)),
judged AS MATERIALIZED (SELECT * FROM ops.judged(ARRAY(SELECT r.reading_id FROM standing r))),
told AS MATERIALIZED (SELECT * FROM ops.across_at(:region, :as_of, :known_at)),
-- What its region says of a rule across forms: that it is put aside, or another severity; a note tells of either, as of rules
-- that are judged when a file is read. It is asked once for each rule of a document, and not for each of its findings.
spoken AS MATERIALIZED (
    SELECT d.reading_id, d.rule, ref.rule_state(l.lines, d.rule, r.form, r.campaign, r.as_of) AS state
    FROM (SELECT DISTINCT t.reading_id, t.rule FROM told t) d
    JOIN ops.reading r ON r.reading_id = d.reading_id
    CROSS JOIN (SELECT ref.input_lines(:region, 'rule_states', :as_of) AS lines OFFSET 0) l
),
across AS MATERIALIZED (
    SELECT t.reading_id, t.rule, t.school_id, t.place, t.value, k.severity, s.state
    FROM told t
    JOIN ref.rule k ON k.rule = t.rule
    JOIN spoken s ON s.reading_id = t.reading_id AND s.rule = t.rule
),
found AS (
    SELECT r.reading_id, f.rule, f.severity, f.sheet, f.row_no
    FROM standing r
    CROSS JOIN LATERAL (SELECT * FROM ops.finding e WHERE e.reading_id = r.reading_id OFFSET 0) f
    UNION ALL
    SELECT a.reading_id, a.rule, coalesce(a.state ->> 'state', a.severity), NULL, NULL
    FROM across a WHERE a.state ->> 'state' IS DISTINCT FROM 'aside'
    UNION ALL
    SELECT DISTINCT a.reading_id, k.rule, k.severity, NULL::text, NULL::bigint
    FROM across a JOIN ref.rule k ON k.rule = 'COM-120'
    WHERE a.state IS NOT NULL
),
failed AS (
    SELECT r.form, r.sender, f.rule, f.severity,
        count(*) AS failures,
        count(DISTINCT (r.reading_id, f.sheet, f.row_no)) FILTER (WHERE f.row_no IS NOT NULL) AS failed_rows,
        string_agg(DISTINCT j.judged_by, '; ' ORDER BY j.judged_by) AS judged_by,
        bool_or(j.by_older_rules) AS by_older_rules
    FROM standing r
    JOIN found f ON f.reading_id = r.reading_id
    LEFT JOIN judged j ON j.reading_id = r.reading_id
    GROUP BY r.form, r.sender, f.rule, f.severity
),
outcome AS (
    SELECT r.form, r.sender, o.school_id, o.rules
    FROM standing r
    CROSS JOIN LATERAL (SELECT * FROM core.school_outcome_fact e WHERE e.reading_id = r.reading_id OFFSET 0) o
),
schools AS (
    SELECT o.form, o.sender, broken.rule, count(DISTINCT o.school_id) AS failed_schools
    FROM outcome o
    CROSS JOIN LATERAL unnest(o.rules) AS broken (rule)
    GROUP BY o.form, o.sender, broken.rule
),
-- Warnings that their senders have explained, of files and across forms.
said AS MATERIALIZED (
    SELECT x.reading_id, x.rule, x.decision, x.known_at
    FROM ops.explained_at(:region, ARRAY(SELECT r.reading_id FROM standing r), :known_at) x
    UNION ALL
    SELECT a.reading_id, a.rule, e.decision, e.known_at
    FROM across a
    JOIN ops.reading r ON r.reading_id = a.reading_id
    JOIN ops.explanation_at(:region, :known_at) e ON e.form = r.form AND e.sender = r.sender AND e.rule = a.rule
        AND e.finding_key = ops.across_key(r, a.rule, a.school_id, a.place, a.value)
    WHERE e.decision IS DISTINCT FROM 'refused' AND coalesce(a.state ->> 'state', a.severity) = 'warning'
),
explained AS (
    SELECT r.form, r.sender, x.rule, count(*) AS explained, count(*) FILTER (WHERE x.decision = 'accepted') AS accepted
    FROM standing r JOIN said x ON x.reading_id = r.reading_id
    GROUP BY r.form, r.sender, x.rule
),
about_schools AS (SELECT DISTINCT o.form FROM outcome o),
latest AS (
    SELECT greatest((SELECT max(r.became_current_at) FROM standing r), (SELECT max(x.known_at) FROM said x)) AS known_at
)
SELECT
    row_number() OVER (
        ORDER BY array_position(ARRAY['refuse', 'error', 'warning', 'note'], f.severity), f.failures DESC, f.rule,
            f.form, f.sender
    )::integer AS position,
    f.rule,
    coalesce(k.what, f.rule) AS what,
    f.severity,
    f.form,
    form.title AS form_title,
    f.sender,
    c.name AS sender_name,
    f.failures,
    f.failed_rows,
    CASE WHEN f.form IN (SELECT a.form FROM about_schools a) THEN coalesce(s.failed_schools, 0) END AS failed_schools,
    f.judged_by,
    f.by_older_rules,
    l.known_at,
    CASE WHEN f.severity = 'warning' THEN coalesce(x.explained, 0) END AS explained,
    CASE WHEN f.severity = 'warning' THEN coalesce(x.accepted, 0) END AS explained_accepted
FROM failed f
LEFT JOIN explained x ON x.form = f.form AND x.sender = f.sender AND x.rule = f.rule
LEFT JOIN schools s ON s.form = f.form AND s.sender = f.sender AND s.rule = f.rule
LEFT JOIN ref.rule k ON k.rule = f.rule
LEFT JOIN ref.form form ON form.form = f.form
LEFT JOIN ref.sender_at(:region, :as_of) c ON c.sender = f.sender
CROSS JOIN latest l
