-- Кто отчитался, и в срок ли.
-- Строка — отправитель и форма, у которой есть срок, на дату: отчёт кампании, которая идёт, документ учебного года или
-- закончившегося месяца, выгрузка за эту ночь. Каждая цифра — 0 или 1:
-- доли считают из сумм по отправителям, ночам, кампаниям, проценты не усредняют. Ожидалось = получено + ждёт решения +
-- отклонено + не прислано + сообщать нечего; получено = принято + принято частично = в срок + с опозданием.
-- Ключ: form, sender; имя: sender_name.
-- Доступ: единица по sender.
-- Меры без поправок: expected, received, on_time, late, accepted, partial, held, refused, missing, nothing_to_report.
-- Состояния: deadline, timeliness «Своевременность» = on_time | late.
--   sender: Код отправителя. Кто обязан прислать.
--   campaign: Кампания. Код сбора; пусто у того, что сдают каждую ночь, месяц или учебный год.
--   deadline: Срок. Последний день сдачи; у выгрузки — следующий рабочий день.
--   on_time: В срок. Первый принятый документ получен не позже срока по местному времени.
--   accepted: Принято. Целиком, без строк в карантине.
--   missing: Не прислано. Ни файла, ни заявления.
--   completeness: Полнота. Что есть из ожидаемого по этой форме, от 0 до 1: загруженные строки, школы, обучающиеся, а не файлы.
--   known_at: Известно на. Самое позднее прочтение или заявление, которое учтено.
--   is_final: Окончательно. Срок прошёл, по этой форме получено всё, и ничто не ждёт решения; ночь — когда выгрузка получена.
WITH owed AS MATERIALIZED (
    SELECT o.*, o.expected = 'day' AS is_nightly FROM ref.roster_at(:region, :as_of) o WHERE o.deadline IS NOT NULL
),
standing AS MATERIALIZED (SELECT * FROM ops.standing_at(:region, :as_of, :known_at)),
month AS MATERIALIZED (SELECT * FROM ops.reading_of_month(:region, :as_of, :known_at)),
-- What answers: of a night and a month their own document, else what holds.
answer AS (
    SELECT o.*, s.as_of, s.verdict FROM standing s
    JOIN owed o ON o.form = s.form AND o.sender = s.sender
    WHERE s.verdict <> 'refused' AND o.expected <> 'month' AND (NOT o.is_nightly OR s.as_of = :as_of)
    UNION ALL
    SELECT o.*, m.as_of, m.verdict FROM month m JOIN owed o ON o.form = m.form AND o.sender = m.sender
),
nothing AS MATERIALIZED (SELECT * FROM ops.nothing_at(:region, :as_of, :known_at)),
-- A correction sent after the deadline makes nobody late: what counts is the first document that held.
first AS (
    SELECT h.form, h.sender, h.verdict, f.received_at
    FROM answer h
    CROSS JOIN LATERAL (
        SELECT min(k.received_at) AS received_at FROM ops.reading_known(:region, :known_at) k
        WHERE k.form = h.form AND k.sender = h.sender AND k.as_of <= greatest(h.as_of, :as_of)
          AND CASE WHEN h.campaign IS NULL THEN k.as_of BETWEEN h.owed_from AND h.owed_to ELSE k.campaign = h.campaign END
        OFFSET 0
    ) f
),
-- Of a night and a month only a refused file of theirs, or one without a date that came between them and their deadline.
refused AS (
    SELECT DISTINCT x.form, x.sender, max(x.received_at) OVER (PARTITION BY x.form, x.sender) AS received_at
    FROM standing x
    JOIN owed o ON o.form = x.form AND o.sender = x.sender
    WHERE x.verdict = 'refused'
      AND (o.expected NOT IN ('day', 'month')
           OR coalesce(x.as_of BETWEEN o.owed_from AND o.owed_to,
                       ref.region_date(:region, x.received_at) BETWEEN o.owed_to AND o.deadline))
),
held AS (
    SELECT w.form, w.sender FROM ops.waiting_at(:region, :as_of, :known_at) w
    JOIN owed o ON o.form = w.form AND o.sender = w.sender
        AND (o.expected NOT IN ('day', 'month') OR w.as_of BETWEEN o.owed_from AND o.owed_to)
),
told AS MATERIALIZED (
    SELECT o.form, o.sender, o.campaign, o.is_nightly, o.owed_from, o.owed_to, o.deadline, h.received_at,
        CASE
            WHEN h.form IS NOT NULL THEN h.verdict
            WHEN w.form IS NOT NULL THEN 'held'
            WHEN x.form IS NOT NULL AND coalesce(x.received_at > n.stated_at, true) THEN 'refused'
            WHEN n.form IS NOT NULL THEN 'nothing_to_report'
            ELSE 'missing'
        END AS status
    FROM owed o
    LEFT JOIN first h ON h.form = o.form AND h.sender = o.sender
    LEFT JOIN held w ON w.form = o.form AND w.sender = o.sender
    LEFT JOIN refused x ON x.form = o.form AND x.sender = o.sender
    LEFT JOIN nothing n ON n.form = o.form AND n.sender = o.sender
),
of_form AS (
    SELECT t.form,
        (SELECT s.completeness FROM pg_temp.states s WHERE s.as_of = :as_of AND s.forms = t.form) AS completeness,
        bool_and(t.is_nightly OR cast(:as_of AS date) > t.deadline) AND bool_and(t.status IN ('accepted', 'partial'))
            AND NOT EXISTS (SELECT FROM held w WHERE w.form = t.form) AS is_final,
        (SELECT max(k.known) FROM (
            SELECT s.became_current_at AS known FROM standing s WHERE s.form = t.form
            UNION ALL SELECT m.became_current_at FROM month m WHERE m.form = t.form
            UNION ALL SELECT n.recorded_at FROM nothing n WHERE n.form = t.form
        ) k) AS known_at
    FROM told t
    GROUP BY t.form
),
-- The calendar is asked once a deadline, not once a sender.
due AS MATERIALIZED (
    SELECT d.deadline, greatest(ref.working_days_between(d.deadline, :as_of, ref.calendar_at(:region, :as_of)), 0) AS overdue_days
    FROM (SELECT DISTINCT t.deadline FROM told t) d
),
-- So are the versions of inputs once: in the list below they would be looked up for each row.
judged AS MATERIALIZED (
    SELECT ref.judged_by(:region, :as_of, ARRAY['campaigns', 'calendar', 'senders']) AS inputs_judged_by
)
SELECT
    row_number() OVER (ORDER BY f.title, u.position, c.name, t.sender)::integer AS position,
    t.form,
    f.title AS form_title,
    t.sender,
    c.name AS sender_name,
    t.campaign,
    p.title AS campaign_title,
    CASE WHEN t.is_nightly THEN cast(:as_of AS date) END AS night,
    t.owed_from,
    t.owed_to,
    t.deadline,
    1 AS expected,
    (t.status IN ('accepted', 'partial'))::integer AS received,
    (t.status IN ('accepted', 'partial') AND ref.region_date(:region, t.received_at) <= t.deadline)::integer AS on_time,
    (t.status IN ('accepted', 'partial') AND ref.region_date(:region, t.received_at) > t.deadline)::integer AS late,
    (t.status = 'accepted')::integer AS accepted,
    (t.status = 'partial')::integer AS partial,
    (t.status = 'held')::integer AS held,
    (t.status = 'refused')::integer AS refused,
    (t.status = 'missing')::integer AS missing,
    (t.status = 'nothing_to_report')::integer AS nothing_to_report,
    t.received_at AS first_received_at,
    CASE WHEN t.status IN ('held', 'refused', 'missing') THEN d.overdue_days END AS overdue_days,
    v.inputs_judged_by,
    a.completeness,
    a.known_at,
    a.is_final
FROM told t
JOIN ref.form f ON f.form = t.form
JOIN ref.sender_at(:region, :as_of) c ON c.sender = t.sender
JOIN of_form a ON a.form = t.form
JOIN due d ON d.deadline = t.deadline
CROSS JOIN judged v
LEFT JOIN ref.campaign_at(:region, :as_of) p ON p.campaign = t.campaign
LEFT JOIN ref.unit_at(:region, :as_of) u ON u.reporting_unit = t.sender
