-- Views over all districts that there are, in the database of the country; run there again after each new district.
CREATE SCHEMA IF NOT EXISTS country;
DO $$
BEGIN
    EXECUTE 'CREATE OR REPLACE VIEW country.region_profile AS ' || (
        SELECT string_agg(format('SELECT * FROM %I.kept', m.schemaname), ' UNION ALL ' ORDER BY m.schemaname)
        FROM pg_matviews AS m WHERE m.schemaname LIKE 'district\_%' AND m.matviewname = 'kept'
    );
END $$;
COMMENT ON VIEW country.region_profile IS 'Регионы по системам, ночь за ночью, из хранилищ федеральных округов: как при последнем обновлении.';

CREATE OR REPLACE VIEW country.systems AS
WITH last AS (
    SELECT p.* FROM country.region_profile AS p
    WHERE p.as_of = (SELECT max(l.as_of) FROM country.region_profile AS l WHERE l.region = p.region)
)
SELECT l.system, min(l.system_name) AS system_name, count(*) AS regions, count(l.figure) AS regions_told,
    count(*) FILTER (WHERE l.is_final AND l.figure IS NOT NULL) AS regions_final,
    sum(l.figure) FILTER (WHERE l.whole IS NOT NULL) AS figure, sum(l.whole) FILTER (WHERE l.figure IS NOT NULL) AS whole,
    sum(l.figure) FILTER (WHERE l.whole IS NOT NULL) / nullif(sum(l.whole) FILTER (WHERE l.figure IS NOT NULL), 0) AS figure_rate,
    min(l.as_of) AS oldest_as_of, max(l.known_at) AS known_at
FROM last AS l
GROUP BY l.system;
COMMENT ON VIEW country.systems IS 'Страна по системам: суммы последних опубликованных дней регионов, доля — из сумм; сколько регионов сообщили, у скольких окончательно.';
