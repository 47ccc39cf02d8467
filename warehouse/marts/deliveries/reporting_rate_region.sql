-- Кто отчитался, и в срок ли: по региону.
-- Строка — форма на дату: суммы по отправителям. Доли — из сумм, точно; проценты не усредняются.
-- Ключ: form; имя: form_title.
-- Доступ: итог по expected.
--   position: Порядок. По названию формы.
--   deadline: Срок. Последний день сдачи.
--   expected: Ожидалось. Отправителей, которые обязаны прислать.
--   received: Получено. Отправителей, чей документ принят целиком или частично.
--   on_time: В срок. Из полученных — не позже срока.
--   late: С опозданием. Из полученных — позже срока.
--   accepted: Принято. Из полученных — целиком.
--   partial: Принято частично. Из полученных — часть строк в карантине.
--   held: Ждёт решения. Отправителей, чей файл ждёт решения сотрудника.
--   refused: Отклонено. Отправителей, чей файл принять нельзя.
--   missing: Не прислано. Отправителей, от которых нет ни файла, ни заявления.
--   nothing_to_report: Сообщать нечего. Отправителей, которые так заявили.
--   completeness: Полнота. Что есть из ожидаемого, от 0 до 1: загруженные строки, школы, обучающиеся, а не файлы.
--   is_final: Окончательно. Срок прошёл, получено всё, и ничто не ждёт решения; ночь — когда выгрузки получены.
SELECT
    r.region,
    r.as_of,
    row_number() OVER (PARTITION BY r.region, r.as_of ORDER BY min(r.position))::integer AS position,
    r.form,
    r.form_title,
    r.campaign,
    r.night,
    r.owed_from,
    r.owed_to,
    max(r.deadline) AS deadline,
    sum(r.expected) AS expected,
    sum(r.received) AS received,
    sum(r.on_time) AS on_time,
    sum(r.late) AS late,
    sum(r.accepted) AS accepted,
    sum(r.partial) AS partial,
    sum(r.held) AS held,
    sum(r.refused) AS refused,
    sum(r.missing) AS missing,
    sum(r.nothing_to_report) AS nothing_to_report,
    sum(r.received)::numeric / sum(r.expected) AS reporting_rate,
    sum(r.on_time)::numeric / sum(r.expected) AS on_time_rate,
    sum(r.received + r.nothing_to_report)::numeric / sum(r.expected) AS answered_rate,
    max(r.completeness) AS completeness,
    max(r.known_at) AS known_at,
    bool_and(r.is_final) AS is_final
FROM mart.reporting_rate AS r
GROUP BY r.region, r.as_of, r.form, r.form_title, r.campaign, r.night, r.owed_from, r.owed_to
