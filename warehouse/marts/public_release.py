"""Releases for the public: what of a region's last published date everybody may see, in the schema `mart_public`.

A release is made once, some days after the one before, and never changed: what it hides stays hidden for its date, and
who compares it with a later one finds no small difference (`small_numbers.py`). Tables hold only what passed.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import polars as pl
from sqlalchemy import Connection, Engine, text

from contracts.regions.openness import SmallNumbers
from warehouse.core.copying import run_script
from warehouse.core.frames import frame
from warehouse.core.slices import holding
from warehouse.marts.definitions import Mart, marts, views
from warehouse.marts.for_public import Public
from warehouse.marts.published import latest
from warehouse.marts.shapes import shape
from warehouse.marts.small_numbers import Figure, State, Sums, states
from warehouse.schema.facts import literal
from warehouse.schema.upgrade import WAREHOUSE

REGION = ""
"""The place of a figure of the region as a whole."""
STATE_WORDS = (
    "Как сообщено. shown — цифра этого выпуска; kept — прежняя: с тех пор изменилась меньше чем на порог; hidden — "
    "скрыта: мала или по ней вычислили бы другую; no_data — неизвестна."
)
DAY_WORDS = "За какой день. Раньше даты выпуска, если с тех пор цифра изменилась меньше чем на порог."
GRANTS = WAREHOUSE / "schema" / "public_grants.sql"
FIRST_COLUMNS = "region text NOT NULL, as_of date NOT NULL, position integer NOT NULL"
LAST_RELEASE = "SELECT max(as_of) FROM mart_public.release WHERE region = :region"
NEW_RELEASE = """
INSERT INTO mart_public.release (region, as_of, threshold) VALUES (:region, :as_of, :threshold)
"""
FIGURES = """
SELECT {place} AS place, {people} AS value, {whole} AS whole FROM {relation} WHERE region = :region AND as_of = :as_of
"""
SHOWN = """
SELECT DISTINCT ON (place) place, value, as_of FROM (
    SELECT {place} AS place, {people} AS value, as_of FROM mart_public.{name}
    WHERE region = :region AND as_of < :as_of AND {people}_state = 'shown'
) AS s ORDER BY place, as_of DESC
"""
TELL = """
INSERT INTO mart_public.{name} ({columns})
SELECT {told} FROM {relation} AS m
LEFT JOIN jsonb_to_recordset(CAST(:figures AS jsonb)) AS t (place text, value bigint, day date, state text)
    ON t.place = {place}
{rates}
WHERE m.region = :region AND m.as_of = :as_of
"""
RATE = """
CROSS JOIN LATERAL (SELECT {numerator}::numeric / nullif({denominator}, 0) AS rate) AS {name}
{bands}"""
BAND = "LEFT JOIN LATERAL ref.band_of(m.region, m.{rule}, {name}.rate) AS {band}_of ON true"


@dataclass(frozen=True)
class _Share:
    """A share that follows from what is told of its numerator and denominator, with its band."""

    name: str
    numerator: str
    denominator: str
    band: str
    rule: str


@dataclass(frozen=True)
class _Told:
    """A figure of people as a release tells it, and for which day."""

    state: State
    value: int | None
    day: dt.date | None


@cache
def public_marts() -> tuple[tuple[Mart, Public], ...]:
    """The marts of which something is public, and what. Raises ValueError when they tell of people in more than one
    way: between two counts of people there are equations, which nobody has stated."""
    found = tuple((mart, mart.public) for mart in (*marts(), *views()) if mart.public)
    counts = {public.people for _, public in found if public.people}
    if len(counts) > 1:
        raise ValueError(f"only one count of people may be public, these are: {', '.join(sorted(counts))}")
    telling = {mart.name for mart, public in found if public.people and not mart.key}
    if odd := sorted({public.total for _, public in found if public.total} - telling):
        raise ValueError(f"a sum of which nothing is public cannot be compared with its parts: {', '.join(odd)}")
    return found


def lay_out_public(connection: Connection) -> None:
    """Tables for what is public of each mart, as this version of the code has them. What releases told stays; a table
    of a mart that is not public any more loses its comment, and with it its readers."""
    tables = connection.scalars(text("SELECT tablename FROM pg_tables WHERE schemaname = 'mart_public'")).all()
    named = {"release", *(mart.name for mart, _ in public_marts())}
    made = [f"COMMENT ON TABLE mart_public.{name} IS NULL" for name in tables if name not in named]
    for mart, public in public_marts():
        table = f"mart_public.{mart.name}"
        made.append(f"CREATE TABLE IF NOT EXISTS {table} ({FIRST_COLUMNS}, PRIMARY KEY (region, as_of, position))")
        for name, (kind, words) in _columns(mart, public, dict(shape(connection, mart.relation))).items():
            made += [
                f"ALTER TABLE {table} ADD COLUMN IF NOT EXISTS {name} {kind}",
                f"COMMENT ON COLUMN {table}.{name} IS {literal(words)}",
            ]
        made.append(f"COMMENT ON TABLE {table} IS {literal(f'{mart.about} Для всех: малые числа скрыты.')}")
    run_script(connection, ";\n".join(made))
    run_script(connection, GRANTS.read_text(encoding="utf-8"))


def make_release(engine: Engine, region: str, rule: SmallNumbers) -> dt.date | None:
    """Tell the public of a region's last published date, when it is time for the next release; returns its date, or
    None when nothing was to be told.

    Raises ValueError when a region's figure is not the sum of its units': then nothing is told. Raises Timeout when
    another run makes one for long.
    """
    one_snapshot = engine.connect().execution_options(isolation_level="REPEATABLE READ")
    with holding(engine, [f"the public release of {region}"]), one_snapshot as connection, connection.begin():
        as_of = latest(connection, region)
        last = connection.scalar(text(LAST_RELEASE), {"region": region})
        if as_of is None or (last is not None and as_of < last + dt.timedelta(days=rule.days)):
            return None
        asked = {"region": region, "as_of": as_of, "threshold": rule.threshold}
        connection.execute(text(NEW_RELEASE), asked)
        told = _figures(connection, asked)
        for mart, public in public_marts():
            _tell(connection, mart, public, asked, told)
        return as_of


@dataclass(frozen=True)
class Release:
    """What a release is of, and below what number it hides figures of people."""

    as_of: dt.date
    threshold: int


def releases(connection: Connection, region: str) -> list[Release]:
    """The releases of a region, in order."""
    rows = "SELECT as_of, threshold FROM mart_public.release WHERE region = :region ORDER BY as_of"
    return [Release(*row) for row in connection.execute(text(rows), {"region": region}).tuples()]


def read_public_mart(connection: Connection, mart: Mart, region: str, as_of: dt.date) -> pl.DataFrame:
    """What a release tells of a mart, in its printed order."""
    rows = f"SELECT * FROM mart_public.{mart.name} WHERE region = :region AND as_of = :as_of ORDER BY position"
    return frame(connection, rows, {"region": region, "as_of": as_of})


def caption_of_public(mart: Mart, column: str) -> str:
    """The words of a column that is public of a mart."""
    return mart.captions.get(column) or (STATE_WORDS if column.endswith("_state") else DAY_WORDS)


def _figures(connection: Connection, asked: Mapping[str, Any]) -> dict[str, _Told]:
    """How the figure of people of each place is told. Marts that tell of one place have one figure of it."""
    figures: dict[str, Figure] = {}
    sums: dict[str, list[list[str]]] = {}
    shown: dict[str, tuple[dt.date, int]] = {}
    for mart, public in public_marts():
        if not public.people:
            continue
        asks = {"people": public.people, "place": _place(mart, ""), "relation": mart.relation, "name": mart.name}
        rows = connection.execute(text(FIGURES.format(whole=public.whole or "NULL", **asks)), asked).all()
        for place, value, whole in rows:
            if figures.setdefault(place, Figure(value, whole)).value != value:
                raise ValueError(f"marts tell of {public.people} of {place or 'the region'} in two ways")
        if public.total and rows:
            sums.setdefault(REGION, []).append([place for place, _, _ in rows])
        for place, value, day in connection.execute(text(SHOWN.format(**asks)), asked):
            shown[place] = max((day, value), shown.get(place, (day, value)))
    before = {place: replace(each, before=shown.get(place, (None, None))[1]) for place, each in figures.items()}
    told = {}
    for place, state in states(before, _known(sums, figures), asked["threshold"]).items():
        kept_on, kept = shown.get(place, (None, None))
        told[place] = {
            "shown": _Told("shown", figures[place].value, asked["as_of"]),
            "kept": _Told("kept", kept, kept_on),
        }.get(state, _Told(state, None, None))
    return told


def _known(sums: Mapping[str, list[list[str]]], figures: Mapping[str, Figure]) -> Sums:
    """The sums of a date on which the region has a figure."""
    return {place: ways for place, ways in sums.items() if place in figures}


def _place(mart: Mart, row: str) -> str:
    return f"{row}{mart.key[0]}" if mart.key else literal(REGION)


def _tell(
    connection: Connection, mart: Mart, public: Public, asked: Mapping[str, Any], told: Mapping[str, _Told]
) -> None:
    source = {name: f"m.{name}" for name in ("region", "as_of", "position", *public.columns)}
    if people := public.people:
        source |= {people: "t.value", f"{people}_as_of": "t.day", f"{people}_state": "t.state"}
    rates = ""
    for share in _shares(mart, public):
        bands = BAND.format(rule=share.rule, name=share.name, band=share.band) if share.band else ""
        numerator, denominator = source[share.numerator], source[share.denominator]
        rates += RATE.format(numerator=numerator, denominator=denominator, name=share.name, bands=bands)
        source[share.name] = f"{share.name}.rate"
        if share.band:
            source[share.band] = f"CASE WHEN {share.name}.rate IS NOT NULL THEN {share.band}_of.band END"
    insert = TELL.format(
        name=mart.name, relation=mart.relation, columns=", ".join(source), told=", ".join(source.values()),
        place=_place(mart, "m."), rates=rates,
    )  # fmt: skip
    figures = [{"place": place, **vars(each)} for place, each in told.items()] if people else []
    connection.execute(text(insert), {**asked, "figures": json.dumps(figures, default=str)})


def _shares(mart: Mart, public: Public) -> list[_Share]:
    """The shares of a mart, or of the mart that a view sums up, of which the public is told both figures."""
    bases = [each for each in marts() if each.name in mart.marts_read]
    rates = {rate.name: (rate, stating.rule_of(rate)) for stating in (*bases, mart) for rate in stating.stated.rates}
    named = set(public.named)
    return [
        _Share(rate.name, rate.numerator, rate.denominator, rate.band, rule)
        for rate, rule in rates.values()
        if {rate.numerator, rate.denominator} <= named and {rate.name, *filter(None, (rate.band,))} <= set(mart.columns)
    ]


def _columns(mart: Mart, public: Public, kinds: Mapping[str, str]) -> dict[str, tuple[str, str]]:
    """Each column that is told → its type, and its words."""
    shares = [name for share in _shares(mart, public) for name in (share.name, share.band) if name]
    found = {name: (kinds[name], mart.captions[name]) for name in (*public.named, *shares)}
    if people := public.people:
        added = {f"{people}_as_of": "date", f"{people}_state": "text"}
        found |= {name: (kind, caption_of_public(mart, name)) for name, kind in added.items()}
    return found
