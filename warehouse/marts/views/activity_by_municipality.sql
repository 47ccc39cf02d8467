-- Активность на «Билете в будущее» по отчётным единицам.
-- Строка — отчётная единица на дату: суммы по школам. Учебный год — сумма по школам, у которых он посчитан; сколько их,
-- стоит рядом.
-- Ключ: reporting_unit; имя: reporting_unit_name.
--   as_of: На дату. День, за который показаны цифры.
--   position: Порядок. Печатный порядок отчётных единиц.
--   reporting_unit: Код отчётной единицы. Кому школы подчинены.
--   reporting_unit_name: Отчётная единица. Название на эту дату.
--   calendar_year: Календарный год. За какой год счётчики платформы.
--   academic_year: Учебный год. Его первый календарный год.
--   export_as_of: Снимок. Этот день, если выгрузка за него есть.
--   base_as_of: Снимок до начала года. 31 августа, если выгрузка за этот день есть.
--   year_end_as_of: Снимок конца календарного года. 31 декабря, если он нужен и есть.
--   status: Состояние. То же, что у всех школ; partial — у школ разное.
--   schools: Школ. Всего.
--   schools_complete: С цифрой. Школ, у которых учебный год посчитан.
--   schools_inconsistent: Счётчик убыл. Школ, чья разность отрицательна; в сумму эта цифра не вошла.
--   diagnostics: Диагностики. Пройдено с 1 января, по счётчику платформы; пусто, если выгрузка о нём молчит.
--   trials: Пробы. Посещений с 1 января, по счётчику платформы; пусто, если выгрузка о нём молчит.
--   excursions: Экскурсии. Посещений с 1 января, по счётчику платформы; пусто, если выгрузка о нём молчит.
--   museum_visits: Корпоративные музеи. Посещений с 1 января, по счётчику платформы; пусто, если выгрузка о нём молчит.
--   masterclasses: Мастер-классы. Посещений с 1 января, по счётчику платформы; пусто, если выгрузка о нём молчит.
--   diagnostics_pupils: Диагностики, обучающихся. У кого с 1 января есть хотя бы одно.
--   trials_pupils: Пробы, обучающихся. У кого с 1 января есть хотя бы одно.
--   excursions_pupils: Экскурсии, обучающихся. У кого с 1 января есть хотя бы одно.
--   museum_visits_pupils: Корпоративные музеи, обучающихся. У кого с 1 января есть хотя бы одно.
--   masterclasses_pupils: Мастер-классы, обучающихся. У кого с 1 января есть хотя бы одно.
--   diagnostics_academic_year: Диагностики, учебный год. Пройдено с 1 сентября: сумма по школам, у которых цифра есть.
--   trials_academic_year: Пробы, учебный год. Посещений с 1 сентября: сумма по школам, у которых цифра есть.
--   excursions_academic_year: Экскурсии, учебный год. Посещений с 1 сентября: сумма по школам, у которых цифра есть.
--   museum_visits_academic_year: Корпоративные музеи, учебный год. Посещений с 1 сентября: сумма по школам, у которых цифра есть.
--   masterclasses_academic_year: Мастер-классы, учебный год. Посещений с 1 сентября: сумма по школам, у которых цифра есть.
--   judged_by: Версия правил. По какой версии правил проверены снимки; если по разным — все через точку с запятой.
--   by_older_rules: По прежним правилам. За дату какого-то снимка уже судят другие правила: его нужно прочитать заново.
--   completeness: Полнота. Что есть из ожидаемого, от 0 до 1: загруженные строки выгрузки этого дня, её школы против реестра, школы и обучающиеся против прежней выгрузки; 0 — выгрузки нет, отклонена или ждёт решения.
--   known_at: Известно на. Самое позднее прочтение, которое учтено.
--   is_final: Окончательно. Есть реестр, выгрузка именно за этот день и все нужные снимки, ничто не ждёт решения.
SELECT
    school.as_of,
    row_number() OVER (PARTITION BY school.as_of ORDER BY min(school.position))::integer AS position,
    school.reporting_unit,
    max(school.reporting_unit_name) AS reporting_unit_name,
    max(school.calendar_year) AS calendar_year,
    max(school.academic_year) AS academic_year,
    max(school.export_as_of) AS export_as_of,
    max(school.base_as_of) AS base_as_of,
    max(school.year_end_as_of) AS year_end_as_of,
    CASE WHEN min(school.status) = max(school.status) THEN min(school.status) ELSE 'partial' END AS status,
    count(*) AS schools,
    count(*) FILTER (WHERE school.status = 'complete') AS schools_complete,
    count(*) FILTER (WHERE school.status = 'inconsistent') AS schools_inconsistent,
    sum(school.diagnostics)::bigint AS diagnostics,
    sum(school.trials)::bigint AS trials,
    sum(school.excursions)::bigint AS excursions,
    sum(school.museum_visits)::bigint AS museum_visits,
    sum(school.masterclasses)::bigint AS masterclasses,
    sum(school.diagnostics_pupils)::bigint AS diagnostics_pupils,
    sum(school.trials_pupils)::bigint AS trials_pupils,
    sum(school.excursions_pupils)::bigint AS excursions_pupils,
    sum(school.museum_visits_pupils)::bigint AS museum_visits_pupils,
    sum(school.masterclasses_pupils)::bigint AS masterclasses_pupils,
    sum(school.diagnostics_academic_year)::bigint AS diagnostics_academic_year,
    sum(school.trials_academic_year)::bigint AS trials_academic_year,
    sum(school.excursions_academic_year)::bigint AS excursions_academic_year,
    sum(school.museum_visits_academic_year)::bigint AS museum_visits_academic_year,
    sum(school.masterclasses_academic_year)::bigint AS masterclasses_academic_year,
    max(school.judged_by) AS judged_by,
    bool_or(school.by_older_rules) AS by_older_rules,
    max(school.completeness) AS completeness,
    max(school.known_at) AS known_at,
    bool_and(school.is_final) AS is_final
FROM mart.activity_by_school AS school
GROUP BY school.as_of, school.reporting_unit
