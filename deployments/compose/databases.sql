-- Run once by the Postgres image, on an empty volume: Prefect's database beside ours.
CREATE DATABASE profmin_prefect OWNER profmin;
\connect profmin_prefect
CREATE EXTENSION IF NOT EXISTS pg_trgm;
