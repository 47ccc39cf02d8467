-- Кто что прислал.
-- Строка — отправитель и форма на дату: все, кто обязан прислать, и все, кто прислал. Показана последняя доставка;
-- если она отклонена или ждёт решения сотрудника, действует прежняя (is_received — «да») или ничего. У того, что сдают
-- каждый месяц, — за месяц, который закончился, если она есть.
-- Ключ: form, sender; имя: sender_name; формы: все.
-- Доступ: единица по sender.
-- Меры без поправок: rows_read, rows_loaded, rows_quarantined, rows_not_data, refusals, errors, warnings, notes, warnings_explained, warnings_accepted.
--   status: Состояние. accepted — принято, partial — часть строк в карантине, refused — отклонено, held — ждёт решения сотрудника, missing — не прислано, nothing_to_report — сообщать нечего.
--   status_name: Состояние доставки. То же словами.
--   data_as_of: Дата данных. На какую дату действующий документ.
--   deadline: Срок. Последний день сдачи; пусто, если срока нет.
--   judged_by: Версия правил. По какой версии правил проверена показанная доставка.
--   by_older_rules: По прежним правилам. За дату доставки уже судят другие правила: её нужно прочитать заново.
WITH month AS MATERIALIZED (SELECT * FROM ops.reading_of_month(:region, :as_of, :known_at)),
standing AS MATERIALIZED (
    SELECT s.* FROM ops.standing_at(:region, :as_of, :known_at) s
    WHERE s.verdict = 'refused' OR NOT EXISTS (SELECT FROM month m WHERE m.form = s.form AND m.sender = s.sender)
    UNION ALL
    SELECT m.reading_id, m.form, m.sender, m.as_of, m.verdict, m.received_at, m.became_current_at FROM month m
),
waiting AS MATERIALIZED (SELECT * FROM ops.waiting_at(:region, :as_of, :known_at)),
-- What waits, and what was refused, came after what holds.
shown AS (
    SELECT DISTINCT ON (s.form, s.sender) s.* FROM (
        SELECT t.reading_id, t.form, t.sender, t.verdict, t.received_at, t.verdict = 'refused' AS is_newer FROM standing t
        UNION ALL
        SELECT w.reading_id, w.form, w.sender, 'held', w.received_at, true FROM waiting w
    ) s
    ORDER BY s.form, s.sender, s.is_newer DESC, s.received_at DESC, s.reading_id DESC
),
owed AS MATERIALIZED (SELECT * FROM ref.roster_at(:region, :as_of)),
door AS (
    SELECT coalesce(o.form, s.form) AS form, coalesce(o.sender, s.sender) AS sender, o.form IS NOT NULL AS is_expected,
        o.expected, o.owed_from, o.owed_to, o.deadline, s.reading_id, s.verdict, s.received_at
    FROM owed o
    FULL JOIN shown s ON s.form = o.form AND s.sender = o.sender
),
counted AS (
    SELECT s.reading_id,
        count(*) FILTER (WHERE g.severity = 'refuse') AS refusals,
        count(*) FILTER (WHERE g.severity = 'error') AS errors,
        count(*) FILTER (WHERE g.severity = 'warning') AS warnings,
        count(*) FILTER (WHERE g.severity = 'note') AS notes
    FROM shown s
    LEFT JOIN LATERAL (SELECT e.severity FROM ops.finding e WHERE e.reading_id = s.reading_id OFFSET 0) g ON true
    GROUP BY s.reading_id
),
said AS MATERIALIZED (
    SELECT * FROM ops.explained_at(:region, ARRAY(SELECT s.reading_id FROM shown s), :known_at)
),
explained AS (
    SELECT x.reading_id, count(*) AS explained, count(*) FILTER (WHERE x.decision = 'accepted') AS accepted
    FROM said x GROUP BY x.reading_id
),
latest AS (
    SELECT greatest((SELECT max(s.became_current_at) FROM standing s), (SELECT max(w.held_at) FROM waiting w),
        (SELECT max(x.known_at) FROM said x)) AS known_at
),
-- What came later than the statement matters more, and so does what holds.
nothing AS MATERIALIZED (SELECT * FROM ops.nothing_at(:region, :as_of, :known_at))
SELECT
    row_number() OVER (ORDER BY f.title NULLS LAST, u.position, c.name, d.sender, d.reading_id)::integer AS position,
    d.form,
    f.title AS form_title,
    d.sender,
    c.name AS sender_name,
    d.is_expected,
    i.is_received,
    t.status,
    CASE t.status
        WHEN 'accepted' THEN 'Принято'
        WHEN 'partial' THEN 'Принято частично'
        WHEN 'refused' THEN 'Отклонено'
        WHEN 'held' THEN 'Ждёт решения'
        WHEN 'nothing_to_report' THEN 'Сообщать нечего'
        ELSE 'Не прислано'
    END AS status_name,
    h.as_of AS data_as_of,
    d.received_at,
    d.deadline,
    CASE WHEN d.expected IS DISTINCT FROM 'month' OR i.is_received
        THEN ref.region_date(:region, d.received_at) <= d.deadline END AS on_time,
    r.rows_read,
    r.rows_loaded,
    r.rows_quarantined,
    r.rows_not_data,
    n.refusals,
    n.errors,
    n.warnings,
    n.notes,
    d.reading_id,
    l.known_at,
    CASE WHEN d.reading_id IS NOT NULL THEN coalesce(x.explained, 0) END AS warnings_explained,
    CASE WHEN d.reading_id IS NOT NULL THEN coalesce(x.accepted, 0) END AS warnings_accepted
FROM door d
LEFT JOIN explained x ON x.reading_id = d.reading_id
LEFT JOIN standing h ON h.form = d.form AND h.sender = d.sender AND h.verdict <> 'refused'
LEFT JOIN nothing e ON e.form = d.form AND e.sender = d.sender
CROSS JOIN LATERAL (
    SELECT h.reading_id IS NOT NULL
        AND (coalesce(d.expected NOT IN ('day', 'month'), true) OR h.as_of BETWEEN d.owed_from AND d.owed_to) AS is_received
) i
CROSS JOIN LATERAL (
    SELECT CASE
        WHEN e.form IS NULL OR i.is_received OR (d.verdict IN ('refused', 'held') AND d.received_at > e.stated_at)
            THEN coalesce(d.verdict, 'missing')
        ELSE 'nothing_to_report'
    END AS status
) t
LEFT JOIN ops.reading r ON r.reading_id = d.reading_id
LEFT JOIN counted n ON n.reading_id = d.reading_id
LEFT JOIN ref.form f ON f.form = d.form
LEFT JOIN ref.sender_at(:region, :as_of) c ON c.sender = d.sender
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = d.sender
CROSS JOIN latest l
