"""Filled cells of a sheet, wherever they stand: the size of a sheet is what is filled, not what is formatted.

One space in the last row of a sheet would make a billion cells of it. So cells are kept by row and column as they come,
and laid out as rows only up to the last one that shows anything.
"""

from __future__ import annotations

from itertools import pairwise

from contracts.grid import Doubt, Place, Sheet, Unreadable, Value, cell_address, is_blank
from documents.reading.formats.extras import MOST_COLUMNS, MOST_ROWS, Extras
from documents.reading.formats.limits import LIMITS

GAP_ROWS, GAP_COLUMNS = 1000, 100
"""So many blank rows or columns end a table whose sheet would be too large with what stands behind them."""
MOST_FAR = 100
"""Cells behind such a gap: more of them are no slip of the hand."""
FAR_SHOWN = 5
COUNTED_BEYOND = 1000
"""Cells beyond the limit that are still looked at, so that a refusal can say how large the sheet is."""


class Filled:
    """The cells of one sheet with something in them. `extra` is what stands beside their values."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.extra = Extras()
        self.lines: dict[int, dict[int, Value]] = {}
        self.count = self.rows = self.columns = 0
        self.most = LIMITS.get().cells

    def put(self, row: int, column: int, value: Value) -> None:
        """Keep a value. Raises Unreadable for a place that no sheet has, and for more cells than are allowed."""
        if row >= MOST_ROWS or column >= MOST_COLUMNS:
            raise Unreadable("too_large", f"Sheet {self.name!r} has a cell past the end of any sheet.")
        self.count += 1
        if self.count > self.most + COUNTED_BEYOND:
            self._refuse()
        line = self.lines.get(row)
        if line is None:
            line = self.lines[row] = {}
        line[column] = value
        if value.__class__ is not str or not value.isspace():
            if row >= self.rows:
                self.rows = row + 1
            if column >= self.columns:
                self.columns = column + 1

    def sheet(self, *, visible: bool) -> tuple[Sheet, tuple[Doubt, ...]]:
        """The sheet, and the doubt about cells so far away from all others that they were left out."""
        extra = self.extra
        if self.count > self.most:
            self._refuse()
        far = self._cut()
        laid: list[list[Value]] = [[None] * self.columns for _ in range(self.rows)]
        for r, line in self.lines.items():
            if r < self.rows:
                row = laid[r]
                for c, value in line.items():
                    if c < self.columns:
                        row[c] = value
        for r, c in extra.unvalued:
            laid.extend([] for _ in range(r + 1 - len(laid)))
            laid[r].extend(None for _ in range(c + 1 - len(laid[r])))
        doubts = (Doubt("far_cells", _far_words(self.name, far)),) if far else ()
        return extra.sheet(self.name, laid, visible=visible), doubts

    def _refuse(self) -> None:
        raise Unreadable("too_large", f"Sheet {self.name!r} spans {self.rows} rows and {self.columns} columns.")

    def _cut(self) -> set[Place]:
        """Leave out what stands behind a wide gap when the sheet would be too large with it; the places left out."""
        extra = self.extra
        rows = max(self.rows, 1 + max((r for r, _ in extra.unvalued), default=-1))
        columns = max(self.columns, 1 + max((c for _, c in extra.unvalued), default=-1))
        if rows * columns <= self.most:
            return set()
        shown = {(r, c) for r, line in self.lines.items() for c, value in line.items() if not is_blank(value)}
        below = _end_before_gap({r for r, _ in shown | extra.unvalued}, GAP_ROWS)
        near = {place for place in shown | extra.unvalued if place[0] < below}
        right = _end_before_gap({c for _, c in near}, GAP_COLUMNS)
        near = {place for place in near if place[1] < right}
        far = (shown | extra.unvalued) - near
        if below * right > self.most or len(far) > MOST_FAR:
            self._refuse()
        extra.percents -= far
        extra.unvalued -= far
        self.rows = 1 + max((r for r, _ in near & shown), default=-1)
        self.columns = 1 + max((c for _, c in near & shown), default=-1)
        return far


def _end_before_gap(used: set[int], gap: int) -> int:
    """The number after the last used one before the first wide gap; the numbers begin at 0."""
    for before, after in pairwise([*sorted(used), MOST_ROWS + gap + 1]):
        if after - before > gap:
            return before + 1
    return 0


def _far_words(name: str, far: set[Place]) -> str:
    """Which cells were left out, in words for the sender."""
    shown = ", ".join(cell_address(r, c) for r, c in sorted(far)[:FAR_SHOWN])
    more = f" и ещё {len(far) - FAR_SHOWN}" if len(far) > FAR_SHOWN else ""
    return f"лист «{name}»: {shown}{more}"
