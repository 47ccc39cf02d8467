"""Lines over nights: a gap is a gap, bands are named, and who does not see it is told the last share."""

from __future__ import annotations

import datetime as dt
from xml.etree import ElementTree as ET

from documents.pages.line_chart import line_chart

FIRST = dt.date(2023, 9, 1)
BANDS = [("green", 0.8), ("amber", 0.51), ("red", 0.0)]


def drawn(shares: list[float | None], bands: list[tuple[str, float]] = BANDS) -> ET.Element:
    points = [(FIRST + dt.timedelta(days=number), share) for number, share in enumerate(shares)]
    return ET.fromstring(str(line_chart("x", "Асино <план>", points, bands)))


def test_a_night_without_data_parts_the_line() -> None:
    chart = drawn([0.1, 0.2, None, 0.4, 0.5])
    assert [len(str(line.get("points")).split()) for line in chart.iter("polyline")] == [2, 2]
    assert len(list(chart.iter("circle"))) == 4
    assert len(list(chart.iter("path"))) == 1  # a cross at the night that is missing
    assert "0.0" not in [circle.get("cy") for circle in chart.iter("circle")]


def test_bands_are_behind_and_in_words() -> None:
    chart = drawn([0.9])
    assert [rect.get("height") for rect in chart.iter("rect")] == ["32.0", "46.4", "81.6"]
    texts = [text.text for text in chart.iter("text")]
    assert {"✓ зелёная", "! жёлтая", "✕ красная"} <= set(texts)
    assert list(drawn([0.9], []).iter("rect")) == []


def test_it_says_what_it_shows() -> None:
    assert drawn([0.25, None])[0].text == "Асино <план>; последняя ночь с данными 01.09.2023: 25,0 %"
    assert drawn([None])[0].text == "Асино <план>; данных нет"
    assert drawn([])[0].text == "Асино <план>; данных нет"


def test_more_than_the_plan_has_room() -> None:
    circles = [float(str(circle.get("cy"))) for circle in drawn([1.5, 0.5]).iter("circle")]
    assert circles[0] == 12.0
    assert circles[1] > circles[0]
