"""Charts of a deck: native, with their figures in a workbook that can be edited."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from pptx.chart.data import CategoryChartData
from pptx.dml.color import RGBColor
from pptx.enum.chart import XL_CHART_TYPE, XL_LEGEND_POSITION
from pptx.slide import Slide as Made
from pptx.util import Pt

from documents.writing.deck_letters import plain
from documents.writing.deck_table import Area

KINDS = {
    "columns": XL_CHART_TYPE.COLUMN_CLUSTERED, "stacked": XL_CHART_TYPE.COLUMN_STACKED,
    "bars": XL_CHART_TYPE.BAR_CLUSTERED,
}  # fmt: skip
FORMULA = ("=", "+", "-", "@", "\t", "\r", "{")
LINK = ("http:", "https:", "ftp:", "mailto:", "internal:", "external:", "file:")
LONGEST = 60


@dataclass(frozen=True)
class Chart:
    """Series over categories; an unknown figure is a gap. `title` may be empty; `share` is its part of the width beside
    a table."""

    kind: str
    title: str
    categories: Sequence[str]
    series: Mapping[str, Sequence[float | None]]
    share: float = 0.42


def draw_chart(made: Made, area: Area, chart: Chart) -> None:
    """Draw it in its place."""
    data = CategoryChartData(number_format="General")
    data.categories = [harmless(category) for category in chart.categories]
    for name, values in chart.series.items():
        data.add_series(harmless(name), values)
    frame = made.shapes.add_chart(KINDS[chart.kind], area.left, area.top, area.width, area.height, data)
    drawn = frame.chart
    drawn.font.size = Pt(11)
    drawn.has_title = bool(chart.title)
    if chart.title:
        drawn.chart_title.text_frame.text = chart.title
        drawn.chart_title.text_frame.paragraphs[0].font.size = Pt(13)
    drawn.has_legend = len(chart.series) > 1
    if drawn.has_legend:
        drawn.legend.position, drawn.legend.include_in_layout = XL_LEGEND_POSITION.BOTTOM, False
    plot = drawn.plots[0]
    plot.gap_width = 60
    plot.has_data_labels = True
    plot.data_labels.font.size = Pt(10)
    if chart.kind == "stacked":
        plot.overlap = 100
        plot.data_labels.font.color.rgb, plot.data_labels.font.bold = RGBColor(0xFF, 0xFF, 0xFF), True
    is_whole = all(value is None or value == int(value) for values in chart.series.values() for value in values)
    shown = "#,##0" if is_whole else "#,##0.0"
    plot.data_labels.number_format, plot.data_labels.number_format_is_linked = f"{shown};-{shown};;", False
    drawn.value_axis.has_major_gridlines = False
    drawn.value_axis.visible = False
    drawn.value_axis.minimum_scale = 0
    drawn.category_axis.tick_labels.font.size = Pt(10)
    if chart.kind == "bars":
        drawn.category_axis.reverse_order = True


def harmless(text: str) -> str:
    """A text that the workbook of a chart takes for a text, and no longer than an axis shows."""
    shown = plain(text)[:LONGEST]
    return f"'{shown}" if shown.startswith(FORMULA) or shown.lower().startswith(LINK) else shown
