-- Who reads marts may use the schema mart and no other; PUBLIC has nothing.
SELECT 'schema ' || n.nspname AS place, r.rolname || ' may use it' AS wrong
FROM pg_namespace n
JOIN pg_roles r ON r.rolname IN ('bi_reader', 'mart_reader', 'mart_audience')
WHERE n.nspname IN ('ref', 'ops', 'core', 'restricted', 'history') AND has_schema_privilege(r.oid, n.oid, 'USAGE')
UNION ALL
SELECT p.table_schema || '.' || p.table_name, 'PUBLIC has ' || p.privilege_type
FROM information_schema.table_privileges p
WHERE p.grantee = 'PUBLIC' AND p.table_schema IN ('ref', 'ops', 'core', 'restricted', 'history', 'mart')
UNION ALL
SELECT 'mart.' || c.relname, 'bi_reader may not read it'
FROM pg_class c
WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind IN ('r', 'v')
  AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'bi_reader')
  AND NOT has_table_privilege('bi_reader', c.oid, 'SELECT')
