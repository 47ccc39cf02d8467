"""What a reader sees in a file: sheets of cells at their absolute addresses, before anybody interprets them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # reader processes start often and need no polars
    import polars as pl


@dataclass(frozen=True, slots=True)
class CellError:
    """An error value of the spreadsheet itself, such as `#REF!`; never the same as a blank cell."""

    text: str

    def __str__(self) -> str:
        return self.text


MOST_CELLS = 10_000_000
"""Cells of a large file that are still made one by one."""
HEAD_ROWS = 60
"""First rows of a large file, in which its heading is looked for."""

Value = str | float | int | bool | dt.datetime | dt.date | dt.time | dt.timedelta | CellError | None


@dataclass(frozen=True, slots=True)
class Range:
    """A merged range; zero-based, both ends included."""

    first_row: int
    first_column: int
    last_row: int
    last_column: int

    @property
    def address(self) -> str:
        """The range as a spreadsheet writes it, such as A1:C3."""
        return (
            f"{column_letters(self.first_column)}{self.first_row + 1}:"
            f"{column_letters(self.last_column)}{self.last_row + 1}"
        )


INVISIBLE = "\ufeff\u200b\u200e\u200f\u2060"
"""Characters without a width that are no white space to Python."""


def is_blank(value: Value) -> bool:
    """Is nothing to be seen in a cell: no value, or a text of white space alone?"""
    return value is None or (value.__class__ is str and not value.strip().strip(INVISIBLE))


Place = tuple[int, int]
"""Row and column of a cell, zero-based."""


@dataclass(frozen=True)
class Sheet:
    """One sheet. `rows[r][c]` is the cell at row r and column c counted from A1; blank cells are None.

    `hidden_rows` and `hidden_columns` are zero-based. `percents` are number cells whose format shows a percent (their
    value is the fraction), `unvalued` are formulas that were saved without a result (their value is None).
    """

    name: str
    rows: list[list[Value]] = field(repr=False)
    merged: list[Range] = field(default_factory=list)
    visible: bool = True
    hidden_rows: frozenset[int] = frozenset()
    hidden_columns: frozenset[int] = frozenset()
    percents: frozenset[Place] = field(default=frozenset(), repr=False)
    unvalued: frozenset[Place] = field(default=frozenset(), repr=False)

    @property
    def used_range(self) -> str | None:
        """The smallest range with all filled cells, such as B2:F14; None for a sheet without any."""
        filled = [(r, c) for r, row in enumerate(self.rows) for c, value in enumerate(row) if value is not None]
        if not filled:
            return None
        rows, columns = [r for r, _ in filled], [c for _, c in filled]
        return Range(min(rows), min(columns), max(rows), max(columns)).address


@dataclass(frozen=True)
class Doubt:
    """A decision of the reader that may be wrong. `reason` is a key of `contracts.rules.DOUBTS`.

    `decided` is what was decided and `other` what it could have been instead, both in words for the sender.
    """

    reason: str
    decided: str
    other: str | None = None


@dataclass(frozen=True)
class Grid:
    """One file as it was read. `notes` are decisions the reader made (an encoding, a separator), in English."""

    sheets: list[Sheet]
    format: str
    notes: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()


@dataclass(frozen=True)
class Blocks:
    """A large file that is read a block at a time.

    `head` has its first rows, enough to find the heading. `frames(row)` yields frames of text from that sheet row
    (counted from 1) to the end: `row` Int32, then `c0`, `c1`, … String, one a column counted from A. `holds(mark)`
    is whether an ASCII character stands anywhere in the file: to look through its bytes once is quicker than through
    each of its cells.
    """

    head: Sheet
    format: str
    frames: Callable[[int], Iterator[pl.DataFrame]]
    notes: tuple[str, ...] = ()
    doubts: tuple[Doubt, ...] = ()
    holds: Callable[[str], bool] = lambda _: True

    def grid(self) -> Grid:
        """The whole file as a grid of texts. Raises Unreadable when it is too large for that."""
        rows: list[list[Value]] = []
        for frame in self.frames(1):
            places = [int(name[1:]) for name in frame.columns[1:]]
            if (len(rows) + len(frame)) * len(places) > MOST_CELLS:
                raise Unreadable("too_large", f"The table has more than {len(rows)} rows.")
            for number, *texts in frame.iter_rows():
                rows.extend([] for _ in range(number - len(rows)))
                texts_at = dict(zip(places, texts, strict=True))
                rows[number - 1] = [texts_at.get(place) for place in range(max(places, default=-1) + 1)]
        return Grid([Sheet(self.head.name, rows)], self.format, self.notes, self.doubts)


class Unreadable(Exception):
    """The file cannot be read. `reason` is a key of `contracts.rules.UNREADABLE`, `detail` is English, for engineers.

    `looks` says what the file is instead: the sender is told by the phrase `unreadable.<looks>`.
    """

    def __init__(self, reason: str, detail: str, looks: str | None = None) -> None:
        super().__init__(reason, detail, looks)  # what it is made of again in another process
        self.reason = reason
        self.detail = detail
        self.looks = looks

    def __str__(self) -> str:
        return f"{self.reason}: {self.detail}"


def column_letters(column: int) -> str:
    """Letters of a zero-based column number: 0 is A, 26 is AA."""
    letters = ""
    column += 1
    while column:
        column, rest = divmod(column - 1, 26)
        letters = chr(65 + rest) + letters
    return letters


def cell_address(row: int, column: int) -> str:
    """Address of a cell from zero-based row and column: (13, 5) is F14."""
    return f"{column_letters(column)}{row + 1}"
