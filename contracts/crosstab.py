"""A layout in which each cell is a row of the form: what it is about stands over its column and beside its row.

A wall timetable has classes over its columns, days and lesson numbers down its side, and a subject in each cell. A form
states which of its columns stand along the edges; `transforms/crosstabs/crosstab_blocks.py` finds them on a sheet.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Axis:
    """What one edge of a crosstab says of all cells of a row or of a column, over them, beside them or above both.

    `columns` are the columns of the form that one text of the edge states, the first one first («6А»: grade, letter).
    `title` calls it in Russian and `example` shows a text of it. An `optional` axis may be nowhere.
    """

    title: str
    columns: tuple[str, ...]
    example: str
    optional: bool = False

    @property
    def name(self) -> str:
        """The column that tells the axis from others."""
        return self.columns[0]


@dataclass(frozen=True)
class Crosstab:
    """How a form is laid out as a crosstab.

    `cell` is the column that each cell states. `above` are columns that are stated once for a sheet, in a line above
    the table: column → a regular expression whose group is the value, whatever its case. A school may also stand
    there without a label, or be the name of the sheet. `labels` is a table of the form's folder: words over columns
    that are read (`cells`), that are not (`nothing`: a room, a teacher), or that are of an axis (its column).

    `incomplete` is the rule of a sheet that lacks an axis, `empty` that of a thing of the first axis over blank cells.
    """

    axes: tuple[Axis, ...]
    cell: str
    above: tuple[tuple[str, str], ...]
    labels: str
    incomplete: str
    empty: str

    @property
    def columns(self) -> tuple[str, ...]:
        """The columns of the form that the layout states."""
        return (*(name for name, _ in self.above), *(name for axis in self.axes for name in axis.columns), self.cell)
