-- The warehouse of a federal district, seen from the database of the country; run there once for each, by its owner:
--   DISTRICT=siberia HOST=db.siberia.example PORT=5432 DATABASE=profmin LOGIN=country PASSWORD=… envsubst < district.sql | psql -1 -v ON_ERROR_STOP=1 …
-- With -1 and ON_ERROR_STOP a run that fails leaves nothing, and can be begun again.
-- LOGIN is one of the district's own, of `profmin db bi-login`: it reads marts and nothing else.
CREATE EXTENSION IF NOT EXISTS postgres_fdw;
CREATE SERVER district_$DISTRICT FOREIGN DATA WRAPPER postgres_fdw
    OPTIONS (host '$HOST', port '$PORT', dbname '$DATABASE', connect_timeout '5', fetch_size '10000');
CREATE USER MAPPING FOR CURRENT_USER SERVER district_$DISTRICT OPTIONS (user '$LOGIN', password '$PASSWORD');
CREATE SCHEMA district_$DISTRICT;
IMPORT FOREIGN SCHEMA mart LIMIT TO (region_profile) FROM SERVER district_$DISTRICT INTO district_$DISTRICT;
-- What the country is told is a copy: a district that is away keeps its last figures, with their moments beside them.
CREATE MATERIALIZED VIEW district_$DISTRICT.kept AS
SELECT '$DISTRICT'::text AS district, p.* FROM district_$DISTRICT.region_profile AS p;
CREATE UNIQUE INDEX ON district_$DISTRICT.kept (region, as_of, system);
