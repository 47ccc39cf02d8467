"""Rows that add up others without being called a total: known by their sums, whatever they are called."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from transforms.headings.row_kind import Places
from transforms.tables.total_row import OutcomeCells, number_in

FEWEST_ROWS = 2
"""Rows that a total adds up, at least."""
MANY_ROWS = 5
"""Rows whose only figure cannot equal that of another row by chance."""
ENOUGH_SUMS = 3
"""Figures that are sums where the row has a name: no school is taken for a total by chance."""
MOSTLY = 2 / 3
"""Share of a total's figures that are right; its sender may have left some as they were."""
BOUNDS = ("total", "subtotal", "section")


@dataclass(frozen=True)
class Sums:
    """A row that adds up others: its place, the columns that are their sums, and the first and last of these rows.

    `is_all` says that they are all rows of data, `is_doubtful` that the row may as well be data, `is_partly` that only
    some figures say so: it is data, unless its name stands there twice.
    """

    place: int
    columns: tuple[int, ...]
    rows: tuple[int, int]
    is_all: bool = False
    is_doubtful: bool = False
    is_partly: bool = False


def unnamed_totals(
    rows: Sequence[OutcomeCells], places: Places, is_known: Callable[[Sequence[str | None]], bool]
) -> list[Sums]:
    """The rows of data that are sums of others, in their order.

    `is_known` says that a row names a school of the register or a reporting unit. A row that does is a total only
    where three figures or more say so and it stands at an end of a table of units; with fewer it is in doubt. A row
    with another name, or none, is also the subtotal of the rows since the last total or heading of a section.
    """
    data = [place for place, (outcome, _) in enumerate(rows) if outcome == "data"]
    if len(data) <= FEWEST_ROWS:
        return []
    asked = [place for place in data if not is_known(rows[place][1])]
    ends = [place for place in (data[0], data[-1]) if places.units and place not in asked]
    if not asked and not ends:
        return []
    all_sums: list[Sums] = []
    for place in sorted([*asked, *ends]):
        totals = {sums_there.place for sums_there in all_sums}
        own = [other for other in data if other != place and other not in totals]
        bound = max((p for p in range(place) if rows[p][0] in BOUNDS or p in totals), default=-1)
        if place in ends:
            groups = [own]
        else:
            above = [other for other in own if other < place]
            later = [other for other in own if other > place]
            groups = [above, [other for other in above if other > bound], *([later] if place == data[0] else [])]
        for group in groups:
            if (sums := _sums_of(rows, place, group, places, is_known=place in ends)) is not None:
                sums = replace(sums, is_all=len(group) == len(own))
                all_sums.append(sums)
                break
    return all_sums


def _sums_of(
    rows: Sequence[OutcomeCells], place: int, group: Sequence[int], places: Places, *, is_known: bool
) -> Sums | None:
    """What a row says if it adds up a group of rows; None when it does not."""
    cells = rows[place][1]
    stated = {c: number for c in places.sums if (number := number_in(cells, c)) is not None}
    if len(group) < FEWEST_ROWS or not stated:
        return None
    right: list[int] = []
    zeros, is_certain = 0, False
    for c, number in stated.items():
        added = [figure for other in group if (figure := number_in(rows[other][1], c))]
        total = sum(added)
        if math.isclose(total, number, rel_tol=1e-12, abs_tol=1e-9):
            right.append(c) if number else None
            zeros += not number
            is_certain |= len(added) >= MANY_ROWS and number > max(added)
    has_name = any(c < len(cells) and (cells[c] or "").strip() for c in places.keys)
    everything = len(right) + zeros == len(stated) and bool(right)
    mostly = len(right) >= ENOUGH_SUMS and len(right) + zeros >= MOSTLY * len(stated)
    of = group[0], group[-1]
    if is_known:
        if len(right) >= ENOUGH_SUMS and everything:
            return Sums(place, tuple(right), of)
        if everything and len(group) >= MANY_ROWS:
            return Sums(place, tuple(right), of, is_doubtful=True)
        return Sums(place, tuple(right), of, is_doubtful=True, is_partly=True) if is_certain else None
    if (
        mostly
        or (is_certain and not has_name)
        or (everything and (not has_name or (len(stated) < ENOUGH_SUMS and len(group) >= MANY_ROWS)))
    ):
        return Sums(place, tuple(right), of)
    return None
