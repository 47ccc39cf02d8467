"""Rows at the top of a sheet or of a table, as texts and keys: what a heading is looked for in."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from operator import attrgetter

from contracts.grid import Place, Range, Sheet
from transforms.cells.cell import cell_text
from transforms.cells.key import heading_key
from transforms.cells.numbering import is_number, is_numbering
from transforms.headings.known_words import known_keys
from transforms.headings.unit_row import is_unit_row

DEEPEST_HEADING = 5
first_row = attrgetter("first_row")
YEAR = re.compile(r"(?:19|20)\d\d")


class Keys:
    """The keys of rows of texts, of which only those are made that are asked for: most are rows of data."""

    def __init__(self, texts: list[list[str | None]]) -> None:
        self._texts = texts
        self._made: dict[int, list[str | None]] = {}

    def __len__(self) -> int:
        return len(self._texts)

    def __getitem__(self, row: int) -> list[str | None]:
        if row not in self._made:
            self._made[row] = [heading_key(text) or None if text else None for text in self._texts[row]]
        return self._made[row]


@dataclass(frozen=True)
class Top:
    """Some rows of a sheet, the first of them its row `start`, as texts and as their keys.

    A merged cell counts for each of its columns and rows. A heading may begin in the first `starts` of them. `keys_in`
    are those keys of a row, also of its texts without years and hints, that are words of a form. `reach` is the last
    row into which merged cells of a row go down, and `covered` are the cells that are no first column of their merged
    range.
    """

    start: int
    starts: int
    texts: list[list[str | None]]
    keys: Keys
    keys_in: list[frozenset[str]]
    reach: list[int]
    covered: frozenset[Place]

    @cached_property
    def words(self) -> frozenset[str]:
        """The words of forms in any of the rows."""
        return frozenset().union(*self.keys_in)

    def is_numbered(self, row: int) -> bool:
        """Whether a row has only column numbers or units, which say nothing of what a column is."""
        texts = [text for text in self.texts[row] if text is not None and not text.isspace()]
        return is_numbering(texts) or is_unit_row(texts)

    def is_data(self, row: int, parts: frozenset[str]) -> bool:
        """Whether a row cannot be of a heading: it is blank, or has numbers that are no years and no known words."""
        texts = [text for text in self.texts[row] if text is not None and not text.isspace()]
        if not texts:
            return True
        if not any(is_number(text) and not YEAR.fullmatch(text) for text in texts):
            return False
        return len(self.keys_in[row] & parts) < 2 and not self.is_numbered(row)


def by_row(sheet: Sheet) -> list[Range]:
    """The merged ranges of a sheet in the order of their rows."""
    return sorted(sheet.merged, key=first_row)


def top_of(sheet: Sheet, merged: Sequence[Range], start: int, starts: int) -> Top:
    """Rows in which a heading may begin, and those below into which it may reach; `merged` are the ranges by row."""
    top = sheet.rows[start : start + starts + DEEPEST_HEADING - 1]
    width = max((len(row) for row in top), default=0)
    texts = [
        [v if v is None or type(v) is str else str(v) if type(v) is int else cell_text(v) for v in row]
        + [None] * (width - len(row))
        for row in top
    ]
    reach, covered = list(range(len(texts))), set[Place]()
    begin, stop = (bisect_left(merged, row, key=first_row) for row in (start, start + len(top)))
    for area in merged[begin:stop]:
        if area.first_column >= width:
            continue
        text = texts[area.first_row - start][area.first_column]
        if text is not None:
            reach[area.first_row - start] = max(reach[area.first_row - start], area.last_row - start)
        for r in range(area.first_row - start, min(area.last_row - start + 1, len(texts))):
            for c in range(area.first_column, min(area.last_column + 1, width)):
                texts[r][c] = text
                if c > area.first_column:
                    covered.add((r, c))
    keys_in = [frozenset[str]().union(*map(known_keys, filter(None, row))) for row in texts]
    return Top(start, min(starts, len(texts)), texts, Keys(texts), keys_in, reach, frozenset(covered))


def masked(top: Top, spans: Sequence[tuple[int, int]]) -> Top:
    """The rows with only their columns from the first to the last of some spans."""
    width = max(map(len, top.texts), default=0)
    kept = [any(first <= c <= last for first, last in spans) for c in range(width)]
    texts = [[text if kept[c] else None for c, text in enumerate(row)] for row in top.texts]
    return replace(top, texts=texts, keys=Keys(texts))


def depths(top: Top, first: int, parts: frozenset[str]) -> Iterator[int]:
    """How many rows a heading from row `first` on may have: all into which its merged cells go down, at least."""
    least = 1
    for depth in range(1, min(DEEPEST_HEADING, len(top.keys) - first) + 1):
        row = first + depth - 1
        if depth > least and top.is_data(row, parts) and not has_groups(top, first, row):
            return
        least = max(least, top.reach[row] - first + 1)
        if depth >= min(least, DEEPEST_HEADING):
            yield depth


def has_groups(top: Top, first: int, row: int) -> bool:
    """Whether a row names the parts of groups above it, from row `first` on.

    It fills columns without a heading, and besides them only first columns of these groups, which stand to the left.
    """
    if not first < row < len(top.keys):
        return False
    labelled = {c for r in range(first, row) for c, heading in enumerate(top.keys[r]) if heading is not None}
    here = [c for c, heading in enumerate(top.keys[row]) if heading is not None]
    parts = {c for c in here if c not in labelled}
    if not parts or labelled <= set(here):
        return False
    heads = {c for c in here if c in labelled}
    return all(c + 1 in parts for c in heads) and all(c - 1 in parts or c - 1 in heads for c in parts)


def filled_groups(top: Top, first: int, depth: int) -> Top:
    """The rows with the heading of a group over each of its columns, where it stands over the first one only.

    A lone text over the leftmost heading is a title.
    """
    texts, keys = list(top.texts), {r: top.keys[r] for r in range(first, first + depth)}
    for r in range(first + depth - 2, first - 1, -1):
        here = [c for c, heading in enumerate(keys[r]) if heading is not None]
        if len(here) == 1 and all(heading is None for heading in keys[r + 1][: here[0]]):
            continue
        texts[r], keys[r] = list(texts[r]), list(keys[r])
        group: int | None = None
        for c, below in enumerate(keys[r + 1]):
            if keys[r][c] is not None:
                group = c if below is not None and below != keys[r][c] else None
            elif below is not None and group is not None:
                texts[r][c], keys[r][c] = texts[r][group], keys[r][group]
    return replace(top, texts=texts, keys=Keys(texts))
