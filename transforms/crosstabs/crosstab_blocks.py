"""Crosstabs on a sheet: where classes, days and numbers of lessons stand along the edges of cells.

Nothing is told by position: an edge is known by what its texts say. An axis stands over the cells, beside them, in a
line of its own above them, or is the name of the sheet.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from contracts.crosstab import Axis
from contracts.form import Form
from contracts.grid import Place, Sheet
from transforms.crosstabs.edge import Edge, Seen, crosstab_of, line_of, unread
from transforms.headings.axis import Said, beginnings, is_label, is_left_out, labelled, said_of, told_by

MOST_HEADS = 4
"""Rows over the cells that may say what is in them."""
LONGEST_WORD = 30
MOSTLY = 0.5
"""Share of the filled cells of a column that say an axis which stands beside the cells there."""
SEVERAL = 3
"""Different days that only a timetable names."""
FEWEST = 2
"""Different things of an axis that a row over the cells names at least."""


@dataclass(frozen=True)
class Block:
    """One crosstab: rows `first` to `last` of cells under the rows `heads`; column → edge of each axis over the cells,
    axis → column of each axis beside them, axis → edge where a line above, or the sheet, says it for all of them."""

    heads: range
    first: int
    last: int
    over: dict[str, dict[int, Edge]]
    beside: dict[str, int]
    fixed: dict[str, Edge]

    @property
    def left(self) -> int:
        """The first column of cells."""
        return min(c for edges in self.over.values() for c in edges)


@dataclass(frozen=True)
class Lacking:
    """Why what looks like a crosstab is none: the axis that is nowhere, and where another one stands; without words in
    most cells it may be a table of anything."""

    axis: Axis
    found: str
    place: Place
    has_words: bool = True


@dataclass
class Crosstabs:
    """What was found on a sheet: crosstabs in their order, or what one lacks."""

    seen: Seen
    blocks: list[Block] = field(default_factory=list)
    lacking: Lacking | None = None


def may_hold(form: Form, sheets: Sequence[Sheet]) -> bool:
    """Whether the texts of sheets, or the name of one, name several things of an axis whose words are listed, asked at
    little cost: other tables have a weekday too."""
    listed = [axis for axis in _axes(form) if form.editions[-1].column(axis.name).vocabulary]
    begin = frozenset().union(*(beginnings(form, axis) for axis in listed))
    texts = {
        value for sheet in sheets for row in sheet.rows for value in row
        if value.__class__ is str and value[:1] in begin and len(value) <= LONGEST_WORD
    }  # fmt: skip
    return any(said_of(form, axis, sheet.name) for axis in listed for sheet in sheets) or any(
        len({found.values for text in texts if (found := said_of(form, axis, text))}) >= FEWEST for axis in listed
    )


def _axes(form: Form) -> tuple[Axis, ...]:
    return crosstab_of(form).axes


def crosstabs(form: Form, sheet: Sheet) -> Crosstabs:
    """The crosstabs of a sheet."""
    found = Crosstabs(Seen(sheet))
    groups = list(_head_rows(form, found.seen))
    spoken: dict[str, Edge] = {}
    end_before = 0
    for place, (heads, over) in enumerate(groups):
        last = (groups[place + 1][0].start if place + 1 < len(groups) else len(sheet.rows)) - 1
        spoken |= _lines(form, found.seen, range(end_before, heads.start))
        end_before = heads.stop
        has_words = _has_words(form, found.seen, range(heads.stop, last + 1), over)
        block = _block(form, found.seen, heads, over, last, spoken, sheet.name)
        if isinstance(block, Lacking):
            found.lacking = found.lacking or replace(block, has_words=has_words)
        elif has_words:
            found.blocks.append(block)
    if not found.blocks and found.lacking is None:
        found.lacking = _without_heads(form, found.seen)
    return found


def _has_words(form: Form, seen: Seen, body: range, over: Mapping[str, Mapping[int, Edge]]) -> bool:
    """Whether most of the filled cells under some heads are words, where cells state words: figures under numbers and
    weekdays are a report that was turned round, no timetable. Heads over blank cells are told as empty."""
    if form.editions[-1].column(crosstab_of(form).cell).kind not in ("choice", "text"):
        return True
    columns = {c for edges in over.values() for c in edges}
    texts = [text for r in body for c in columns if (text := seen.texts[r][c])]
    return sum(any(map(str.isalpha, text)) for text in texts) >= MOSTLY * len(texts)


def _without_heads(form: Form, seen: Seen) -> Lacking | None:
    """The first axis is what a sheet lacks that names several things of an axis whose words are listed, over no cells;
    a table with a heading of its own is another layout."""
    crosstab = crosstab_of(form)
    texts = [(r, c, text) for r, row in enumerate(seen.texts) for c, text in enumerate(row) if text]
    if any(is_label(form, text) and not is_left_out(form, text) for _, _, text in texts):
        return None
    for axis in crosstab.axes[1:]:
        if form.editions[-1].column(axis.name).vocabulary:
            said = [(r, c, found.values) for r, c, text in texts if (found := said_of(form, axis, text))]
            if len({values for _, _, values in said}) >= SEVERAL:
                r, c, _ = said[0]
                return Lacking(crosstab.axes[0], f"{axis.title} «{seen.texts[r][c]}»", (r, c))
    return None


def _head_rows(form: Form, seen: Seen) -> Iterator[tuple[range, dict[str, dict[int, Edge]]]]:
    """Rows over cells, and what they say of their columns."""
    r = 0
    while r < len(seen.texts):
        over = _over(form, seen, r, {})
        if over is None:
            r += 1
            continue
        first = r
        edges = dict([over])
        while r + 1 < len(seen.texts) and r - first + 1 < MOST_HEADS:
            if more := _over(form, seen, r + 1, edges):
                edges |= dict([more])
            elif not _has_labels_alone(form, seen, r + 1):
                break
            r += 1
        yield range(first, r + 1), edges
        r += 1


def _over(
    form: Form, seen: Seen, r: int, known: Mapping[str, Mapping[int, Edge]]
) -> tuple[str, dict[int, Edge]] | None:
    """The axis that a row states over its columns, and its edges; None for a row of anything else.

    What it says must be sure, or be said under another axis, or beside the label of one.
    """
    texts = {c: text for c, text in enumerate(seen.texts[r]) if text and seen.place(r, c)[0] == r}
    told = {c: told_by(form, text) for c, text in texts.items()}
    first = min((c for edges in known.values() for c in edges), default=0)
    labels = {c: axis.name for c, (axis, _, _) in told.items() if axis}
    places = {axis: place for place, axis in enumerate(_axes(form))}
    for axis in _guessed(form, labels, known):
        place = places[axis]
        said = {c: found for c, (_, _, of_axes) in told.items() if c >= first and (found := of_axes[place])}
        things = {found.values for found in said.values()}
        sure = {found.values for found in said.values() if found.is_sure}
        if len(things) < (1 if sure and set(labels.values()) - {axis.name} else FEWEST):
            continue
        if not labels:
            others = {
                seen.place(r, c) for c, (_, is_a_label, _) in told.items()
                if c >= first and c not in said and not is_a_label
            }  # fmt: skip
            if len({seen.place(r, c) for c in said}) <= len(others):
                continue
        is_told = known or labels or len(sure) >= FEWEST or _has_edge_below(form, seen, r, axis, min(said))
        if not is_told or (not sure and _counts_another(form, axis, texts, said, labels, known)):
            continue
        return axis.name, _edges(form, seen, r, axis, said, first)
    return None


def _has_edge_below(form: Form, seen: Seen, r: int, axis: Axis, end: int) -> bool:
    """Whether the row below begins with another axis, beside the cells: «Пн», under nothing."""
    below = seen.texts[r + 1][:end] if r + 1 < len(seen.texts) else []
    return any(
        (found := said_of(form, other, text)) and found.is_sure
        for text in below if text for other in _axes(form) if other is not axis
    )  # fmt: skip


def _counts_another(
    form: Form, axis: Axis, texts: Mapping[int, str], said: Mapping[int, Said], labels: Mapping[int, str],
    known: Mapping[str, Mapping[int, Edge]],
) -> bool:  # fmt: skip
    """Whether bare numbers are rather of an axis that counts from 1 on, and is stated nowhere else."""
    for other in _axes(form):
        if other in (axis, *known) or other.name in known or other.name in labels.values():
            continue
        if form.editions[-1].column(other.name).kind == "lesson":
            numbers = [found.values[0][0] for c in said if (found := said_of(form, other, texts[c]))]
            return len(numbers) == len(said) and numbers[0] in ("0", "1")
    return False


def _guessed(form: Form, labels: Mapping[int, str], known: Mapping[str, Mapping[int, Edge]]) -> Iterator[Axis]:
    """The axes that a row may state, in their order; one whose label stands in it is stated beside the cells."""
    beside = set(labels.values())
    free = [axis for axis in _axes(form) if axis.name not in known]
    yield from (axis for axis in free if axis.name not in beside)
    yield from (axis for axis in free if axis.name in beside)


def _edges(form: Form, seen: Seen, r: int, axis: Axis, said: Mapping[int, Said], first: int) -> dict[int, Edge]:
    """Column → what stands over it, also a text that says nothing of the axis: it is for the rules to judge."""
    edges = {c: Edge(found.values, seen.place(r, c)) for c, found in said.items()}
    start = min(said)
    while start > first and _may_be_head(form, seen, r, start - 1, axis):
        start -= 1
    for c in range(start, seen.width):
        text = seen.texts[r][c]
        if text and c not in edges and not is_label(form, text) and labelled(form, text) is None:
            edges[c] = unread(axis, text, seen.place(r, c))
    return edges


def _may_be_head(form: Form, seen: Seen, r: int, c: int, axis: Axis) -> bool:
    """Whether a text to the left of the known heads is one too: it is no label, and under it stands no other edge."""
    text = seen.texts[r][c]
    if not text or is_label(form, text) or labelled(form, text) is not None:
        return False
    below = {seen.place(n, c): under for n in range(r + 1, len(seen.texts)) if (under := seen.texts[n][c])}
    others = [other for other in _axes(form) if other is not axis]
    said = sum(any(said_of(form, other, under) for other in others) for under in below.values())
    return said < MOSTLY * len(below)


def _has_labels_alone(form: Form, seen: Seen, r: int) -> bool:
    """Whether a row says nothing but what stands under it: «предмет», «каб.»."""
    texts = [text for c, text in enumerate(seen.texts[r]) if text and seen.place(r, c)[0] == r]
    return bool(texts) and all(is_label(form, text) or labelled(form, text) for text in texts)


def _lines(form: Form, seen: Seen, rows: Iterable[int]) -> dict[str, Edge]:
    """Things of axes that rows name alone, each time the last one."""
    said = {}
    for r in rows:
        for axis in _axes(form):
            if (edge := line_of(form, seen, r, axis)) is not None:
                said[axis.name] = edge
    return said


def _block(
    form: Form, seen: Seen, heads: range, over: dict[str, dict[int, Edge]], last: int, spoken: Mapping[str, Edge],
    name: str,
) -> Block | Lacking:  # fmt: skip
    """The crosstab under some rows, or the axis that it lacks."""
    body = range(heads.stop, last + 1)
    left = min(c for edges in over.values() for c in edges)
    beside: dict[str, int] = {}
    fixed: dict[str, Edge] = {}
    wanted = [axis for axis in _axes(form) if axis.name not in over]
    for axis in wanted:
        c = _column_of(form, seen, axis, heads, body, [c for c in range(left) if c not in beside.values()])
        if c is not None:
            beside[axis.name] = c
    for axis in wanted:
        if axis.name in beside:
            continue
        in_lines = any(line_of(form, seen, r, axis) for r in body)
        by_sheet = said_of(form, axis, name)
        if axis.name in spoken:
            fixed[axis.name] = spoken[axis.name]
        elif by_sheet is not None and by_sheet.is_sure:
            fixed[axis.name] = Edge(by_sheet.values, (heads.start, left))
        elif not in_lines and not axis.optional:
            (known, edges), *_ = over.items()
            c = min(edges)
            shown = seen.texts[edges[c].place[0]][edges[c].place[1]] or ""
            titles = {other.name: other.title for other in _axes(form)}
            return Lacking(axis, f"{titles[known]} «{shown}»", edges[c].place)
    return Block(heads, heads.stop, last, over, beside, fixed)


def _column_of(form: Form, seen: Seen, axis: Axis, heads: range, body: range, columns: Iterable[int]) -> int | None:
    """The column beside the cells that states an axis: under its label, else the one that says most of it."""
    best: tuple[bool, float, int] | None = None
    for c in columns:
        filled = {seen.place(r, c): text for r in body if (text := seen.texts[r][c])}
        said = [found for text in filled.values() if (found := said_of(form, axis, text))]
        labels = [other for r in heads if (text := seen.texts[r][c]) and (other := labelled(form, text))]
        is_labelled = axis in labels
        if not said or (labels and not is_labelled) or len(said) < MOSTLY * len(filled):
            continue
        if not is_labelled and not any(found.is_sure for found in said) and not _is_counting(said):
            continue
        score = is_labelled, len(said) / len(filled), c
        if best is None or score > best:
            best = score
    return None if best is None else best[2]


def _is_counting(said: Iterable[Said]) -> bool:
    """Whether bare numbers run on and begin anew, or run on at all: «1, 2, 3, 1, 2»."""
    numbers = [int(found.values[0][0]) for found in said if found.values[0][0].isdecimal()]
    steps = [b - a for a, b in itertools.pairwise(numbers)]
    return not steps or sum(step == 1 for step in steps) >= MOSTLY * len(steps)
