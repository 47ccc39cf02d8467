"""The marts as data sets of Apache Superset, with Russian captions, measures and the words of codes."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from typing import Any

from contracts.texts import words_of_column
from flows.home.shown import NUMBERS
from flows.presentation.mart_catalogue import LAYERS, TITLE, TYPES
from flows.presentation.mart_sheets import caption_of
from warehouse.marts.columns import kind
from warehouse.marts.definitions import Mart

Asset = dict[str, Any]
VERSION = "1.0.0"
OURS = uuid.UUID("0b6e9d8a-4a0e-5f0e-9c53-5c1f3d6a2b71")
"""Under which names of ours are told from others': what is imported again takes the place of what was."""
DATABASE = "profmin"
OWN_LOGIN = "own_login"
"""The login of the address that is imported: none of a server. deployments/superset/superset_config.py puts the one of
who asks in its place, and the server's host; without it nobody reads anything."""
PERCENT, WHOLE, DECIMAL = ",.1%", ",d", ",.2~f"
FORMATS = {"доля": PERCENT, "целое": WHOLE, "число": DECIMAL}
ROWS = "rows"
"""The measure that every dataset has: how many rows."""
WORD = "_in_words"
"""What is added to the name of a column of codes for that of their words."""


def relations() -> Iterator[tuple[str, Mart]]:
    """(name in the schema `mart`, its mart) of all that is a dataset: every night, and the last one of each region."""
    for layer, marts in LAYERS:
        for mart in marts():
            yield mart.name, mart
            if layer != "live":
                yield f"{mart.name}_latest", mart


def asset_id(*names: str) -> str:
    """The identifier of an asset of this name: of a database, a dataset, a chart or a dashboard."""
    return str(uuid.uuid5(OURS, "/".join(names)))


def format_of(mart: Mart, column: str) -> str:
    """How d3 shows a column's numbers; empty for what is no number, and for years and other numbers that only name."""
    of_kind, unit = kind(column, *mart.kinds)
    return "" if unit in NUMBERS else FORMATS.get(of_kind, "")


def in_words(mart: Mart, column: str) -> str:
    """The column that says a column's codes in words, where there is one, else the column itself."""
    of_kind = kind(column, *mart.kinds)[0]
    has_words = of_kind == "да/нет" or (of_kind == "текст" and words_of_column(column))
    return f"{column}{WORD}" if has_words else column


def measures(mart: Mart) -> dict[str, Asset]:
    """Column → the metric of Superset that adds it up, or takes a share of sums over the rows in which both are known;
    `rows` → how many rows."""
    made = {ROWS: _metric(ROWS, "Строк", "count(*)", WHOLE)}
    for name in mart.stated.measures:
        made[name] = _metric(f"sum_{name}", caption_of(mart, name), f"sum({name})", format_of(mart, name) or DECIMAL)
    shares = {rate.name: (rate.numerator, rate.denominator) for rate in mart.stated.rates}
    if {"numerator", "denominator", "value"} <= set(mart.captions):  # the long form of all figures
        shares["value"] = ("numerator", "denominator")
    for name, (part, whole) in shares.items():
        known = f"FILTER (WHERE {part} IS NOT NULL AND {whole} IS NOT NULL)"
        share = f"(sum({part}) {known})::numeric / nullif(sum({whole}) {known}, 0)"
        made[name] = _metric(f"share_{name}", caption_of(mart, name), share, PERCENT)
    return made


def _metric(name: str, caption: str, expression: str, shown: str) -> Asset:
    return {"metric_name": name, "verbose_name": caption, "expression": expression, "d3format": shown}


def database() -> Asset:
    """The marts' Postgres, of which the address has no reader's login."""
    return {
        "database_name": TITLE,
        "sqlalchemy_uri": f"postgresql+psycopg2://{OWN_LOGIN}@{DATABASE}/{DATABASE}",
        "expose_in_sqllab": False,
        "allow_run_async": False,
        "allow_ctas": False,
        "allow_cvas": False,
        "allow_dml": False,
        "allow_csv_upload": False,
        "extra": {"allows_virtual_table_explore": False, "per_user_caching": True},
        "uuid": asset_id(DATABASE),
        "version": VERSION,
    }


def dataset(mart: Mart, relation: str) -> Asset:
    """A relation of a mart."""
    columns = [_column(mart, name) for name in mart.captions]
    columns += [_words(mart, name) for name in mart.captions if in_words(mart, name) != name]
    days = [each["column_name"] for each in columns if each["is_dttm"]]
    return {
        "table_name": relation,
        "schema": "mart",
        "description": mart.about,
        "main_dttm_col": "as_of" if "as_of" in days else next(iter(days), None),
        "cache_timeout": None,
        "filter_select_enabled": True,
        "columns": columns,
        "metrics": list(measures(mart).values()),
        "uuid": asset_id("datasets", relation),
        "database_uuid": asset_id(DATABASE),
        "version": VERSION,
    }


def _column(mart: Mart, name: str) -> Asset:
    of_kind, _ = kind(name, *mart.kinds)
    data_type = {"TIMESTAMPZ": "TIMESTAMP WITH TIME ZONE"}.get(TYPES[of_kind][0], TYPES[of_kind][0])
    return {
        "column_name": name,
        "verbose_name": caption_of(mart, name),
        "description": mart.captions[name].partition(". ")[2] or None,
        "type": data_type,
        "is_dttm": of_kind in ("дата", "момент"),
        "groupby": True,
        "filterable": True,
    }


def _words(mart: Mart, name: str) -> Asset:
    """A column that Superset reckons: the words of a column's codes, yes and no."""
    cases = " ".join(f"WHEN '{code}' THEN '{word}'" for code, word in words_of_column(name).items())
    cases = f"{cases} ELSE {name}" if cases else "WHEN true THEN 'да' WHEN false THEN 'нет'"
    return _column(mart, name) | {
        "column_name": f"{name}{WORD}",
        "description": f"Столбец {name} словами.",
        "type": "TEXT",
        "expression": f"CASE {name} {cases} END",
    }
