"""Registration night by night: a chart and a table a unit, gaps as gaps, the bands of the plan behind."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping

import polars as pl
from markupsafe import Markup

from contracts.texts import word_of
from contracts.texts.figures import percent, whole
from contracts.vocabulary import rows as vocabulary
from documents.pages.line_chart import line_chart
from documents.pages.mart_html import NOTHING, HtmlTable, simple_table
from flows.page.frame import Frame, said, told
from flows.page.made_of import Page
from flows.presentation.on_paper import added

REGISTERED, PLAN, MOVEMENT = "actual_pupils", "plan_pupils", "movement_words"


def lines_page(frame: Frame) -> Page:
    """The region first, where the audience sees all of it, then each unit."""
    nights = frame.rows("registration_nights")
    charts = list(_charts(frame, nights)) if not nights.is_empty() else []
    return frame.page(
        "lines.html", "lines.html", "Ход по ночам", frame.state(nights), told("section_lines"), charts=charts
    )


def _charts(frame: Frame, nights: pl.DataFrame) -> Iterator[tuple[str, str, Markup, list[str], HtmlTable]]:
    units = frame.rows("registration_by_municipality")
    plans = dict(units.select("reporting_unit", PLAN).iter_rows()) if not units.is_empty() else {}
    of_units = nights.filter(pl.col("grain") == "unit").sort("night")
    if not frame.audience.unit:
        known = pl.col(REGISTERED).drop_nulls()
        whole_region = of_units.group_by("night", maintain_order=True).agg(
            pl.when(known.len() > 0).then(known.sum()).alias(REGISTERED), pl.lit(None, pl.String).alias(MOVEMENT)
        )
        yield _chart(frame, "region", frame.audience.name, whole_region, added(pl.Series(list(plans.values()))))
    for code, rows in of_units.partition_by("code", as_dict=True, maintain_order=True).items():
        unit = str(code[0])
        if unit in frame.units:
            yield _chart(frame, unit, frame.units[unit], rows, plans.get(unit))


def _chart(
    frame: Frame, code: str, name: str, nights: pl.DataFrame, plan: float | None
) -> tuple[str, str, Markup, list[str], HtmlTable]:
    counted = dict(nights.select("night", REGISTERED).iter_rows())
    moved = dict(nights.select("night", MOVEMENT).iter_rows())
    shares = {day: None if count is None or not plan else count / plan for day, count in counted.items()}
    chart = line_chart(f"line-{code}", f"{name}: доля плана регистрации", list(shares.items()), _bands(frame))
    return f"nights-{code}", name, chart, _forecast(frame, code), _table(counted, shares, plan, moved)


def _table(
    counted: Mapping[dt.date, int | None],
    shares: Mapping[dt.date, float | None],
    plan: float | None,
    moved: Mapping[dt.date, str | None],
) -> HtmlTable:
    rows = [
        [f"{day:%d.%m.%Y}", whole(count), whole(plan), percent(shares[day]), moved[day] or NOTHING]
        for day, count in counted.items()
        if count is not None
    ]
    headings = [(told("night"), False), (told("registered"), True), (told("plan"), True), (told("share"), True)]
    headings.append((told("movement"), False))
    return simple_table(headings, rows or [[NOTHING] * len(headings)])


def _forecast(frame: Frame, code: str) -> list[str]:
    """When the plan will be met, and how often such forecasts held; nothing of what was not published."""
    mart = "registration_forecast_region" if code == "region" else "registration_forecast"
    rows = frame.rows(mart)
    own = rows if code == "region" or rows.is_empty() else rows.filter(pl.col("reporting_unit") == code)
    if own.is_empty():
        return []
    row = own.row(0, named=True)
    if row["expected_on"] is None:
        lines = [said("forecast_none", why=word_of("forecast_status", row["forecast_status"]))]
    else:
        days = {name: row[name] for name in ("earliest_on", "expected_on", "latest_on")}
        shown = {name: f"{day:%d.%m.%Y}" if day else said("forecast_never") for name, day in days.items()}
        lines = [said("forecast_dated", **shown)]
    if row["export_as_of"] is not None:
        lines.append(said("forecast_export", day=f"{row['export_as_of']:%d.%m.%Y}"))
    checked, held = row["forecasts_checked"], row["forecasts_held"]
    return [*lines, said("forecast_held", held=whole(held), checked=whole(checked))] if checked else lines


def _bands(frame: Frame) -> list[tuple[str, float]]:
    """The bands of the rule that judges the date, the highest first; none where several rules could."""
    used = frame.rows("registration_by_municipality")
    versions = set(used["band_rule_version"].drop_nulls()) if not used.is_empty() else set()
    found = [
        (row["band"], float(row["lower_bound"]))
        for row in vocabulary("band_rules")
        if row["region"] == frame.night.region.code and row["band_rule_version"] in versions
    ]
    return sorted(found, key=lambda band: -band[1]) if len(versions) == 1 else []
