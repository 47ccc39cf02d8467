"""All figures that marts state, one to a row: the SELECT of `mart.indicators`, made of the statements of marts.

A mart speaks of its schools, else of its reporting units, else of the region; where its rows are finer (a class, a
month) they are summed, which measures are made for. Figures of schools are summed for their units as well, unless a
mart of units of the same subject states them itself. A share of sums counts the rows in which both are known.

Marts of what senders owe are not of the systems, and those of `across` repeat what others state: neither is here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from contracts.vocabulary import rows
from warehouse.schema.facts import literal

if TYPE_CHECKING:
    from warehouse.marts.definitions import Mart

LONG = "indicators"
"""The view: for charts, since it says again what other marts say."""
FOLDER = Path(__file__).parent
PLACE = ":indicators"
"""Where the SELECT of the view's file wants the rows of all marts."""
WHOSE = {
    "school": ("reporting_unit", "reporting_unit_name", "school_code", "school_name"),
    "unit": ("reporting_unit", "reporting_unit_name"),
    "region": (),
}
"""Whose a figure is → the columns that say so."""
MOST_SELECTS, MOST_COLUMNS, MOST_ROWS = 100, 100, 10_000_000
"""More than there are: figures stand one after the other, by system and mart, each in the order of its mart's rows."""
OF_MART = """\
    SELECT m.region, m.as_of, e.place * {most}::bigint + m.position AS position, {grain} AS grain, {whose},
        e.system, e.system_name, {mart} AS mart, e.metric, e.metric_name, e.is_rate, e.numerator, e.denominator,
        e.value, e.band, m.completeness, m.known_at, m.is_final
    FROM {rows} AS m
    CROSS JOIN LATERAL (VALUES
        {figures}
    ) AS e (place, system, system_name, metric, metric_name, is_rate, numerator, denominator, value, band)
"""
SUMMED = """\
(
        SELECT s.region, s.as_of, min(s.position) AS position, {whose}
            {sums}, min(s.completeness) AS completeness, max(s.known_at) AS known_at, bool_and(s.is_final) AS is_final
        FROM {relation} AS s
        GROUP BY {keys}
    )"""


def indicators(marts: Sequence[Mart]) -> str:
    """The rows of all these marts that tell of a system, each of their figures in one; in the order of the systems."""
    telling = [mart for mart in marts if mart.grain != "sender" and mart.subject != "across"]
    by_units = {(mart.subject, name) for mart in telling if mart.grain == "unit" for name in _figures(mart)}
    selects: list[str] = []
    for mart in telling:
        own = "school" if "school_code" in mart.columns else "unit" if "reporting_unit" in mart.columns else "region"
        grains = {own: _figures(mart)}
        if own == "school":
            grains["unit"] = [name for name in _figures(mart) if (mart.subject, name) not in by_units]
        for grain, names in grains.items():
            if names:
                selects.append(_of_mart(mart, grain, names, len(selects)))
    return "    UNION ALL\n".join(selects).rstrip()


def _figures(mart: Mart) -> list[str]:
    """The rates and measures that a mart states, in the order of its columns."""
    stated = {*mart.stated.measures, *(rate.name for rate in mart.stated.rates)}
    return [name for name in mart.columns if name in stated]


def _of_mart(mart: Mart, grain: str, names: Sequence[str], number: int) -> str:
    """The figures of a mart for its schools, its units or the region; from its rows as they are, or summed. `number`
    orders them among those of a system."""
    as_it_is = grain == mart.grain
    return OF_MART.format(
        most=MOST_ROWS,
        grain=literal(grain),
        whose=", ".join(
            f"m.{column}" if column in WHOSE[grain] else f"NULL::text AS {column}" for column in WHOSE["school"]
        ),
        mart=literal(mart.name),
        rows=mart.relation if as_it_is else _summed(mart, grain, names),
        figures=",\n        ".join(_row(mart, name, number, as_it_is) for name in names),
    )


def _row(mart: Mart, name: str, number: int, as_it_is: bool) -> str:
    rate = next((rate for rate in mart.stated.rates if rate.name == name), None)
    system, system_name = _system(mart, rate.numerator if rate else name)
    place = (_place(system) * MOST_SELECTS + number) * MOST_COLUMNS + list(mart.columns).index(name)
    values = f"m.{name}::numeric, NULL::numeric, m.{name}::numeric, NULL::text"
    if rate:
        numerator, denominator = f"m.{rate.numerator}", f"m.{rate.denominator}"
        share, band = f"m.{name}::numeric", f"m.{rate.band}" if rate.band else "NULL::text"
        if not as_it_is:
            numerator, denominator, band = f"m.{name}_of", f"m.{name}_in", "NULL::text"
            share = f"{numerator}::numeric / nullif({denominator}, 0)"
        values = f"{numerator}::numeric, {denominator}::numeric, {share}, {band}"
    caption = mart.captions[name].split(". ", 1)[0].rstrip(".")
    words = ", ".join(literal(word) if word else "NULL::text" for word in (system, system_name, name, caption))
    return f"({place}, {words}, {'true' if rate else 'false'}, {values})"


def _summed(mart: Mart, grain: str, names: Sequence[str]) -> str:
    """The rows of a mart summed for its schools, units or region."""
    keys = ["s.region", "s.as_of", *(f"s.{column}" for column in WHOSE[grain] if not column.endswith("_name"))]
    whose = [
        f"max(s.{column}) AS {column}, " if column.endswith("_name") else f"s.{column}, " for column in WHOSE[grain]
    ]
    return SUMMED.format(
        whose="".join(whose), sums=",\n            ".join(_sums(mart, names)), relation=mart.relation,
        keys=", ".join(keys),
    )  # fmt: skip


def _sums(mart: Mart, names: Sequence[str]) -> Iterator[str]:
    rates = {rate.name: rate for rate in mart.stated.rates}
    for name in names:
        if rate := rates.get(name):
            known = f"FILTER (WHERE s.{rate.numerator} IS NOT NULL AND s.{rate.denominator} IS NOT NULL)"
            yield f"sum(s.{rate.numerator}) {known} AS {name}_of"
            yield f"sum(s.{rate.denominator}) {known} AS {name}_in"
        else:
            yield f"sum(s.{name}) AS {name}"


@cache
def _systems() -> dict[str, dict[str, str]]:
    return {row["system"]: row for row in rows("systems")}


def _place(system: str) -> int:
    """The place of a system among all; figures of none stand last."""
    return list(_systems()).index(system) if system else len(_systems())


def _system(mart: Mart, figure: str) -> tuple[str, str]:
    """(code, name) of the system of the mart's subject that a figure tells of: whose own figure it is, else whose form
    stands last among the mart's; else empty."""
    told = [row["system"] for row in rows("system_figures") if row["figure"] == figure and _is_of(mart.subject, row)]
    told += [
        name
        for form in reversed(mart.forms)
        for name, row in _systems().items()
        if form in row["forms"].split() and _is_of(mart.subject, row)
    ]
    return (told[0], _systems()[told[0]]["name"]) if told else ("", "")


def _is_of(subject: str, row: dict[str, str]) -> bool:
    """Is the mart that a line names of this subject?"""
    return (FOLDER / subject / f"{row['mart']}.sql").exists()
