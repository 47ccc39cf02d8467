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

-- Locks that we take, files and large objects are not for everybody. On a server whose superuser we are not this is
-- the administrator's to say (docs/operate.md, BI logins), and profmin doctor tells.
DO $$
DECLARE
    what regprocedure;
BEGIN
    FOR what IN
        SELECT p.oid FROM pg_proc p
        WHERE p.pronamespace = 'pg_catalog'::regnamespace
          AND (p.proname ~ '^pg_(try_)?advisory_' OR p.proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_open', 'lo_put', 'lowrite'))
          AND has_function_privilege('public', p.oid, 'EXECUTE')
          AND pg_has_role(current_user, p.proowner, 'USAGE')
    LOOP
        EXECUTE format('REVOKE EXECUTE ON FUNCTION %s FROM PUBLIC', what);
    END LOOP;
    IF pg_has_role(current_user, (SELECT datdba FROM pg_database WHERE datname = current_database()), 'USAGE') THEN
        EXECUTE format('REVOKE TEMPORARY ON DATABASE %I FROM PUBLIC', current_database());
    END IF;
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
        GRANT EXECUTE ON FUNCTION ref.band_of(text, text, numeric) TO bi_reader;  -- views of mart call it
        ALTER DEFAULT PRIVILEGES IN SCHEMA mart GRANT SELECT ON TABLES TO bi_reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA mart GRANT EXECUTE ON FUNCTIONS TO bi_reader;
    END IF;
END
$$;
