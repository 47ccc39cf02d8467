-- Views and functions of ref, ops and core hold no data: they go before the scripts make them anew, whatever arguments and
-- columns they had. Those on which published views of mart, or policies on what marts are made of, stand stay, and are
-- replaced (CREATE OR REPLACE).

DO $$
DECLARE
    gone text;
BEGIN
    DROP VIEW IF EXISTS mart.incidents, mart.calendar;
    SELECT string_agg(format('ref.%I', c.relname), ', ') INTO gone FROM pg_class c
    WHERE c.relnamespace = 'ref'::regnamespace AND c.relkind = 'v' AND NOT EXISTS (
        SELECT FROM pg_depend d
        JOIN pg_rewrite w ON w.oid = d.objid
        JOIN pg_class v ON v.oid = w.ev_class AND v.relnamespace = 'mart'::regnamespace
        WHERE d.classid = 'pg_rewrite'::regclass AND d.refobjid = c.oid)
      AND c.relname NOT IN ('my_access', 'my_totals', 'last_published');
    IF gone IS NOT NULL THEN
        EXECUTE 'DROP VIEW ' || gone;
    END IF;
    FOR gone IN
        SELECT p.oid::regprocedure::text FROM pg_proc p
        WHERE p.pronamespace IN ('ref'::regnamespace, 'ops'::regnamespace, 'core'::regnamespace)
          AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.refclassid = 'pg_proc'::regclass AND d.refobjid = p.oid)
    LOOP
        EXECUTE 'DROP FUNCTION ' || gone;
    END LOOP;
END
$$;
