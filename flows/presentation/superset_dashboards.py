"""Charts and dashboards of Superset out of the lines of `contracts/texts/dashboards.csv`."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from contracts.texts import FOLDER, word_of
from flows.presentation.mart_sheets import caption_of
from flows.presentation.superset_datasets import (
    VERSION,
    Asset,
    asset_id,
    format_of,
    in_words,
    measures,
    relations,
)
from warehouse.marts.columns import kind
from warehouse.marts.definitions import Mart

TITLES = {"head": "Руководителю", "officer": "Сотруднику мониторинга", "engineer": "Инженеру данных"}
"""Dashboard → its title; a role of Superset is named as the dashboard."""
WIDE = 12
"""Columns of a row of a dashboard."""
HEIGHTS = {"figure": 20, "table": 58}
"""Rows of eight pixels that a chart is high; others are 50."""
BY_UNIT, BY_DAY, BY_REGION = "reporting_unit_name", "as_of", "region"
FILTERS = (
    ("Регион", "municipality_profile_latest", BY_REGION),
    ("Отчётная единица", "municipality_profile_latest", BY_UNIT),
)
"""What narrows a dashboard: (name, dataset that has the values, column). Charts without the column stay whole."""
BAND = "band"
COLOURS = {"green": "#c6e9cf", "amber": "#fde9b0", "red": "#f7c9c3"}
"""Band → the ground of its word."""
DATE, MOMENT = "%d.%m.%Y", "%d.%m.%Y %H:%M"


@dataclass(frozen=True)
class Line:
    """A line of dashboards.csv: a chart of a dashboard, the relation that it shows and what of it.

    `shown` are columns of a table, measures of other kinds. `by` is what they are told apart by: the axis, then the
    series. `where` is `column=word|word`: which rows. `width` is in twelfths.
    """

    dashboard: str
    title: str
    kind: str
    relation: str
    shown: tuple[str, ...]
    by: tuple[str, ...]
    where: str
    width: int

    @property
    def chart_id(self) -> str:
        """The identifier of the chart: the same as long as dashboard and title are."""
        return asset_id("charts", self.dashboard, self.title)

    @property
    def height(self) -> int:
        """In rows of eight pixels."""
        return HEIGHTS.get(self.kind, 50)


@cache
def lines() -> tuple[Line, ...]:
    """The charts in their order."""
    with (FOLDER / "dashboards.csv").open(encoding="utf-8", newline="") as file:
        return tuple(
            Line(**{**row, "shown": tuple(row["shown"].split()), "by": tuple(row["by"].split()),
                    "width": int(row["width"])})  # type: ignore[arg-type]
            for row in csv.DictReader(file)
        )  # fmt: skip


def dashboards() -> Iterator[tuple[str, Asset]]:
    """(name in the bundle, chart or dashboard), charts first."""
    of_relation = dict(relations())
    for line in lines():
        yield f"charts/{line.chart_id}.yaml", _chart(line, of_relation[line.relation])
    for dashboard, title in TITLES.items():
        yield f"dashboards/{dashboard}.yaml", _dashboard(dashboard, title)


def _chart(line: Line, mart: Mart) -> Asset:
    """Raises KeyError for a line that shows what its mart does not have."""
    viz_type, params = KINDS[line.kind](line, mart)
    params |= {"viz_type": viz_type, "adhoc_filters": _where(line), "time_range": "No filter", "row_limit": 10000}
    return {
        "slice_name": line.title,
        "viz_type": viz_type,
        "params": params,
        "uuid": line.chart_id,
        "dataset_uuid": asset_id("datasets", line.relation),
        "version": VERSION,
    }


def _where(line: Line) -> list[Asset]:
    if not line.where:
        return []
    column, _, words = line.where.partition("=")
    return [
        {"clause": "WHERE", "expressionType": "SIMPLE", "subject": column, "operator": "IN",
         "operatorId": "IN", "comparator": words.split("|")}
    ]  # fmt: skip


def _table(line: Line, mart: Mart) -> tuple[str, Asset]:
    """Rows as they are, in the order of the mart, codes in words."""
    of_kinds = {name: kind(name, *mart.kinds)[0] for name in line.shown}
    shown = {in_words(mart, name): format_of(mart, name) for name in line.shown}
    order = [json.dumps([name, ascending]) for name, ascending in ((BY_DAY, False), ("position", True))
             if name in mart.captions]  # fmt: skip
    return "table", {
        "query_mode": "raw",
        "all_columns": list(shown),
        "order_by_cols": order,
        "server_page_length": 10,
        "page_length": 20,
        "include_search": True,
        "show_cell_bars": False,
        "table_timestamp_format": MOMENT if "момент" in of_kinds.values() else DATE,
        "conditional_formatting": [
            {"column": in_words(mart, name), "operator": "=", "targetValue": word_of(name, band), "colorScheme": colour,
             "useGradient": False}
            for name in line.shown if name == BAND or name.endswith(f"_{BAND}") for band, colour in COLOURS.items()
        ],
        "column_config": {name: {"d3NumberFormat": number} for name, number in shown.items() if number}
        | {name: {"d3TimeFormat": DATE} for name, of_kind in of_kinds.items() if of_kind == "дата"},
    }  # fmt: skip


def _figure(line: Line, mart: Mart) -> tuple[str, Asset]:
    """One figure in large letters."""
    (metric,) = _metrics(line, mart)
    return "big_number_total", {
        "metric": metric["metric_name"],
        "y_axis_format": metric["d3format"],
        "header_font_size": 0.4,
        "subtitle": caption_of(mart, line.shown[0]),
    }


def _bars(line: Line, mart: Mart) -> tuple[str, Asset]:
    """A bar each, the longest above."""
    return "echarts_timeseries_bar", _drawn(line, mart) | {
        "orientation": "horizontal",
        "x_axis_sort": _metrics(line, mart)[0]["metric_name"],
        "x_axis_sort_asc": True,
    }


def _stacked(line: Line, mart: Mart) -> tuple[str, Asset]:
    """A bar each, in parts."""
    is_of_days = line.by[0] == BY_DAY
    return "echarts_timeseries_bar", _drawn(line, mart) | {
        "stack": "Stack",
        "orientation": "vertical" if is_of_days else "horizontal",
        "show_legend": True,
    }


def _line(line: Line, mart: Mart) -> tuple[str, Asset]:
    """A line over the nights; a night without the figure is a gap."""
    return "echarts_timeseries_line", _drawn(line, mart) | {
        "show_legend": len(line.shown) > 1 or len(line.by) > 1,
        "markerEnabled": True,
        "markerSize": 5,
    }


def _drawn(line: Line, mart: Mart) -> Asset:
    """What all charts over an axis have."""
    axis, *series = (in_words(mart, name) for name in line.by)
    metrics = _metrics(line, mart)
    return {
        "x_axis": axis,
        "time_grain_sqla": "P1D",
        "x_axis_time_format": DATE,
        "metrics": [metric["metric_name"] for metric in metrics],
        "groupby": series,
        "y_axis_format": metrics[0]["d3format"],
        "rich_tooltip": True,
        "tooltipTimeFormat": DATE,
        "show_legend": False,
        "truncate_metric": True,
        "xAxisLabelInterval": "0" if axis != BY_DAY else "auto",
    }


def _metrics(line: Line, mart: Mart) -> Sequence[Asset]:
    of_mart = measures(mart)
    return [of_mart[name] for name in line.shown]


KINDS: dict[str, Callable[[Line, Mart], tuple[str, Asset]]] = {
    "table": _table,
    "figure": _figure,
    "bars": _bars,
    "stacked": _stacked,
    "line": _line,
}


def _dashboard(dashboard: str, title: str) -> Asset:
    return {
        "dashboard_title": title,
        "description": None,
        "slug": f"profmin-{dashboard}",
        "position": _position([line for line in lines() if line.dashboard == dashboard], title),
        "metadata": {
            "native_filter_configuration": [_filter(*each) for each in FILTERS],
            "cross_filters_enabled": True,
            "color_scheme": "supersetColors",
            "refresh_frequency": 0,
        },
        "published": True,
        "uuid": asset_id("dashboards", dashboard),
        "version": VERSION,
    }


def _filter(name: str, relation: str, column: str) -> Asset:
    return {
        "id": f"NATIVE_FILTER-{column}",
        "name": name,
        "type": "NATIVE_FILTER",
        "filterType": "filter_select",
        "targets": [{"datasetUuid": asset_id("datasets", relation), "column": {"name": column}}],
        "controlValues": {"multiSelect": True, "enableEmptyFilter": False, "searchAllOptions": False},
        "defaultDataMask": {"extraFormData": {}, "filterState": {}, "ownState": {}},
        "cascadeParentIds": [],
        "scope": {"rootPath": ["ROOT_ID"], "excluded": []},
    }


def _position(shown: Sequence[Line], title: str) -> dict[str, Any]:
    """Where charts stand: from left to right, a new row where the next one has no room."""
    rows: list[list[Line]] = [[]]
    for line in shown:
        if sum(each.width for each in rows[-1]) + line.width > WIDE:
            rows.append([])
        rows[-1].append(line)
    placed: dict[str, Any] = {
        "DASHBOARD_VERSION_KEY": "v2",
        "ROOT_ID": {"id": "ROOT_ID", "type": "ROOT", "children": ["GRID_ID"]},
        "HEADER_ID": {"id": "HEADER_ID", "type": "HEADER", "meta": {"text": title}},
        "GRID_ID": {"id": "GRID_ID", "type": "GRID", "parents": ["ROOT_ID"],
                    "children": [f"ROW-{number}" for number in range(len(rows))]},
    }  # fmt: skip
    for number, row in enumerate(rows):
        parents = ["ROOT_ID", "GRID_ID"]
        row_id = f"ROW-{number}"
        placed[row_id] = {"id": row_id, "type": "ROW", "parents": parents,
                          "meta": {"background": "BACKGROUND_TRANSPARENT"},
                          "children": [f"CHART-{line.chart_id}" for line in row]}  # fmt: skip
        for line in row:
            placed[f"CHART-{line.chart_id}"] = {
                "id": f"CHART-{line.chart_id}",
                "type": "CHART",
                "children": [],
                "parents": [*parents, row_id],
                "meta": {"uuid": line.chart_id, "chartId": 0, "sliceName": line.title, "width": line.width,
                         "height": max(each.height for each in row)},
            }  # fmt: skip
    return placed
