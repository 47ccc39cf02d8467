-- Пересмотры: насколько цифры меняются после первой публикации.
-- Строка — показатель витрины у отчётной единицы и то, через сколько ночей он был пересмотрен: у скольких цифр, в среднем на сколько и в какую сторону, как
-- статистические ведомства пишут о себе. Чего здесь нет, то после публикации не менялось.
-- Считаются цифры учебного года до этой даты включительно, те, что складываются: у каждой её первое опубликованное число и каждое следующее другое. Полосы,
-- состояния и школы — в витрине corrections.
-- Ключ: mart, metric, reporting_unit, lead_nights; имя: metric_name.
-- Доступ: единица по reporting_unit.
--   as_of: На дату. По цифрам учебного года за дни до этого и за него самого.
--   position: Порядок. По витрине, показателю, отчётной единице и ночам.
--   reporting_unit: Код отчётной единицы. Чьи цифры: кто прислал документы, из которых они.
--   metric: Показатель. Столбец витрины.
--   completeness: Полнота. У пересмотров не определена.
--   known_at: Известно на. Последняя публикация, из которой эти цифры.
--   is_final: Окончательно. Всегда «нет»: цифры учебного года ещё могут быть пересмотрены.
WITH asked AS (
    SELECT DISTINCT h.region, h.as_of, (date_trunc('year', h.as_of - interval '8 months') + interval '8 months')::date AS since
    FROM mart.delivery_health AS h
),
-- Nights are counted by dates that were published for the first time, not by a clock: so a past that is played again has them too.
moment AS MATERIALIZED (
    SELECT p.region, p.as_of, p.published_at,
        count(*) FILTER (WHERE p.published_at = p.first_at) OVER (PARTITION BY p.region ORDER BY p.published_at) AS night
    FROM (
        SELECT q.region, q.as_of, q.published_at, min(q.published_at) OVER (PARTITION BY q.region, q.as_of) AS first_at
        FROM ops.publication AS q
        WHERE q.published_at <= :known_at
    ) p
)
SELECT
    a.region,
    a.as_of,
    row_number() OVER (
        PARTITION BY a.region, a.as_of ORDER BY e.mart, e.metric, e.reporting_unit_name, e.reporting_unit, e.lead_nights
    )::integer AS position,
    e.mart,
    e.metric,
    e.metric_name,
    e.reporting_unit,
    e.reporting_unit_name,
    e.lead_nights,
    e.figures,
    e.revised,
    e.revision,
    e.absolute_revision,
    e.revision / e.figures AS mean_revision,
    e.absolute_revision / e.figures AS mean_absolute_revision,
    NULL::numeric AS completeness,
    e.known_at,
    false AS is_final
FROM asked a
-- Date by date: whoever asks for one pays for its academic year, not for all that was ever told.
CROSS JOIN LATERAL (
    WITH told AS MATERIALIZED (
        SELECT h.mart, h.metric, h.metric_name, h.reporting_unit, h.name, h.as_of, h.published_at, m.night, h.figure::numeric AS figure,
            lag(h.figure::numeric) OVER w AS was, first_value(m.night) OVER w AS first_night
        FROM history.figure AS h
        JOIN moment m ON m.region = h.region AND m.as_of = h.as_of AND m.published_at = h.published_at
        WHERE h.region = a.region AND h.as_of BETWEEN a.since AND a.as_of AND h.grain = 'unit' AND h.kind = 'measure' AND h.figure IS NOT NULL
        WINDOW w AS (PARTITION BY h.mart, h.metric, h.reporting_unit, h.as_of ORDER BY h.published_at)
    ),
    -- The nights on which the figures of a unit first came.
    came AS MATERIALIZED (
        SELECT t.mart, t.metric, t.reporting_unit, array_agg(t.night) FILTER (WHERE t.was IS NULL) AS nights, max(t.published_at) AS known_at
        FROM told t
        GROUP BY t.mart, t.metric, t.reporting_unit
    ),
    moved AS MATERIALIZED (
        SELECT t.mart, t.metric, t.reporting_unit, t.night - t.first_night AS lead_nights, min(t.metric_name) AS metric_name,
            max(t.name) AS reporting_unit_name, count(DISTINCT t.as_of) AS revised, sum(t.figure - t.was) AS revision,
            sum(abs(t.figure - t.was)) AS absolute_revision
        FROM told t
        WHERE t.figure <> t.was
        GROUP BY t.mart, t.metric, t.reporting_unit, t.night - t.first_night
    )
    SELECT v.*, c.known_at, f.figures
    FROM moved v
    JOIN came c USING (mart, metric, reporting_unit)
    -- A figure counts where it has been public for so many nights: a younger one could not yet have been revised.
    CROSS JOIN LATERAL (
        SELECT count(*) AS figures FROM unnest(c.nights) AS n (night)
        WHERE (SELECT max(m.night) FROM moment m WHERE m.region = a.region) - n.night >= v.lead_nights
    ) f
) e
