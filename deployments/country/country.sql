-- Views over all districts that there are, in the database of the country; run there again after each new district:
--   psql -1 -v ON_ERROR_STOP=1 -f country.sql …
CREATE SCHEMA IF NOT EXISTS country;
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW country.region_profile AS ' || (
        SELECT string_agg(format('SELECT * FROM %I.kept', m.schemaname), ' UNION ALL ' ORDER BY m.schemaname)
        FROM pg_matviews AS m WHERE m.schemaname LIKE 'district\_%' AND m.matviewname = 'kept'
    );
END $$;
COMMENT ON VIEW country.region_profile IS 'Регионы по системам, ночь за ночью, из хранилищ федеральных округов: как при последнем обновлении.';

-- As in national_systems a region's last day counts for a week, here up to the newest day of any region; whose is older is
-- one of the regions and in no sum.
CREATE OR REPLACE VIEW country.systems AS
WITH newest AS (
    SELECT max(as_of) AS as_of FROM country.region_profile
),
last AS (
    SELECT p.region, p.system, p.system_name, t.figure, t.whole, t.is_final, t.as_of, t.known_at
    FROM country.region_profile AS p
    CROSS JOIN newest AS n
    LEFT JOIN LATERAL (SELECT p.figure, p.whole, p.is_final, p.as_of, p.known_at) AS t ON p.as_of > n.as_of - 7
    WHERE p.as_of = (SELECT max(l.as_of) FROM country.region_profile AS l WHERE l.region = p.region)
)
SELECT l.system, min(l.system_name) AS system_name, count(*) AS regions, count(l.figure) AS regions_told,
    count(*) FILTER (WHERE l.is_final AND l.figure IS NOT NULL) AS regions_final,
    sum(l.figure) FILTER (WHERE l.whole IS NOT NULL) AS figure, sum(l.whole) FILTER (WHERE l.figure IS NOT NULL) AS whole,
    sum(l.figure) FILTER (WHERE l.whole IS NOT NULL) / nullif(sum(l.whole) FILTER (WHERE l.figure IS NOT NULL), 0) AS figure_rate,
    min(l.as_of) AS oldest_as_of, max(l.known_at) AS known_at
FROM last AS l
GROUP BY l.system;
COMMENT ON VIEW country.systems IS 'Страна по системам: суммы последних опубликованных дней регионов, не старше недели; доля — из сумм; сколько регионов сообщили, у скольких окончательно.';
