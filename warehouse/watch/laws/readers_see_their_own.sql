-- What marts are made of shows a reader the rows that he may see, and nobody who sees a part may see more by another role.
SELECT 'history.' || c.relname AS place, 'a reader may read it, and no policy says which rows' AS wrong
FROM pg_class c
JOIN pg_roles r ON r.rolname IN ('bi_reader', 'mart_reader')
WHERE c.relnamespace = 'history'::regnamespace AND has_any_column_privilege(r.oid, c.oid, 'SELECT')
  AND NOT (c.relrowsecurity AND EXISTS (SELECT FROM pg_policy p WHERE p.polrelid = c.oid AND p.polname = 'audience'))
UNION ALL
SELECT 'mart.' || c.relname, 'mart_reader may read it, and it does not ask who reads'
FROM pg_class c
JOIN pg_roles r ON r.rolname = 'mart_reader'
WHERE c.relnamespace = 'mart'::regnamespace AND c.relkind IN ('r', 'v', 'm') AND has_any_column_privilege(r.oid, c.oid, 'SELECT')
  AND NOT coalesce(c.reloptions && ARRAY['security_invoker=true', 'security_barrier=true'], false)
UNION ALL
SELECT 'login ' || l.rolname, 'it is of ' || b.rolname || ' too, and so sees more than it was granted'
FROM pg_roles l
JOIN pg_roles r ON r.rolname = 'mart_reader' AND pg_has_role(l.oid, r.oid, 'MEMBER')
JOIN pg_roles b ON (b.rolname = 'bi_reader' OR b.rolname LIKE 'pg\_%') AND pg_has_role(l.oid, b.oid, 'MEMBER')
WHERE l.rolcanlogin AND NOT l.rolsuper AND l.rolname <> current_user
UNION ALL
SELECT 'login ' || l.rolname, 'no policy holds for it'
FROM pg_roles l
JOIN pg_roles r ON r.rolname = 'mart_reader' AND pg_has_role(l.oid, r.oid, 'MEMBER')
WHERE l.rolcanlogin AND l.rolbypassrls AND NOT l.rolsuper AND l.rolname <> current_user
UNION ALL
SELECT 'ref.access', 'all logins are of ' || a.login || ', and see what it may' FROM ref.access a
WHERE a.login IN ('mart_reader', 'mart_audience')
