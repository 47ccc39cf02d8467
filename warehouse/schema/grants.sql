-- Readers read marts and nothing else; PUBLIC has nothing. Their roles are made here, or a warning tells why not.

REVOKE ALL ON SCHEMA ref, ops, core, restricted, history, mart, mart_public FROM PUBLIC;
REVOKE ALL ON ALL TABLES IN SCHEMA ref, ops, core, restricted, history, mart, mart_public FROM PUBLIC;
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA ref, ops, core, restricted, history, mart, mart_public FROM PUBLIC;
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

-- bi_reader is in old deployments what tools for the whole country read with; logins of profmin access are of mart_reader,
-- which by itself sees nothing; as mart_audience the owner itself reads what an audience sees; public_reader sees what is
-- public and nothing else, and the owner writes the public's page as that role.
DO $$
DECLARE
    reader text;
BEGIN
    FOREACH reader IN ARRAY ARRAY['bi_reader', 'mart_reader', 'public_reader', 'mart_audience'] LOOP
        BEGIN
            IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = reader) THEN
                EXECUTE format('CREATE ROLE %I NOLOGIN', reader);
            END IF;
        EXCEPTION
            WHEN insufficient_privilege THEN
                RAISE WARNING 'The role % does not exist and % may not create roles: ask the administrator for CREATE ROLE % NOLOGIN, then run profmin db upgrade again.', reader, current_user, reader;
            WHEN duplicate_object OR unique_violation THEN
                NULL;  -- another database of this server made it at the same moment
        END;
    END LOOP;
    BEGIN
        IF NOT pg_has_role('mart_audience', 'mart_reader', 'MEMBER') THEN
            GRANT mart_reader TO mart_audience;
        END IF;
        IF NOT pg_has_role(current_user, 'mart_audience', 'USAGE') THEN  -- who made it is a member that may not set it
            GRANT mart_audience TO CURRENT_USER;
        END IF;
    EXCEPTION
        WHEN undefined_object THEN
            NULL;  -- said above
        WHEN insufficient_privilege THEN
            RAISE WARNING '% may not hand on roles: ask the administrator for GRANT mart_reader TO mart_audience; GRANT mart_audience TO %.', current_user, current_user;
        WHEN unique_violation OR object_in_use THEN
            NULL;
    END;
    BEGIN
        IF NOT pg_has_role(current_user, 'public_reader', 'USAGE') THEN
            GRANT public_reader TO CURRENT_USER;
        END IF;
    EXCEPTION
        WHEN undefined_object THEN
            NULL;  -- said above
        WHEN insufficient_privilege THEN
            RAISE WARNING '% may not hand on roles: ask the administrator for GRANT public_reader TO %.', current_user, current_user;
        WHEN unique_violation OR object_in_use THEN
            NULL;
    END;
END
$$;

DO $$
DECLARE
    reader text;
    shown text;
BEGIN
    FOR reader IN SELECT rolname FROM pg_roles WHERE rolname IN ('bi_reader', 'mart_reader') LOOP
        EXECUTE format('REVOKE ALL ON SCHEMA ref, ops, core, restricted, history FROM %I', reader);
        EXECUTE format('GRANT USAGE ON SCHEMA mart TO %I', reader);
        -- Views that ask who reads them; what was made by hand is for whom it was made for.
        FOR shown IN
            SELECT c.oid::regclass FROM pg_class c
            WHERE c.relnamespace = 'mart'::regnamespace AND c.reloptions && ARRAY['security_invoker=true', 'security_barrier=true']
        LOOP
            EXECUTE format('GRANT SELECT ON %s TO %I', shown, reader);
        END LOOP;
        EXECUTE format('GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA mart TO %I', reader);
        -- What views of mart with their caller's rights stand on. Nobody can name it who may not use its schema.
        EXECUTE format('GRANT SELECT ON ref.my_access, ref.my_totals, ref.last_published, ref.system, ref.system_standing TO %I', reader);
        EXECUTE format('GRANT SELECT (region) ON ref.region TO %I', reader);
        EXECUTE format('GRANT EXECUTE ON FUNCTION ref.band_of(text, text, numeric), ref.academic_year(date) TO %I', reader);
        FOR shown IN
            SELECT c.oid::regclass FROM pg_class c
            WHERE c.relnamespace = 'history'::regnamespace AND c.relkind = 'r' AND c.relrowsecurity
        LOOP
            EXECUTE format('GRANT SELECT ON %s TO %I', shown, reader);
        END LOOP;
    END LOOP;
    IF EXISTS (SELECT FROM pg_roles WHERE rolname = 'bi_reader') THEN
        ALTER DEFAULT PRIVILEGES IN SCHEMA mart GRANT SELECT ON TABLES TO bi_reader;
        ALTER DEFAULT PRIVILEGES IN SCHEMA mart GRANT EXECUTE ON FUNCTIONS TO bi_reader;
    END IF;
END
$$;
