"""Where a figure of a system leads: to the mart behind it, to what its column says, to of what a share is one, or to
the row of a unit."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl
from markupsafe import Markup

from contracts.vocabulary import rows as vocabulary
from documents.pages.mart_html import link, row_id
from flows.page.frame import Frame
from warehouse.marts.published import mart_named
from warehouse.marts.stated import Rate

Row = Mapping[str, Any]
PARTS = {"figure": "figure", "whole": "of"}
"""Column of the systems of the region → that of `system_figures.csv` which names the mart's."""


def rate_id(rate: Rate) -> str:
    """Where on the page of its mart it stands of what a share is one."""
    return f"rate-{rate.name}"


def is_found_by(rows: pl.DataFrame, column: str) -> bool:
    """Has each row of a mart a value of its own in a column?"""
    return column in rows.columns and not rows.is_empty() and rows[column].drop_nulls().n_unique() == rows.height


def mart_behind(row: Row) -> str:
    """The mart that stands behind the figure of a system: that of units or schools where there is one."""
    return _figure(row["system"]).get("mart") or str(row["system_mart"])


def to_mart(frame: Frame, name: str, text: Markup | str, place: str = "", up: str = "") -> Markup | str:
    """A text that leads to a mart, and there to a place, where the audience sees that."""
    if not any(each.name == name for each in frame.seen):
        return text
    return link(f"{up}table/{name}.html{f'#{place}' if place else ''}", text)


def to_column(frame: Frame, row: Row, name: str, text: str) -> Markup | str:
    """The `figure` or the `whole` of a system of the region, which leads to what its column says."""
    column, mart = _figure(row["system"]).get(PARTS[name]), mart_behind(row)
    if not column or row[name] is None or column not in frame.rows(mart).columns:
        return text
    return to_mart(frame, mart, text, column)


def to_rate(frame: Frame, row: Row, text: Markup) -> Markup | str:
    """The share of a system of the region, which leads to of what it is one."""
    line = _figure(row["system"])
    if not line.get("mart") or row["figure_rate"] is None:
        return text
    parts = (line["figure"], line["of"])
    found = {(rate.numerator, rate.denominator): rate_id(rate) for rate in mart_named(line["mart"]).stated.rates}
    return to_mart(frame, line["mart"], text, found.get(parts, "meaning"))


def to_row(frame: Frame, system: str, unit: str, text: Markup | str, up: str = "") -> Markup | str:
    """A figure of a unit, which leads to its row where the mart behind has one."""
    name = _figure(system).get("mart")
    if not name or not is_found_by(frame.rows(name), "reporting_unit"):
        return text
    return to_mart(frame, name, text, row_id(unit), up) if unit in frame.rows(name)["reporting_unit"] else text


def _figure(system: str) -> dict[str, str]:
    """Which columns of which mart the figure of a system is of; nothing where the system has none."""
    return next((line for line in vocabulary("system_figures") if line["system"] == system), {})
