"""What stands of a mart in the database: views, the function for what was published at a moment, and who sees what.

The table of a published mart has a policy by the mart's audience, and its views and its function ask with their
caller's rights. So does a view on marts whose rows are a unit's own: it is made of the rows that its caller sees. A
view that tells of several units, such as a total, reads with its owner's rights and lets through the rows of its
audience; it is a barrier, so that nothing that a caller asks is asked of other rows. Functions with a caller's rights
have bodies that were read when they were made: callers may use no schema but `mart`.
"""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import sha256

from warehouse.marts.definitions import Mart, marts

INFINITY = "'infinity'::timestamptz"
OF_REGIONS = "CASE WHEN $3 IS NULL THEN ARRAY(SELECT r.region FROM ref.region AS r) ELSE ARRAY[$3] END"
DEFINITION = """
CREATE VIEW {relation} WITH ({rights}) AS {now};
CREATE VIEW {latest} WITH (security_invoker) AS {last};
CREATE FUNCTION {as_known}(as_of date, known_at timestamptz, of_region text DEFAULT NULL) RETURNS SETOF {relation}
LANGUAGE sql STABLE {body};
DO $do$
DECLARE
    reader text;
BEGIN
    FOR reader IN SELECT r.rolname FROM pg_roles AS r WHERE r.rolname IN ('bi_reader', 'mart_reader') LOOP
        EXECUTE format('GRANT SELECT ON {relation}, {latest} TO %I', reader);
        EXECUTE format('GRANT EXECUTE ON FUNCTION {as_known}(date, timestamptz, text) TO %I', reader);
    END LOOP;
END
$do$
"""
# Asked region by region, with OFFSET 0, a view that groups reads of each only its last date.
OF_EACH_REGION = (
    "SELECT m.* FROM ref.last_published AS l CROSS JOIN LATERAL"
    " (SELECT * FROM {relation} AS k WHERE k.region = l.region AND k.as_of = l.as_of OFFSET 0) AS m"
)
OF_COUNTRY = "SELECT k.* FROM {relation} AS k WHERE k.as_of = (SELECT max(l.as_of) FROM ref.last_published AS l)"
# Nobody wants the numbers, and they are not reckoned. But past them only conditions on region and date go down to the
# table: what else is asked is asked of rows that the policy let through. Beside it in one scan, what is cheap is asked
# first, and EXPLAIN ANALYZE tells whether any row was left to ask the policy of.
KEPT = "SELECT {listed}, row_number() OVER (PARTITION BY h.region, h.as_of) AS apart FROM {history} AS h"
NOW = "(SELECT h.* FROM {history} AS h WHERE h.replaced_at = 'infinity')"
CALLERS_RIGHTS = "BEGIN ATOMIC {then}; END"
OWNERS_RIGHTS = "SECURITY DEFINER SET search_path = '' AS $$ {then} $$"
# Of dates no values are kept, only how many there are: a date that came since the table was looked at last would else
# be taken for one without rows, and joined by reading every row again for every row.
GUARD = """
ALTER TABLE {history} ALTER COLUMN as_of SET STATISTICS 1;
ALTER TABLE {history} ENABLE ROW LEVEL SECURITY;
DROP POLICY IF EXISTS audience ON {history};
CREATE POLICY audience ON {history} FOR SELECT USING ({condition});
DO $do$
DECLARE
    reader text;
BEGIN
    FOR reader IN SELECT r.rolname FROM pg_roles AS r WHERE r.rolname IN ('bi_reader', 'mart_reader') LOOP
        EXECUTE format('GRANT SELECT ON {history} TO %I', reader);
    END LOOP;
END
$do$
"""


def reads_with_callers_rights(mart: Mart) -> bool:
    """Does a mart show what its caller may see of what it is made of? A view on a schema that is no reader's cannot."""
    may_be_read = {("history", base.name) for base in marts()} | {("mart", base.name) for base in marts()}
    of_others = {(schema, name) for schema, name in mart.reads if schema != "ref"} - may_be_read
    return not mart.is_view or (mart.audience.kind == "unit" and not of_others)


def fingerprint(mart: Mart) -> str:
    """A hash of all that its views, its function, its policy and their comments are made of."""
    made = f"{DEFINITION}{_last(mart)}{KEPT}{NOW}{CALLERS_RIGHTS}{OWNERS_RIGHTS}{GUARD}"
    made += f"{_seen(mart, 'k')}{reads_with_callers_rights(mart)}"
    return sha256(f"{made}{mart.about}{mart.captions}{mart.select}{mart.forms}".encode()).hexdigest()


def definition(mart: Mart, columns: Sequence[str]) -> str:
    """Statements that make the view on what holds now, that of the last date, and the function for what was published
    at a moment, none of which is there.

    `columns` are those of a mart that is published, in their order. A view that looks at versions of rows itself does
    so by the parameter `:known_at`.
    """
    of_caller, of_country = reads_with_callers_rights(mart), mart.audience.kind == "country"
    if mart.is_view:
        seen = _seen(mart, "k")
        now = f"SELECT k.* FROM ({mart.select.replace(':known_at', INFINITY)}) AS k WHERE {seen}"
        for base in () if of_caller else marts():  # a view with its caller's rights has them in another view too
            now = now.replace(f"FROM {base.relation} AS", f"FROM {NOW.format(history=base.history)} AS")
        of_regions = "coalesce(k.region = $3, true)" if of_country else f"k.region = ANY ({OF_REGIONS})"
        then = (
            f"SELECT k.* FROM ({mart.select}) AS k WHERE {of_regions} AND k.as_of = $1"
            f" AND coalesce(k.known_at <= $2, true) AND ({seen}) ORDER BY k.region, k.position"
        ).replace(":known_at", "$2")
        for base in marts():
            then = then.replace(f"FROM {base.relation} AS", f"FROM {base.as_known}($1, $2, $3) AS")
    else:
        listed = ", ".join(columns)
        kept = KEPT.format(listed=listed, history=mart.history)
        now = f"SELECT {listed} FROM ({kept} WHERE h.replaced_at = 'infinity') AS h"
        then = (
            f"SELECT {listed} FROM ({kept} WHERE h.region = ANY ({OF_REGIONS}) AND h.as_of = $1"
            " AND h.published_at <= $2 AND h.replaced_at > $2) AS h ORDER BY h.region, h.position"
        )
    return DEFINITION.format(
        relation=mart.relation,
        latest=mart.latest,
        as_known=mart.as_known,
        now=now,
        last=_last(mart).format(relation=mart.relation),
        rights="security_invoker" if of_caller else "security_barrier",
        body=(CALLERS_RIGHTS if of_caller else OWNERS_RIGHTS).format(then=then),
    )


def guard(mart: Mart, columns: Sequence[str]) -> str:
    """Statements after which readers see of the table of a published mart, which has these columns, what its audience
    may."""
    return GUARD.format(history=mart.history, condition=mart.audience.condition(mart.name, frozenset(columns)))


def dropping(mart: Mart) -> str:
    """Statements after which nothing of a mart is left but its history."""
    function = f"{mart.as_known}(date, timestamptz, text)"
    return f"DROP FUNCTION IF EXISTS {function}; DROP VIEW IF EXISTS {mart.latest}, {mart.relation}"


def _last(mart: Mart) -> str:
    """What yields the rows of the last published date: of each region, or of the country."""
    return OF_COUNTRY if mart.audience.kind == "country" else OF_EACH_REGION


def _seen(mart: Mart, row: str) -> str:
    """Whether who asks may see a row of a mart."""
    return mart.audience.condition(row, frozenset(mart.columns))
