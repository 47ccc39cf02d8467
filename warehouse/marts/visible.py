"""What a role sees of each mart, in numbers: for whoever granted it and wants to know."""

from __future__ import annotations

from dataclasses import dataclass

from sqlalchemy import Connection, Engine, text

from warehouse.marts.definitions import Mart, live, marts, views
from warehouse.schema.access import seen_as

COUNTED = """
SELECT count(*) AS rows, coalesce(array_agg(DISTINCT m.region ORDER BY m.region), '{{}}') AS regions,
    coalesce(array_agg(DISTINCT {unit} ORDER BY {unit}) FILTER (WHERE {unit} IS NOT NULL), '{{}}') AS units
FROM {relation} AS m
"""


@dataclass(frozen=True)
class Seen:
    """Of a mart, of its last published date: the rows that a role sees, of how many, of which regions and units."""

    mart: str
    rows: int
    of: int
    regions: tuple[str, ...]
    units: tuple[str, ...]


def seen(engine: Engine, login: str) -> list[Seen]:
    """What a login sees of every mart. Raises NoLogin when there is no such login."""
    every = (*marts(), *views(), *live())
    with engine.connect() as connection:
        whole = {mart.name: _counted(connection, mart)[0] for mart in every}
    with seen_as(engine, login) as connection:
        found = {mart.name: _counted(connection, mart) for mart in every}
    return [
        Seen(name, rows, whole[name], tuple(filter(None, regions)), tuple(units))
        for name, (rows, regions, units) in found.items()
    ]


def _counted(connection: Connection, mart: Mart) -> tuple[int, list[str], list[str]]:
    relation = mart.relation if mart in live() else mart.latest
    unit = f"m.{mart.audience.units[0]}" if mart.audience.units else "NULL::text"
    row = connection.execute(text(COUNTED.format(relation=relation, unit=unit))).one()
    return row.rows, row.regions, row.units
