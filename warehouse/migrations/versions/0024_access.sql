-- Who may see which rows of marts. Whoever read them before goes on to see everything.

CREATE TABLE ref.access (
    login text NOT NULL CHECK (login <> ''),
    region text REFERENCES ref.region,
    reporting_unit text,
    granted_by text NOT NULL DEFAULT session_user,
    granted_at timestamptz NOT NULL DEFAULT clock_timestamp(),
    UNIQUE NULLS NOT DISTINCT (login, region, reporting_unit),
    CHECK (reporting_unit IS NULL OR region IS NOT NULL)
);
COMMENT ON TABLE ref.access IS
    'Что видно в витринах роли и тем, кто в неё входит: единица региона; без единицы — весь регион; без региона — страна.';
COMMENT ON COLUMN ref.access.login IS 'Роль сервера. Её может и не быть: после восстановления на другом сервере.';
COMMENT ON COLUMN ref.access.reporting_unit IS 'Единица, которой подчинены школы; пусто — весь регион.';
INSERT INTO ref.access (login) VALUES ('bi_reader');

-- Views and functions of marts go, and are made anew when this upgrade is done: those of before ask nobody who he is.
DO $$
DECLARE
    gone record;
BEGIN
    DELETE FROM ops.applied WHERE name LIKE 'mart.%' OR name = 'history.figure';
    FOR gone IN SELECT p.oid::regprocedure AS function FROM pg_proc p WHERE p.pronamespace = 'mart'::regnamespace LOOP
        EXECUTE format('DROP FUNCTION %s CASCADE', gone.function);
    END LOOP;
    FOR gone IN SELECT format('%I.%I', c.relnamespace::regnamespace, c.relname) AS view FROM pg_class c
                WHERE c.relnamespace IN ('mart'::regnamespace, 'history'::regnamespace) AND c.relkind = 'v' LOOP
        EXECUTE format('DROP VIEW IF EXISTS %s CASCADE', gone.view);
    END LOOP;
END
$$;
