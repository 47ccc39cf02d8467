-- Who reads marts may use the schema mart and no other, who reads what is public mart_public; PUBLIC has nothing.
SELECT 'schema ' || n.nspname AS place, r.rolname || ' may use it' AS wrong
FROM pg_namespace n
JOIN pg_roles r ON r.rolname IN ('bi_reader', 'mart_reader', 'mart_audience', 'public_reader')
WHERE has_schema_privilege(r.oid, n.oid, 'USAGE')
  AND (n.nspname IN ('ref', 'ops', 'core', 'restricted', 'history') OR (n.nspname = 'mart' AND r.rolname = 'public_reader'))
UNION ALL
SELECT n.nspname || '.' || c.relname, 'public_reader may read it, and is to see what is public alone'
FROM pg_class c
JOIN pg_namespace n ON n.oid = c.relnamespace
JOIN pg_roles r ON r.rolname = 'public_reader'
WHERE n.nspname IN ('ref', 'ops', 'core', 'restricted', 'history', 'mart') AND c.relkind IN ('r', 'v', 'm', 'p')
  AND has_any_column_privilege(r.oid, c.oid, 'SELECT')
UNION ALL
SELECT p.table_schema || '.' || p.table_name, 'PUBLIC has ' || p.privilege_type
FROM information_schema.table_privileges p
WHERE p.grantee = 'PUBLIC' AND p.table_schema IN ('ref', 'ops', 'core', 'restricted', 'history', 'mart', 'mart_public')
UNION ALL
SELECT 'mart.' || c.relname, 'bi_reader may not read it'
FROM pg_class c
WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind IN ('r', 'v')
  AND EXISTS (SELECT FROM pg_roles WHERE rolname = 'bi_reader')
  AND NOT has_table_privilege('bi_reader', c.oid, 'SELECT')
