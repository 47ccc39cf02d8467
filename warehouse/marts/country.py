"""Marts of the country: what regions have published, summed. A file of one says what it is and which rows it wants.

    :country_total readiness_by_municipality      the measures and shares of that mart, one row a date
    :country_days                                 within a SELECT: each region's day for each date of the country
    :country_figures                              within a SELECT: the figure of each system in each of these rows
    :country_systems                              within a SELECT: of these, a column each of figure, whole, share

Each region has a clock of its own, and publishes its day when that is over there. So a date of the country takes of
each region the last day that it published, at most a week before: else each morning the country would begin with the
regions of the east and grow until evening. Which day that is stands in the region's row; a region without one is in
no sum and is named. A share is the sum of numerators over that of denominators, of rows in which both are known.

A region counts for a date from the first day that it published, or from the day on which the warehouse first knew its
pack, by its own clock, whichever is earlier: who comes is absent on no day before. It counts as long as it is listed;
one that has left counts as long as its figures do, a week after its last day: no sum of the past moves when it goes.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TYPE_CHECKING

from contracts.vocabulary import rows
from warehouse.schema.facts import literal

if TYPE_CHECKING:
    from warehouse.marts.definitions import Mart

COUNTRY = "RU"
"""What stands as the region of a row that is of the country."""
OF_COUNTRY = re.compile(r":country_(days|figures|systems|total)(?: (\w+))?\b")
NOT_SUMMED = ("assignments",)
LONGEST_AGO = 7
"""Days after which what a region published last is no figure of the country's date any more."""
KNOWN = "m.published_at <= :known_at AND (m.replaced_at > :known_at OR m.replaced_at = 'infinity')"
DAYS = f"""\
SELECT d.as_of, r.region, r.name AS region_name, r.time_zone, r.position, p.last_as_of,
        CASE WHEN p.last_as_of > d.as_of - {LONGEST_AGO} THEN p.last_as_of END AS day
    FROM (SELECT DISTINCT q.as_of FROM ops.publication AS q WHERE q.published_at <= :known_at) AS d
    CROSS JOIN ref.region AS r
    CROSS JOIN LATERAL (
        SELECT max(q.as_of) AS last_as_of FROM ops.publication AS q
        WHERE q.region = r.region AND q.as_of <= d.as_of AND q.published_at <= :known_at
    ) AS p
    CROSS JOIN LATERAL (
        SELECT min(v.listed_at) AS listed_at FROM ref.contract_version AS v WHERE v.region = r.region
    ) AS l
    WHERE p.last_as_of > d.as_of - {LONGEST_AGO} OR r.is_listed AND (p.last_as_of IS NOT NULL
        OR l.listed_at <= :known_at AND (l.listed_at AT TIME ZONE r.time_zone)::date <= d.as_of)"""
FIGURES = """\
SELECT d.as_of, d.region, {system} AS system,
        sum(m.{figure}) FILTER (WHERE m.{whole} IS NOT NULL)::numeric AS figure,
        sum(m.{whole}) FILTER (WHERE m.{figure} IS NOT NULL)::numeric AS whole, {rule} AS band_rule_version,
        max(m.completeness) AS completeness, bool_or(m.by_older_rules) AS by_older_rules,
        max(m.known_at) AS known_at, bool_and(m.is_final) AS is_final
    FROM day AS d JOIN history.{mart} AS m ON m.region = d.region AND m.as_of = d.day AND {known}
    GROUP BY d.as_of, d.region"""
SYSTEM = {
    "figure": "max(t.figure) FILTER (WHERE t.system = {system})",
    "whole": "max(t.whole) FILTER (WHERE t.system = {system})",
    "figure_rate": "max(t.figure / nullif(t.whole, 0)) FILTER (WHERE t.system = {system})",
}
SYSTEM_BAND = "max(t.band) FILTER (WHERE t.system = {system})"
TOTAL = """\
WITH day AS (
    {days}
),
told AS (
    SELECT d.as_of, d.region, {sums},
        {rule} AS band_rule_version, bool_or(m.by_older_rules) AS by_older_rules, max(m.completeness) AS completeness,
        max(m.known_at) AS known_at, bool_and(m.is_final) AS is_final
    FROM day AS d JOIN history.{mart} AS m ON m.region = d.region AND m.as_of = d.day AND {known}
    GROUP BY d.as_of, d.region
)
SELECT
    '{country}' AS region,
    d.as_of,
    1 AS position,
    {columns},
    bool_or(t.by_older_rules) AS by_older_rules,
    count(t.region)::numeric / count(*) AS completeness,
    max(t.known_at) AS known_at,
    bool_and(coalesce(t.is_final, false)) AS is_final
FROM day AS d
LEFT JOIN told AS t ON t.region = d.region AND t.as_of = d.as_of
{band}GROUP BY d.as_of"""
REGIONS = {
    "regions": "count(*)",
    "regions_told": "count(t.region)",
    "regions_of_day": "count(t.region) FILTER (WHERE d.day = d.as_of)",
    "regions_final": "count(t.region) FILTER (WHERE t.is_final)",
    "regions_absent": "string_agg(d.region_name, ', ' ORDER BY d.position) FILTER (WHERE t.region IS NULL)",
    "earliest_as_of": "min(d.day) FILTER (WHERE t.region IS NOT NULL)",
    "least_completeness": "min(t.completeness)",
}
"""Of whom a sum of the country is: column → what yields it of regions `d` and what they told, `t`."""
BANDS = ("green", "amber", "red", "no_data")
BAND = "LEFT JOIN LATERAL ref.band_of(t.region, t.band_rule_version, {share}) AS b ON t.band_rule_version IS NOT NULL\n"


def of_country(select: str, marts: Sequence[Mart]) -> str:
    """A SELECT with what stands for rows of the country in it written out; another stays as it is. Raises ValueError
    for a mart that is not one."""

    def written(found: re.Match[str]) -> str:
        if found[1] == "total":
            return _total(next((mart for mart in marts if mart.name == found[2]), None) or _not_one(found[2]))
        return {"days": DAYS, "figures": _figures(), "systems": _systems()}[found[1]]

    return OF_COUNTRY.sub(written, select)


def _not_one(name: str) -> Mart:
    raise ValueError(f"there is no published mart {name} whose total could be the country's")


def _total(mart: Mart) -> str:
    """The row of the country of a mart: sums of its measures, its shares of sums, in how many regions which band."""
    sums = [f"sum(m.{name}) AS {name}" for name in mart.stated.measures]
    columns = [f"{made} AS {name}" for name, made in REGIONS.items()]
    columns += [f"sum(t.{name})::bigint AS {name}" for name in mart.stated.measures]
    banded = [rate for rate in mart.stated.rates if rate.band and not rate.rule_set]
    for rate in mart.stated.rates:
        both = f"FILTER (WHERE m.{rate.numerator} IS NOT NULL AND m.{rate.denominator} IS NOT NULL)"
        sums += [
            f"sum(m.{rate.numerator}) {both} AS {rate.name}_of",
            f"sum(m.{rate.denominator}) {both} AS {rate.name}_in",
        ]
        columns += [
            f"sum(t.{rate.name}_of)::bigint AS {rate.name}_of",
            f"sum(t.{rate.name}_in)::bigint AS {rate.name}_in",
            f"sum(t.{rate.name}_of)::numeric / nullif(sum(t.{rate.name}_in), 0) AS {rate.name}",
        ]
    band = ""
    if banded:
        columns += [f"count(*) FILTER (WHERE b.band = '{name}') AS regions_{name}" for name in BANDS]
        band = BAND.format(share=_share(f"t.{banded[0].name}_of", f"t.{banded[0].name}_in"))
    return TOTAL.format(
        days=DAYS,
        mart=mart.name,
        sums=",\n        ".join(sums),
        rule=f"max(m.{mart.rule_of(banded[0])})" if banded else "NULL::text",
        known=KNOWN,
        country=COUNTRY,
        columns=",\n    ".join(columns),
        band=band,
    )


def _told() -> list[dict[str, str]]:
    """The systems of which a published mart has a figure: lines of system_figures.csv.

    What becomes of assignments is reckoned by a view, from one region's own table of its own meeting; such tables are
    not summed.
    """
    return [row for row in rows("system_figures") if row["mart"] and row["mart"] not in NOT_SUMMED]


def _figures() -> str:
    """The figure of each system in each region: a row where the region has published any row of its mart."""
    return "\n    UNION ALL\n    ".join(
        FIGURES.format(
            system=literal(row["system"]), figure=row["figure"], whole=row["of"], mart=row["mart"], known=KNOWN,
            rule=f"max(m.{row['band_rule']})" if row["band_rule"] else "NULL::text",
        )
        for row in _told()
    )  # fmt: skip


def _systems() -> str:
    """Columns of the figures `t` of a region: each system's figure, of how much, the share, and its band if it has
    one."""
    return ",\n    ".join(
        f"{made.format(system=literal(row['system']))} AS {row['system']}_{name}"
        for row in _told()
        for name, made in (SYSTEM | ({"band": SYSTEM_BAND} if row["band_rule"] else {})).items()
    )


def _share(numerator: str, denominator: str) -> str:
    return f"{numerator}::numeric / nullif({denominator}, 0)"
