-- What BI reads of incidents and messages. Applied whenever this file changes; unlike a mart it is not published, but shows how things stand.

CREATE VIEW mart.incidents WITH (security_barrier) AS
WITH looked AS (
    SELECT i.region, max(greatest(i.seen_at, i.closed_at)) AS at FROM ops.incident i GROUP BY i.region
),
incident AS (
SELECT
    i.region,
    (l.at AT TIME ZONE coalesce(g.time_zone, 'Europe/Moscow'))::date AS as_of,
    row_number() OVER (PARTITION BY i.region ORDER BY i.state DESC, i.opened_at, i.incident_id)::integer AS position,
    i.incident_id,
    i.incident_class,
    i.condition,
    i.name,
    i.form,
    f.title AS form_title,
    i.sender,
    s.name AS sender_name,
    i.subject,
    i.state,
    i.level,
    i.opened_at,
    i.changed_at,
    i.seen_at,
    i.closed_at,
    i.told_at,
    i.acknowledged_by,
    i.assigned_to,
    i.muted_until,
    (SELECT count(*) FROM ops.message m WHERE m.incident_ids @> ARRAY[i.incident_id] AND m.outcome = 'sent') AS messages,
    NULL::numeric AS completeness,
    l.at AS known_at,
    i.state = 'closed' AS is_final
FROM ops.incident i
JOIN looked l ON l.region IS NOT DISTINCT FROM i.region
LEFT JOIN ref.region g ON g.region = i.region
LEFT JOIN ref.form f ON f.form = i.form
LEFT JOIN ref.sender s ON s.sender = i.sender
)
-- Whoever may see a unit sees what is wrong of what it sends: warehouse/marts/audience.py.
SELECT i.* FROM incident AS i
WHERE EXISTS (SELECT FROM ref.my_access AS a WHERE a.region IS NULL)
   OR i.region = ANY (ARRAY(SELECT a.region FROM ref.my_access AS a WHERE a.reporting_unit IS NULL))
   OR (i.region, i.sender) IN (SELECT a.region, a.reporting_unit FROM ref.my_access AS a WHERE a.reporting_unit IS NOT NULL);

COMMENT ON VIEW mart.incidents IS
    'Инциденты: что не так, с какого времени и чем кончилось. Строка — инцидент. Не публикуется, а показывает положение сейчас.';
COMMENT ON COLUMN mart.incidents.region IS 'Регион. Первые две цифры ОКТМО; пусто, если инцидент о самой установке.';
COMMENT ON COLUMN mart.incidents.as_of IS 'На дату. День, когда условия проверены в последний раз.';
COMMENT ON COLUMN mart.incidents.position IS 'Порядок. Открытые раньше закрытых, затем по времени.';
COMMENT ON COLUMN mart.incidents.incident_id IS 'Инцидент. Номер.';
COMMENT ON COLUMN mart.incidents.incident_class IS 'Класс. data — данные, lateness — сроки, own — наши сбои.';
COMMENT ON COLUMN mart.incidents.condition IS 'Условие. Его код.';
COMMENT ON COLUMN mart.incidents.name IS 'Что не так. Словами.';
COMMENT ON COLUMN mart.incidents.form IS 'Форма. Код формы; пусто, если дело не в форме.';
COMMENT ON COLUMN mart.incidents.form_title IS 'Название формы. Словами.';
COMMENT ON COLUMN mart.incidents.sender IS 'Код отправителя. Пусто, если отправителя нет или он неизвестен.';
COMMENT ON COLUMN mart.incidents.sender_name IS 'Отправитель. Словами.';
COMMENT ON COLUMN mart.incidents.subject IS 'О чём. Вид правил, кампания, запуск или канал; пусто, если он один.';
COMMENT ON COLUMN mart.incidents.state IS 'Состояние. open — открыт, closed — закрыт.';
COMMENT ON COLUMN mart.incidents.level IS 'Ступень. Скольким ступеням адресатов уже сообщено.';
COMMENT ON COLUMN mart.incidents.opened_at IS 'Открыт. С какого времени.';
COMMENT ON COLUMN mart.incidents.changed_at IS 'Изменился. Когда стало не так, как было.';
COMMENT ON COLUMN mart.incidents.seen_at IS 'Замечен. Когда условие в последний раз было выполнено.';
COMMENT ON COLUMN mart.incidents.closed_at IS 'Закрыт. Когда условия не стало; пусто у открытого.';
COMMENT ON COLUMN mart.incidents.told_at IS 'Сообщено. Когда о нём сообщили в последний раз.';
COMMENT ON COLUMN mart.incidents.acknowledged_by IS 'Принял к сведению. Кто сказал, что знает.';
COMMENT ON COLUMN mart.incidents.assigned_to IS 'Поручен. Кому.';
COMMENT ON COLUMN mart.incidents.muted_until IS 'Без сообщений до. До этого времени о нём молчат.';
COMMENT ON COLUMN mart.incidents.messages IS 'Сообщений. Сколько о нём отправлено.';
COMMENT ON COLUMN mart.incidents.completeness IS 'Полнота. У инцидентов не определена.';
COMMENT ON COLUMN mart.incidents.known_at IS 'Известно на. Когда условия проверены в последний раз.';
COMMENT ON COLUMN mart.incidents.is_final IS 'Окончательно. Инцидент закрыт.';
