-- Who reads what is public reads nothing else. A table without a comment is of a mart that is not public any more.

DO $$
DECLARE
    told record;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'public_reader') THEN
        RETURN;  -- grants.sql says so
    END IF;
    REVOKE ALL ON SCHEMA ref, ops, core, restricted, history, mart FROM public_reader;
    GRANT USAGE ON SCHEMA mart_public TO public_reader;
    FOR told IN
        SELECT c.oid::regclass AS name, obj_description(c.oid, 'pg_class') IS NOT NULL AS is_public
        FROM pg_class c WHERE c.relnamespace = 'mart_public'::regnamespace AND c.relkind = 'r'
    LOOP
        IF told.is_public THEN
            EXECUTE format('GRANT SELECT ON %s TO public_reader', told.name);
        ELSE
            EXECUTE format('REVOKE ALL ON %s FROM public_reader', told.name);
        END IF;
    END LOOP;
END
$$;
