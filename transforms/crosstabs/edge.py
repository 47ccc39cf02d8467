"""Edges of crosstabs: the texts of a sheet, merged cells at each of their places, and what a row says of an axis."""

from __future__ import annotations

from dataclasses import dataclass

from contracts.crosstab import Axis, Crosstab
from contracts.form import Form
from contracts.grid import Place, Sheet, Value
from transforms.cells.cell import cell_text
from transforms.cells.parse import UNVALUED
from transforms.headings.axis import Values, said_of

LONGEST_LINE = 60
"""Characters of a line of its own that names a thing of an axis."""


@dataclass(frozen=True)
class Edge:
    """A text of an edge: what it states, of each column of the axis, and where it stands."""

    values: Values
    place: Place


class Seen:
    """The texts of a sheet, those of a merged range at each of its cells, and where each stands."""

    def __init__(self, sheet: Sheet) -> None:
        width = max(map(len, sheet.rows), default=0)
        self.texts = [[_shown(value) for value in row] + [None] * (width - len(row)) for row in sheet.rows]
        self.places: dict[Place, Place] = {}
        for r, c in sheet.unvalued:
            self.texts[r][c] = UNVALUED
        for area in sheet.merged:
            corner = area.first_row, area.first_column
            if area.first_row >= len(self.texts) or area.first_column >= width:
                continue
            text = self.texts[area.first_row][area.first_column]
            for r in range(area.first_row, min(area.last_row + 1, len(self.texts))):
                for c in range(area.first_column, min(area.last_column + 1, width)):
                    self.texts[r][c] = text
                    self.places[r, c] = corner
        self.width = width

    def place(self, r: int, c: int) -> Place:
        """Where the text at a cell stands: the upper left cell of its merged range."""
        return self.places.get((r, c), (r, c))

    def lone(self, r: int) -> tuple[str, Place] | None:
        """The text of a row that has no other, and where it stands."""
        filled = {self.place(r, c): text for c, text in enumerate(self.texts[r]) if text}
        if len(filled) != 1:
            return None
        ((where, text),) = filled.items()
        return text, where


def _shown(value: Value) -> str | None:
    text = cell_text(value)
    return text if text and not text.isspace() else None


def crosstab_of(form: Form) -> Crosstab:
    """The crosstab of a form that has one. Raises ValueError for one that has none."""
    if form.crosstab is None:
        raise ValueError(f"{form.name} has no crosstab")
    return form.crosstab


def line_of(form: Form, seen: Seen, r: int, axis: Axis) -> Edge | None:
    """What a row of nothing else says of an axis: «Понедельник», «6А класс»."""
    lone = seen.lone(r)
    if lone is None or len(lone[0]) > LONGEST_LINE:
        return None
    found = said_of(form, axis, lone[0])
    return Edge(found.values, lone[1]) if found is not None and found.is_sure else None


def unread(axis: Axis, text: str, place: Place) -> Edge:
    """An edge of which nothing is understood: its text stands in the first column of the axis."""
    return Edge(((text, *("",) * (len(axis.columns) - 1)),), place)
