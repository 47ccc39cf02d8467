"""The cells of crosstabs as rows: what stands over, beside and above each, and the texts in it."""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from contracts.crosstab import Axis
from contracts.form import Form
from contracts.grid import Place
from transforms.cells.cell_value import is_nothing, plain
from transforms.crosstabs.crosstab_blocks import Block, Crosstabs
from transforms.crosstabs.edge import Edge, Seen, crosstab_of, line_of, unread
from transforms.headings.axis import is_left_out, said_of
from transforms.headings.row_kind import mark_of


@dataclass(frozen=True)
class Slot:
    """One cell of a crosstab, or several with the same edges: axis → its edge, None for an optional one that is
    nowhere; place → text of what stands there."""

    edges: Mapping[str, Edge | None]
    texts: dict[Place, str] = field(default_factory=dict)

    def stated(self) -> Iterator[dict[str, Edge]]:
        """Column of the form → edge of one value, for each combination of things that the edges name."""
        ways = [[(axis, edge, value) for value in edge.values] for axis, edge in self.edges.items() if edge is not None]
        for way in itertools.product(*ways):
            yield {axis: Edge((value,), edge.place) for axis, edge, value in way}


@dataclass
class Cells:
    """What was read of the crosstabs of a sheet: slots in the order of the sheet, edges of the first axis under which
    or beside which nothing stands, and the rows in which anything was read."""

    slots: list[Slot] = field(default_factory=list)
    empty: list[Edge] = field(default_factory=list)
    rows: set[int] = field(default_factory=set)


def cells_of(form: Form, found: Crosstabs) -> Cells:
    """The cells of the crosstabs of a sheet."""
    cells = Cells()
    for block in found.blocks:
        cells.rows |= set(block.heads)
        _read(form, found.seen, block, cells)
    return cells


def _read(form: Form, seen: Seen, block: Block, cells: Cells) -> None:
    """Read the cells of one crosstab."""
    columns = _columns(form, seen, block)
    slots: dict[tuple[Place | None, ...], Slot] = {}
    lines = dict(block.fixed)
    sides: dict[str, Edge] = {}
    above_has_cells = False
    for r in range(block.first, block.last + 1):
        if (line := _line(form, seen, block, r)) is not None:
            lines[line[0].name], sides, above_has_cells = line[1], {}, False
            cells.rows.add(r)
            continue
        sides = _sides(form, seen, block, r, sides, continues=above_has_cells)
        filled = [(c, text) for c in columns if (text := seen.texts[r][c]) and not _says_nothing(text)]
        above_has_cells = bool(filled)
        if not filled or _is_note(form, seen, block, r):
            continue
        cells.rows.add(r)
        for c, text in filled:
            there = {**lines, **sides, **columns[c]}
            edges = {axis.name: there.get(axis.name) for axis in crosstab_of(form).axes}
            key = tuple(edge.place if edge else None for edge in edges.values())
            slots.setdefault(key, Slot(edges)).texts[seen.place(r, c)] = text
    cells.slots += slots.values()
    cells.empty += _empty(form, block, columns, slots.values())


@lru_cache(maxsize=20_000)
def _says_nothing(text: str) -> bool:
    return is_nothing(plain(text))


def _columns(form: Form, seen: Seen, block: Block) -> dict[int, dict[str, Edge]]:
    """Column of cells → the edges over it. A blank head belongs to the one at its left, as far as there are cells."""
    columns: dict[int, dict[str, Edge]] = {}
    last: dict[str, Edge] = {}
    for c in range(block.left, seen.width):
        over = [text for r in block.heads if (text := seen.texts[r][c])]
        if any(is_left_out(form, text) for text in over):
            continue
        here = {axis: edges[c] for axis, edges in block.over.items() if c in edges}
        has_cells = any(seen.texts[r][c] for r in range(block.first, block.last + 1))
        if not here and not has_cells:
            last = {}
            continue
        last = last | here if len(here) < len(block.over) else here
        if last.keys() == block.over.keys():
            columns[c] = last
    return columns


def _line(form: Form, seen: Seen, block: Block, r: int) -> tuple[Axis, Edge] | None:
    """The axis that a row of nothing else states for the rows under it."""
    for axis in crosstab_of(form).axes:
        if axis.name not in block.over and axis.name not in block.beside:
            edge = line_of(form, seen, r, axis)
            if edge is not None:
                return axis, edge
    return None


def _sides(
    form: Form, seen: Seen, block: Block, r: int, above: Mapping[str, Edge], *, continues: bool
) -> dict[str, Edge]:
    """The edges beside a row. A blank one is that of the row above; one that numbers the cells only where the row
    above has cells of the same thing, which go on here."""
    sides: dict[str, Edge] = {}
    has_changed = False
    for axis in crosstab_of(form).axes:
        c = block.beside.get(axis.name)
        if c is None:
            continue
        text, before = seen.texts[r][c], above.get(axis.name)
        if text:
            found, place = said_of(form, axis, text), seen.place(r, c)
            sides[axis.name] = Edge(found.values, place) if found else unread(axis, text, place)
            has_changed |= before is None or before.place != place
        elif before is not None and (not axis.optional or (continues and not has_changed)):
            sides[axis.name] = before
    return sides


def _is_note(form: Form, seen: Seen, block: Block, r: int) -> bool:
    """Whether a row begins as a note or a signature does: with a mark, or with words where an edge is, and no other
    edge is stated."""
    text = next((text for text in seen.texts[r][: block.left + 1] if text), None)
    if text is not None and mark_of(text) is not None:
        return True
    own = {
        axis: text for axis in crosstab_of(form).axes
        if (c := block.beside.get(axis.name)) is not None and (text := seen.texts[r][c]) and seen.place(r, c)[0] == r
    }  # fmt: skip
    is_alone = len(block.beside) > 1 and len(own) == 1
    return is_alone and not any(axis.optional or said_of(form, axis, text) for axis, text in own.items())


def _empty(
    form: Form, block: Block, columns: Mapping[int, Mapping[str, Edge]], slots: Iterable[Slot]
) -> Iterator[Edge]:
    """Edges of the first axis over columns without a cell."""
    axis = crosstab_of(form).axes[0]
    if axis.name not in block.over:
        return
    there = {edge.place for slot in slots if (edge := slot.edges[axis.name])}
    stated = [edges[axis.name] for edges in columns.values() if axis.name in edges]
    for edge in dict.fromkeys((*stated, *block.over[axis.name].values())):
        if edge.place not in there and said_of(form, axis, edge.values[0][0]) is not None:
            yield edge
