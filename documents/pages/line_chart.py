"""A line over nights as SVG: bands behind it, a night of which nothing is known is a gap and never a zero."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Sequence

from markupsafe import Markup, escape

from contracts.texts import word_of
from contracts.texts.figures import percent
from documents.pages.mart_html import SIGNS
from documents.writing.mart_xlsx import BAND_COLOURS

WIDTH, HEIGHT = 720, 200
LEFT, RIGHT, TOP, BOTTOM = 60, 96, 12, 28
INK = "#0a3d6b"
Point = tuple[dt.date, float | None]


def line_chart(id_: str, title: str, points: Sequence[Point], bands: Sequence[tuple[str, float]]) -> Markup:
    """Shares over nights, one point a night; `bands` are each with its lower bound, the highest first.

    Read aloud it is its title and its last known share; the table beside it has the rest.
    """
    top = max([1.0, *(share for _, share in points if share is not None)])
    step = (WIDTH - LEFT - RIGHT) / max(1, len(points) - 1)

    def y(share: float) -> float:
        return round(TOP + (HEIGHT - TOP - BOTTOM) * (1 - share / top), 1)

    parts = [
        _band(band, lower, upper, y) for (band, lower), upper in zip(bands, [top, *(b for _, b in bands)], strict=False)
    ]
    parts += [
        f'<text x="{LEFT - 6}" y="{y(share) + 4}" text-anchor="end">{percent(share)}</text>' for share in (0.0, top)
    ]
    places = [round(LEFT + number * step, 1) for number in range(len(points))]
    parts += [
        f'<path d="M{x - 3:.1f} {HEIGHT - BOTTOM - 3}l6 6m0 -6l-6 6" stroke="#50575e"/>'
        for x, (_, share) in zip(places, points, strict=True)
        if share is None
    ]
    for run in _runs(places, points):
        line = " ".join(f"{x},{y(share)}" for x, share in run)
        parts.append(f'<polyline points="{line}" fill="none" stroke="{INK}" stroke-width="2"/>')
        parts += [f'<circle cx="{x}" cy="{y(share)}" r="3" fill="{INK}"/>' for x, share in run]
    if points:
        first, last = points[0][0], points[-1][0]
        parts.append(f'<text x="{LEFT}" y="{HEIGHT - 6}">{first:%d.%m.%Y}</text>')
        parts.append(f'<text x="{places[-1]}" y="{HEIGHT - 6}" text-anchor="end">{last:%d.%m.%Y}</text>')
    known = next(((day, share) for day, share in reversed(points) if share is not None), None)
    said = f"; последняя ночь с данными {known[0]:%d.%m.%Y}: {percent(known[1])}" if known else "; данных нет"
    return Markup(
        f'<svg class="lines" role="img" aria-labelledby="{escape(id_)}" viewBox="0 0 {WIDTH} {HEIGHT}" font-size="12">'
        f'<title id="{escape(id_)}">{escape(title)}{said}</title>{"".join(parts)}</svg>'
    )


def _band(band: str, lower: float, upper: float, y: Callable[[float], float]) -> str:
    high, low = y(upper), y(lower)
    ground, letters = BAND_COLOURS[band]
    return (
        f'<rect x="{LEFT}" y="{high}" width="{WIDTH - LEFT - RIGHT}" height="{low - high:.1f}" fill="{ground}"/>'
        f'<text x="{WIDTH - RIGHT + 6}" y="{(high + low) / 2 + 4:.1f}" fill="{letters}">'
        f"{SIGNS[band]} {word_of('band', band)}</text>"
    )


def _runs(places: Sequence[float], points: Sequence[Point]) -> list[list[tuple[float, float]]]:
    """Nights that follow one another and are known."""
    runs: list[list[tuple[float, float]]] = [[]]
    for x, (_, share) in zip(places, points, strict=True):
        if share is None:
            runs.append([])
        else:
            runs[-1].append((x, share))
    return [run for run in runs if run]
