-- Программы «Первой профессии» и их потоки.
-- Строка — программа навигатора и её поток на дату: от заявления до свидетельства, также если поток перешёл в другой учебный год. У
-- программы без потоков одна строка, без чисел (NULL); программа, которой в навигаторе уже нет, остаётся, пока её потоки называют.
-- Ключ: profession, cohort; имя: profession; формы: programme_catalogue, vocational_enrolment.
-- Доступ: итог.
-- Меры без поправок: applied, enrolled, began, left_training, certified, studying.
-- Показатель: certified_rate = certified / began; совокупность: приступившие к обучению.
--   position: Порядок. По названию профессии, затем по потоку.
--   enrolled: Зачислены. Из подавших заявление.
--   ends_on: Окончание потока. Последний день, который называет зачисление.
--   judged_by: Версия правил. По каким версиям правил проверены навигатор и зачисление.
WITH held AS MATERIALIZED (
    SELECT h.reading_id, h.form, h.as_of FROM ops.reading_at(:region, :as_of, :known_at) h
    WHERE h.form IN ('programme_catalogue', 'vocational_enrolment')
),
programme AS (
    SELECT lower(f.profession) AS code, min(f.profession) AS profession, min(f.hours) AS hours, min(f.term_months) AS term_months,
        min(s.name) AS study_form_name, max(cardinality(string_to_array(f.competencies, '; '))) AS competencies
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.programme_catalogue_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    LEFT JOIN ref.study_form s ON s.study_form = f.study_form
    WHERE h.form = 'programme_catalogue'
    GROUP BY lower(f.profession)
),
cohort AS (
    SELECT lower(f.profession) AS code, min(f.profession) AS profession, f.began_on, max(f.ends_on) AS ends_on, max(h.as_of) AS as_of,
        count(DISTINCT f.school_id) AS schools, sum(f.applied)::bigint AS applied, sum(f.enrolled)::bigint AS enrolled,
        sum(f.began)::bigint AS began, sum(f.left_training)::bigint AS left_training, sum(f.certified)::bigint AS certified
    FROM held h
    CROSS JOIN LATERAL (SELECT * FROM core.vocational_enrolment_fact e WHERE e.reading_id = h.reading_id OFFSET 0) f
    WHERE h.form = 'vocational_enrolment'
    GROUP BY lower(f.profession), f.began_on
)
SELECT
    row_number() OVER (ORDER BY coalesce(p.profession, c.profession), c.began_on)::integer AS position,
    coalesce(p.profession, c.profession) AS profession,
    coalesce(to_char(c.began_on, 'YYYY-MM-DD'), 'нет') AS cohort,
    p.code IS NOT NULL AS in_catalogue,
    p.hours AS programme_hours,
    p.term_months,
    p.study_form_name,
    p.competencies,
    c.began_on,
    c.ends_on,
    ref.academic_year(c.began_on) <> ref.academic_year(c.ends_on) AS is_across_years,
    c.as_of AS enrolment_as_of,
    c.schools,
    c.applied,
    c.enrolled,
    c.began,
    c.left_training,
    c.certified,
    c.began - c.left_training - c.certified AS studying,
    c.certified::numeric / nullif(c.began, 0) AS certified_rate
FROM programme p
FULL JOIN cohort c ON c.code = p.code
