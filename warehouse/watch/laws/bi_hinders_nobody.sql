-- Who reads marts can hold no lock that we take, keep nothing on the server, and open no more connections than its own.
WITH login AS (
    SELECT r.oid, r.rolname, r.rolconnlimit, r.rolsuper,
        coalesce((SELECT array_agg(split_part(each, '=', 1)) FROM pg_db_role_setting s, unnest(s.setconfig) AS each
                  WHERE s.setrole = r.oid), '{}') AS told
    FROM pg_roles r
    WHERE r.rolcanlogin AND r.rolname <> current_user
      AND EXISTS (WITH RECURSIVE member AS (
              SELECT m.member FROM pg_auth_members m JOIN pg_roles b ON b.oid = m.roleid WHERE b.rolname IN ('bi_reader', 'mart_reader', 'public_reader')
              UNION SELECT m.member FROM pg_auth_members m JOIN member ON m.roleid = member.member
          ) SELECT FROM member WHERE member.member = r.oid)
)
-- What our role could have taken from PUBLIC is always wrong; what it cannot take is wrong once somebody may log in.
SELECT p.oid::regprocedure::text AS place, 'PUBLIC may call it: see docs/operate.md, BI logins' AS wrong
FROM pg_proc p
WHERE p.pronamespace = 'pg_catalog'::regnamespace
  AND (p.proname ~ '^pg_(try_)?advisory_' OR p.proname IN ('lo_creat', 'lo_create', 'lo_from_bytea', 'lo_open', 'lo_put', 'lowrite'))
  AND has_function_privilege('public', p.oid, 'EXECUTE')
  AND (pg_has_role(current_user, p.proowner, 'USAGE') OR EXISTS (SELECT FROM login))
UNION ALL
SELECT 'database ' || d.datname, 'PUBLIC may make temporary tables in it: see docs/operate.md, BI logins'
FROM pg_database d
WHERE d.datname = current_database() AND has_database_privilege('public', d.oid, 'TEMPORARY')
  AND (pg_has_role(current_user, d.datdba, 'USAGE') OR EXISTS (SELECT FROM login))
UNION ALL
SELECT 'schema ' || n.nspname, 'PUBLIC may make tables in it: see docs/operate.md, BI logins'
FROM pg_namespace n
WHERE n.nspname !~ '^pg_' AND has_schema_privilege('public', n.oid, 'CREATE')
  AND (pg_has_role(current_user, n.nspowner, 'USAGE') OR EXISTS (SELECT FROM login))
UNION ALL
SELECT 'login ' || l.rolname, 'a superuser is no reader of marts' FROM login l WHERE l.rolsuper
UNION ALL
SELECT 'login ' || l.rolname, 'it may open any number of connections: profmin db bi-login ' || l.rolname
FROM login l WHERE NOT l.rolsuper AND l.rolconnlimit NOT BETWEEN 0 AND 20
UNION ALL
SELECT 'login ' || l.rolname, 'it has no ' || each || ': profmin db bi-login ' || l.rolname
FROM login l, unnest(ARRAY['statement_timeout', 'lock_timeout', 'idle_in_transaction_session_timeout']) AS each
WHERE NOT l.rolsuper AND each <> ALL (l.told)
UNION ALL
SELECT 'logins that read marts', format('together they may open %s of the server''s %s connections',
                                     sum(l.rolconnlimit), current_setting('max_connections'))
FROM login l WHERE l.rolconnlimit > 0
HAVING sum(l.rolconnlimit) > current_setting('max_connections')::integer / 2
