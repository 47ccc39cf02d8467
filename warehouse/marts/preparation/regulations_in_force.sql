-- Нормативные документы и действуют ли они.
-- Строка — документ: номер, дата, кем издан, действует ли на дату. Документ без даты действует: сказано только, что он есть.
-- Ключ: document_number, signed_on; имя: document_title; формы: regulations.
-- Доступ: регион.
--   position: Порядок. По дате документа; без даты — последние.
--   signed_on: Дата документа. Пусто, если не названа.
--   judged_by: Версия правил. По какой версии правил проверен список документов.
--   completeness: Полнота. Пусто: список документов никто не обязан присылать к сроку.
--   is_final: Окончательно. Всегда «нет»: список может смениться новым.
WITH listed AS (
    SELECT h.reading_id, f.number, f.signed_on, f.issuer, f.title, f.ends_on,
        CASE WHEN f.ends_on <= :as_of THEN 'ended' WHEN f.signed_on > :as_of THEN 'not_yet' ELSE 'in_force' END AS force_status
    FROM ops.reading_at(:region, :as_of, :known_at) h
    CROSS JOIN LATERAL (SELECT * FROM core.regulations_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'regulations'
)
SELECT
    row_number() OVER (ORDER BY l.signed_on, l.number)::integer AS position,
    l.number AS document_number,
    l.signed_on,
    l.issuer,
    l.title AS document_title,
    l.ends_on,
    l.force_status,
    1 AS regulations,
    CASE WHEN l.force_status = 'in_force' THEN 1 ELSE 0 END AS regulations_valid,
    l.reading_id
FROM listed l
