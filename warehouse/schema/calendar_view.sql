-- What BI joins by days. Applied whenever this file changes; it shows the calendar as it is listed now, not the versions by
-- which dates were judged.

CREATE VIEW mart.calendar WITH (security_barrier) AS
WITH listed AS (
    SELECT DISTINCT ON (r.region, e.day) r.region, e.day, e.is_working, e.why
    FROM ref.region r
    JOIN ref.calendar_day e ON e.region IN ('', r.region)
    WHERE r.is_listed
    ORDER BY r.region, e.day, e.region DESC
),
span AS (
    SELECT l.region, date_trunc('year', min(l.day))::date AS first, max(l.day) AS last FROM listed l GROUP BY l.region
),
day AS (
    SELECT s.region, s.first + n AS day, ref.academic_year(s.first + n) AS academic_year,
        extract(isodow FROM s.first + n)::integer AS weekday
    FROM span s
    CROSS JOIN LATERAL generate_series(0, make_date(extract(year FROM s.last)::integer, 12, 31) - s.first) AS n
)
SELECT
    d.region,
    d.day,
    extract(year FROM d.day)::integer AS calendar_year,
    extract(month FROM d.day)::integer AS month,
    d.weekday,
    d.academic_year,
    (d.day - d.weekday - f.day + extract(isodow FROM f.day)::integer) / 7 + 1 AS academic_week,
    coalesce(l.is_working, d.weekday < 6) AS is_working,
    CASE
        WHEN l.is_working AND d.weekday > 5 THEN 'worked_weekend'
        WHEN coalesce(l.is_working, d.weekday < 6) THEN 'working'
        WHEN l.day IS NOT NULL THEN 'holiday'
        ELSE 'weekend'
    END AS day_kind,
    l.why
FROM day d
CROSS JOIN LATERAL (SELECT make_date(d.academic_year, 9, 1) AS day) AS f
LEFT JOIN listed l ON l.region = d.region AND l.day = d.day
WHERE EXISTS (SELECT FROM ref.my_access AS a WHERE a.region IS NULL)
   OR d.region = ANY (ARRAY(SELECT a.region FROM ref.my_access AS a WHERE a.reporting_unit IS NULL))
   OR d.region = ANY (ARRAY(SELECT a.region FROM ref.my_access AS a));

COMMENT ON VIEW mart.calendar IS
    'Календарь регионов: рабочие дни, выходные и праздники. Строка — день в регионе; годы — те, для которых календарь есть. Показан календарь, каким он записан сейчас: по какому судили прошлую дату, здесь не видно.';
COMMENT ON COLUMN mart.calendar.region IS 'Регион. Первые две цифры ОКТМО.';
COMMENT ON COLUMN mart.calendar.day IS 'День. По нему и по региону соединяют с as_of витрины.';
COMMENT ON COLUMN mart.calendar.calendar_year IS 'Календарный год. Год этого дня.';
COMMENT ON COLUMN mart.calendar.month IS 'Месяц. От 1 до 12.';
COMMENT ON COLUMN mart.calendar.weekday IS 'День недели. От понедельника, 1, до воскресенья, 7.';
COMMENT ON COLUMN mart.calendar.academic_year IS 'Учебный год. Его первый календарный год: учебный год начинается 1 сентября.';
COMMENT ON COLUMN mart.calendar.academic_week IS 'Неделя учебного года. Недели — с понедельника, первая — та, на которую приходится 1 сентября.';
COMMENT ON COLUMN mart.calendar.is_working IS 'Рабочий день. По календарю страны с отличиями области.';
COMMENT ON COLUMN mart.calendar.day_kind IS 'Вид дня. working — рабочий, weekend — выходной, holiday — праздник или перенесённый выходной, worked_weekend — рабочая суббота или воскресенье.';
COMMENT ON COLUMN mart.calendar.why IS 'Почему. Чем день отличается от обычной недели; «Предварительно» — пока нет постановления о переносах.';
