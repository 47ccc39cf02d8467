-- bi_reader reads marts and nothing else; PUBLIC has nothing. The role is made before this runs, or a notice tells why not.

REVOKE ALL ON SCHEMA ref, ops, core, restricted, history, mart FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA ref, ops, core, restricted, history, mart FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ref, ops, core, restricted, history, mart FROM PUBLIC;
ALTER DEFAULT PRIVILEGES REVOKE EXECUTE ON FUNCTIONS FROM PUBLIC;

DO $$
BEGIN
    REVOKE CREATE ON SCHEMA public FROM PUBLIC;
EXCEPTION WHEN insufficient_privilege OR invalid_schema_name THEN
    NULL;  -- the schema is somebody else's, or gone
END
$$;

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'bi_reader') THEN
        CREATE ROLE bi_reader NOLOGIN;
    END IF;
EXCEPTION
    WHEN insufficient_privilege THEN
        RAISE WARNING 'The role bi_reader does not exist and % may not create roles: ask the administrator for CREATE ROLE bi_reader NOLOGIN, then run profmin db upgrade again.', current_user;
    WHEN duplicate_object OR unique_violation THEN
        NULL;  -- another database of this server made it at the same moment
END
$$;

DO $$
BEGIN
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bi_reader') THEN
        REVOKE ALL ON SCHEMA ref, ops, core, restricted, history FROM bi_reader;
        GRANT USAGE ON SCHEMA mart TO bi_reader;
        GRANT SELECT ON ALL TABLES IN SCHEMA mart TO bi_reader;
        GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA mart TO bi_reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA mart GRANT SELECT ON TABLES TO bi_reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA mart GRANT EXECUTE ON FUNCTIONS TO bi_reader;
    END IF;
END
$$;
