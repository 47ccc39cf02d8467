"""The page of a reporting unit, which fits one A4 when it is printed: best, worst, getting better, whom to call."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import polars as pl

from contracts.texts.figures import percent, points, whole
from contracts.vocabulary import contacts_of
from contracts.vocabulary import rows as vocabulary
from documents.pages.mart_html import NOTHING, HtmlTable, banded, link, simple_table
from flows.page.figure_links import to_row
from flows.page.frame import Frame, named, told
from flows.page.made_of import Page
from flows.page.school_pages import OF_WANTING, standings
from warehouse.marts.published import mart

MOST = 3
LESS_IS_BETTER = ("practice",)
"""Systems whose share is of what is wrong."""


def unit_page(frame: Frame, unit: str, before: pl.DataFrame) -> Page:
    """`before` is the mart of units as it was a week ago."""
    of_unit = pl.col("reporting_unit") == unit
    rows = frame.rows("municipality_profile").filter(of_unit)
    now: Mapping[str, Any] = next(rows.iter_rows(named=True), {})
    was: Mapping[str, Any] = next(before.filter(of_unit).iter_rows(named=True), {}) if not before.is_empty() else {}
    shares = {
        row["system"]: (row["name"], now[f"{row['system']}_figure_rate"])
        for row in vocabulary("systems")
        if now.get(f"{row['system']}_figure_rate") is not None
    }
    schools = frame.rows("school_profile").filter(of_unit)
    return frame.page(
        f"unit/{unit}.html", "unit.html", frame.units[unit], frame.state(rows),
        threes=_threes(shares, now, was), calls=contacts_of(unit), told=_systems(frame, now, was),
        owed=_owed(frame, unit), schools=_schools(schools),
    )  # fmt: skip


def units_before(frame: Frame) -> pl.DataFrame:
    """The mart of units on the date with which the region's systems are compared, as it was known then."""
    systems = frame.rows("region_profile")
    day = systems["before_as_of"].drop_nulls().max() if not systems.is_empty() else None
    if day is None:
        return pl.DataFrame()
    night = frame.night
    return mart(night.connection, "municipality_profile", day, night.known_at, night.region.code)  # type: ignore[arg-type]


def _good(system: str, share: float) -> float:
    return 1 - share if system in LESS_IS_BETTER else share


def _threes(
    shares: Mapping[str, tuple[str, Any]], now: Mapping[str, Any], was: Mapping[str, Any]
) -> list[tuple[str, list[str]]]:
    """The best and the worst shares of the unit, no system among both, and those that grew most in a week."""
    ranked = sorted(shares, key=lambda system: -_good(system, float(shares[system][1])))
    best = ranked[: min(MOST, len(ranked) // 2)]
    worst = [system for system in ranked[::-1] if system not in best][:MOST]
    grown = {}
    for system in shares:
        change = _change(now, was, system)
        if change is not None and (better := -change if system in LESS_IS_BETTER else change) > 0:
            grown[system] = better
    words = {system: f"{name}: {percent(float(share))}" for system, (name, share) in shares.items()}
    most_grown = sorted(grown, key=grown.__getitem__)[::-1][:MOST]
    return [
        ("best", [words[system] for system in best]),
        ("worst", [words[system] for system in worst]),
        ("better", [f"{words[system]}, {points(_change(now, was, system))}" for system in most_grown]),
    ]


def _change(now: Mapping[str, Any], was: Mapping[str, Any], system: str) -> float | None:
    one, other = now.get(f"{system}_figure_rate"), was.get(f"{system}_figure_rate")
    return None if one is None or other is None else float(one) - float(other)


def _systems(frame: Frame, now: Mapping[str, Any], was: Mapping[str, Any]) -> HtmlTable:
    rows = []
    for row in vocabulary("systems"):
        system = row["system"]
        if f"{system}_figure" not in now:
            continue
        rate = now[f"{system}_figure_rate"]
        rows.append([
            named(row["title"], system),
            to_row(frame, system, now["reporting_unit"], whole(_number(now[f"{system}_figure"])), "../"),
            whole(_number(now[f"{system}_whole"])), banded(percent(_number(rate)), now.get(f"{system}_band")),
            points(_change(now, was, system)),
        ])  # fmt: skip
    headings = [("system", False), ("figure", True), ("whole", True), ("share", True), ("change", True)]
    return simple_table([(told(name), is_figure) for name, is_figure in headings], rows)


def _number(value: Any) -> float | None:
    return None if value is None else float(value)


def _owed(frame: Frame, unit: str) -> HtmlTable:
    health = frame.rows("delivery_health")
    rows = health.filter((pl.col("sender") == unit) & pl.col("is_expected")) if not health.is_empty() else health
    lines = [
        [row["form_title"], row["status_name"], f"{row['deadline']:%d.%m.%Y}" if row["deadline"] else NOTHING]
        for row in rows.iter_rows(named=True)
    ]
    return simple_table([(told(code), False) for code in ("form", "came_of_it", "deadline")], lines)


def _schools(schools: pl.DataFrame) -> HtmlTable:
    """The schools of the unit: those with most to mend first."""
    ordered = schools.sort(["systems_wanting", "systems_in_order"], descending=[True, False], nulls_last=True)
    rows = []
    for row in ordered.iter_rows(named=True):
        wanting = "; ".join(words for _, standing, words, _ in standings(row) if standing in OF_WANTING) or NOTHING
        rows.append([
            link(f"../school/{row['school_code']}.html", row["school_name"]), whole(row["systems_in_order"]),
            whole(row["systems_wanting"]), wanting,
        ])  # fmt: skip
    headings = [("school", False), ("in_order", True), ("wanting", True), ("mend", False)]
    return simple_table([(told(name), is_figure) for name, is_figure in headings], rows)
