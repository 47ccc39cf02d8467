"""Names and types of the columns of tables and views, as the database has them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, text

Columns = list[tuple[str, str]]
"""Names and types of a relation's columns, in order."""
SHAPES = """
SELECT r.relation, a.attname, format_type(a.atttypid, a.atttypmod)
FROM unnest(cast(:relations AS text[])) AS r (relation)
JOIN pg_attribute a ON a.attrelid = to_regclass(r.relation) AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY r.relation, a.attnum
"""


def shape(connection: Connection, relation: str) -> Columns:
    """Names and types of a relation's columns in order; empty when there is no such relation."""
    return shapes(connection, [relation])[relation]


def shapes(connection: Connection, relations: Sequence[str]) -> dict[str, Columns]:
    """The same of many relations, asked once."""
    found: dict[str, Columns] = {relation: [] for relation in relations}
    for relation, name, kind in connection.execute(text(SHAPES), {"relations": list(relations)}):
        found[relation].append((name, kind))
    return found
