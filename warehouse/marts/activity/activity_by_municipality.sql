-- Активность на «Билете в будущее» по отчётным единицам.
-- Строка — отчётная единица на дату: суммы по школам. Учебный год — сумма по школам, у которых он посчитан; сколько их,
-- стоит рядом.
-- Ключ: reporting_unit; имя: reporting_unit_name.
-- Доступ: единица по reporting_unit.
-- Меры без поправок: schools, schools_complete, schools_inconsistent, diagnostics, trials, excursions, museum_visits, masterclasses.
-- Меры без поправок: diagnostics_pupils, trials_pupils, excursions_pupils, museum_visits_pupils, masterclasses_pupils.
-- Меры без поправок: diagnostics_academic_year, trials_academic_year, excursions_academic_year, museum_visits_academic_year, masterclasses_academic_year.
--   position: Порядок. Печатный порядок отчётных единиц.
--   reporting_unit: Код отчётной единицы. Кому школы подчинены.
SELECT
    school.region,
    school.as_of,
    row_number() OVER (PARTITION BY school.region, school.as_of ORDER BY min(school.position))::integer AS position,
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
GROUP BY school.region, school.as_of, school.reporting_unit
