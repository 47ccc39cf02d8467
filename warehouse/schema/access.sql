-- Who asks, and what that role may see. Policies on tables of history and conditions of views of mart read these views; what
-- asks has a right to them and no use of the schema. They stand while policies do, so they are replaced and never dropped.

-- The role that asks is the one that it set, else the login: a function with its owner's rights changes neither. What one
-- may see is what its own roles may: to set another role never shows more. Who owns the warehouse sees everything.
CREATE OR REPLACE VIEW ref.my_access WITH (security_barrier) AS
WITH me AS (
    SELECT CASE current_setting('role') WHEN 'none' THEN session_user ELSE current_setting('role')::name END AS role
)
SELECT a.region, a.reporting_unit
FROM me
CROSS JOIN ref.access AS a
JOIN pg_catalog.pg_roles AS r ON r.rolname = a.login
WHERE pg_catalog.pg_has_role(me.role, r.oid, 'MEMBER')
UNION ALL
-- The owner as an audience (warehouse/schema/access.py): none but who may set this role is it, and he sees everything.
SELECT nullif(pg_catalog.current_setting('profmin.sees_region', true), '*'),
    nullif(pg_catalog.current_setting('profmin.sees_unit', true), '')
FROM me
WHERE me.role = 'mart_audience' AND pg_catalog.current_setting('profmin.sees_region', true) <> ''
UNION ALL
SELECT NULL, NULL
FROM me
JOIN pg_catalog.pg_class AS c ON c.oid = 'ref.access'::regclass
WHERE pg_catalog.pg_has_role(me.role, c.relowner, 'USAGE');
COMMENT ON VIEW ref.my_access IS
    'Что видно роли, которая спрашивает: reporting_unit пусто — весь регион, region пусто — страна.';

-- A total less one's own is what the others told, and must not be what one other told.
CREATE OR REPLACE VIEW ref.my_totals WITH (security_barrier) AS
SELECT DISTINCT a.region
FROM ref.my_access AS a
WHERE (
    SELECT count(DISTINCT u.reporting_unit) FROM ref.reporting_unit AS u
    WHERE u.region = a.region AND current_date BETWEEN u.valid_from AND u.valid_to
) >= 3;
COMMENT ON VIEW ref.my_totals IS 'Регионы, итоги которых видны роли, которая спрашивает: единиц в них хотя бы три.';

CREATE OR REPLACE VIEW ref.last_published WITH (security_barrier) AS
SELECT r.region, l.as_of
FROM ref.region AS r
CROSS JOIN LATERAL (SELECT max(p.as_of) AS as_of FROM ops.publication AS p WHERE p.region = r.region) AS l;
COMMENT ON VIEW ref.last_published IS 'Последняя опубликованная дата каждого региона.';
