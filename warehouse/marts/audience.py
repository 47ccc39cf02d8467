"""Who may see a row of a mart: what its head comment states, and the condition that the database holds it to.

    Доступ: единица по reporting_unit.                   who answers for the unit
    Доступ: единица по reporting_unit или territory.     and the territory of the school, which both columns mark
    Доступ: регион.                                      everybody of the region: nothing of it is a unit's own
    Доступ: итог по reports_received.                    everybody of the region, a sum over units ready made
    Доступ: закрыто.                                     only who may see the whole region
    Доступ: страна.                                      only who may see the country: rows are of no one region

Who may see the whole region, or the country, sees every row of it. A total minus one's own is what the others told; of
one other it would be that unit's own figure. So a total is shown only in a region of `OTHERS_AND_SELF` units or more,
and when as many told: the column that says how many, or `mart.column`, whose units count where the column is known. A
total of one document of the region, in which every unit stands, names nothing.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

Kind = Literal["unit", "region", "total", "closed", "country"]
LINE = re.compile(
    r"Доступ: (?:единица по (\w+)(?: или (territory))?|(регион)|(итог)(?: по (?:(\w+)\.)?(\w+))?|закрыто|(страна))\."
)
OTHERS_AND_SELF = 3
COUNTRY = "EXISTS (SELECT FROM ref.my_access AS a WHERE a.region IS NULL)"
WHOLE_REGION = "{row}.region = ANY (ARRAY(SELECT a.region FROM ref.my_access AS a WHERE a.reporting_unit IS NULL))"
OWN = (
    "({row}.region, {row}.{column}) IN"
    " (SELECT a.region, a.reporting_unit FROM ref.my_access AS a WHERE a.reporting_unit IS NOT NULL)"
)
SOMETHING_OF_REGION = "{row}.region = ANY (ARRAY(SELECT a.region FROM ref.my_access AS a))"
TOTALS = "{row}.region = ANY (ARRAY(SELECT t.region FROM ref.my_totals AS t))"
TOLD = (
    "(SELECT count(DISTINCT b.reporting_unit) FROM mart.{mart} AS b"
    " WHERE b.region = {row}.region AND b.as_of = {row}.as_of AND b.{column} IS NOT NULL)"
)


@dataclass(frozen=True)
class Audience:
    """To whom rows belong. `units` are the columns with a unit that may see a row; `told` the column that says how many
    units told, `told_mart` the mart in which they are counted where it is not the row's own."""

    kind: Kind
    units: tuple[str, ...] = ()
    told: str = ""
    told_mart: str = ""

    def condition(self, row: str, columns: frozenset[str]) -> str:
        """Whether the role that asks may see a row that has this name in SQL and these columns.

        What asks who one is stands in sub-selects that know nothing of the row: they are asked once for a statement.
        """
        if self.kind == "country":
            return COUNTRY
        seen = [COUNTRY, WHOLE_REGION.format(row=row)]
        seen += [OWN.format(row=row, column=column) for column in self.units if column in columns]
        if self.kind == "region":
            seen.append(SOMETHING_OF_REGION.format(row=row))
        elif self.kind == "total":
            enough = TOTALS.format(row=row)
            if self.told_mart:
                enough += f" AND {TOLD.format(row=row, mart=self.told_mart, column=self.told)} >= {OTHERS_AND_SELF}"
            elif self.told:  # empty where no unit is asked
                enough += f" AND coalesce({row}.{self.told} >= {OTHERS_AND_SELF}, true)"
            seen.append(f"({enough})")
        return " OR ".join(seen)

    @property
    def columns(self) -> set[str]:
        """The columns of the mart that are named."""
        return {*self.units, *([self.told] if self.told and not self.told_mart else [])}

    @property
    def words(self) -> str:
        """Who sees the rows, for people."""
        if self.kind == "unit":
            return f"своё — отчётная единица, {' или '.join(f'`{column}`' for column in self.units)}; всё — весь регион"
        if self.kind == "region":
            return "все в регионе"
        if self.kind == "total":
            when = f", когда сообщили хотя бы {OTHERS_AND_SELF} единицы" if self.told else ""
            return f"все в регионе, где единиц хотя бы {OTHERS_AND_SELF}{when}"
        return "только те, кому видна страна" if self.kind == "country" else "только те, кому виден весь регион"


def is_audience(line: str) -> bool:
    """Does a line of a head comment say who sees the rows?"""
    return line.startswith("Доступ: ")


def read_audience(lines: list[str]) -> Audience:
    """The audience that the head of a mart states. Raises ValueError when it states none, or not exactly one."""
    if len(lines) != 1 or not (found := LINE.fullmatch(lines[0])):
        raise ValueError(f"the head comment says once «Доступ: ….», as warehouse/marts/audience.py writes it: {lines}")
    unit, territory, region, total, told_mart, told, country = found.groups()
    if unit:
        return Audience("unit", tuple(filter(None, (unit, territory))))
    if region:
        return Audience("region")
    if total:
        return Audience("total", told=told or "", told_mart=told_mart or "")
    return Audience("country" if country else "closed")
