"""The header of a table: the rows of a sheet that hold the headings of a form, wherever and however they stand."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from operator import attrgetter

from contracts.form import Column, Form
from contracts.grid import Range, Sheet, cell_address
from transforms.cell import cell_text
from transforms.disclosure import HIDDEN, may_be_a_name
from transforms.heading import heading_key, heading_parts, heading_starts, headings
from transforms.numbering import is_number, is_numbering

DEEPEST_HEADING = 5
first_row = attrgetter("first_row")
YEAR = re.compile(r"(?:19|20)\d\d")


@dataclass(frozen=True)
class Heading:
    """The heading of a form on a sheet: rows `first` to `last` and columns by place, zero-based.

    `found` is heading as shown → column of the form; `unknown` and `twice` are headings as shown → place; `keys` are
    the keys of what stands in the heading at a place, row by row and joined; rows `numbered` have column numbers,
    and `whole` columns were understood by all their rows together. It reads the rows of the sheet from `start` to
    before `end`, without those from `stop` on, which are of another table; `again` are rows in which the same heading
    is repeated. None is the end of the sheet.
    """

    form: Form
    first: int
    last: int
    columns: dict[str, int]
    found: dict[str, str]
    unknown: dict[str, int]
    twice: dict[str, int]
    keys: dict[int, frozenset[str]]
    numbered: frozenset[int] = frozenset()
    whole: int = 0
    start: int = 0
    stop: int | None = None
    end: int | None = None
    again: frozenset[int] = frozenset()

    @property
    def is_table(self) -> bool:
        """Whether every column by which the form is recognised is here."""
        return all(name in self.columns for name in self.form.recognised_by)

    def lacks(self, required: Sequence[Column]) -> tuple[Column, ...]:
        return tuple(column for column in required if column.name not in self.columns)

    @property
    def shown_unknown(self) -> dict[int, str]:
        """Place → unknown heading; where the form has pupils, one that may be somebody's name is hidden."""
        guarded = self.form.pupils is not None
        return {c: HIDDEN if guarded and may_be_a_name(text) else text for text, c in self.unknown.items()}

    def below(self, sheet: Sheet) -> list[int]:
        """The rows under the heading that it reads."""
        ends = (end for end in (self.stop, self.end, len(sheet.rows)) if end is not None)
        return [r for r in range(self.last + 1, min(ends)) if r not in self.again]

    def row_of(self, sheet: Sheet, place: int) -> int:
        """The last row of the heading that has a cell of its own at a place; a merged cell is its upper left one."""
        for r in range(self.last, self.first, -1):
            if r not in self.numbered and sheet.rows[r][place : place + 1] not in ([], [None]):
                return r
        return self.first

    def address(self, sheet: Sheet, place: int) -> str:
        return cell_address(self.row_of(sheet, place), place)


@dataclass(frozen=True)
class Top:
    """Some rows of a sheet, the first of them its row `start`, as texts and as their keys.

    A merged cell counts for each of its columns and rows. A heading may begin in the first `starts` of them.
    """

    start: int
    starts: int
    texts: list[list[str | None]]
    keys: list[list[str | None]]
    found: list[frozenset[str | None]]

    def is_numbered(self, row: int) -> bool:
        return is_numbering(text for text in self.texts[row] if text is not None)

    def is_data(self, row: int, parts: frozenset[str]) -> bool:
        """Whether a row cannot be of a heading: it is blank, or has numbers that are no years and no known words."""
        texts = [text for text in self.texts[row] if text is not None and not text.isspace()]
        if not texts:
            return True
        if not any(is_number(text) and not YEAR.fullmatch(text) for text in texts):
            return False
        return len(self.found[row] & parts) < 2 and not self.is_numbered(row)


def by_row(sheet: Sheet) -> list[Range]:
    """The merged ranges of a sheet in the order of their rows."""
    return sorted(sheet.merged, key=first_row)


def top_of(sheet: Sheet, merged: Sequence[Range], start: int, starts: int) -> Top:
    """Rows in which a heading may begin, and those below into which it may reach; `merged` are the ranges by row."""
    texts = top_texts(sheet, merged, start, start + starts + DEEPEST_HEADING - 1)
    keys = [[heading_key(text) or None if text is not None else None for text in row] for row in texts]
    return Top(start, min(starts, len(texts)), texts, keys, [frozenset(row) for row in keys])


def top_texts(sheet: Sheet, merged: Sequence[Range], start: int, end: int) -> list[list[str | None]]:
    top = sheet.rows[start:end]
    width = max((len(row) for row in top), default=0)
    texts = [
        [v if v is None or type(v) is str else str(v) if type(v) is int else cell_text(v) for v in row]
        + [None] * (width - len(row))
        for row in top
    ]
    begin, stop = (bisect_left(merged, row, key=first_row) for row in (start, start + len(top)))
    for each in merged[begin:stop]:
        if each.first_column >= width:
            continue
        text = texts[each.first_row - start][each.first_column]
        for r in range(each.first_row - start, min(each.last_row - start + 1, len(texts))):
            for c in range(each.first_column, min(each.last_column + 1, width)):
                texts[r][c] = text
    return texts


def find_heading(top: Top, form: Form, *, torn: bool = False) -> Heading | None:
    """The heading of a form in some rows of a sheet: its first table, else the most of one; None when there is none.

    It may be one to five rows deep and merged. With `torn` the words of a heading may be spread over its rows.
    """
    parts = heading_parts(form)
    best: Heading | None = None
    for first in range(top.starts):
        if best is not None and best.is_table and top.start + first > best.last:
            break
        if len(top.found[first] & parts) < 2 and not (torn and has_torn(top, form, first)):
            continue
        here = best_at(top, form, first)
        if here is not None and (best is None or is_better(here, best)):
            best = here
    return None if best is None else from_its_top(top, best)


def from_its_top(top: Top, heading: Heading) -> Heading:
    """The heading with the rows above into which its merged cells reach."""
    places, first = heading.columns.values(), heading.first - top.start
    while first > 0:
        above, here = top.keys[first - 1], top.keys[first]
        if not any(above[c] is not None for c in places) or any(above[c] not in (None, here[c]) for c in places):
            break
        first -= 1
    return replace(heading, first=top.start + first)


def is_better(one: Heading, other: Heading) -> bool:
    """A table is better, then more columns; as many in fewer rows too, when both are of one place."""
    mine, theirs = (one.is_table, len(one.columns), one.whole), (other.is_table, len(other.columns), other.whole)
    if mine == theirs and one.first <= other.last:
        return one.last - one.first < other.last - other.first
    return mine > theirs


def best_at(top: Top, form: Form, first: int, least: int = 2) -> Heading | None:
    """The best heading that begins in row `first` of the rows; None when it has not `least` columns of the form."""
    known, parts, required = headings(form), heading_parts(form), form.editions[-1].required
    best: Heading | None = None
    for depth in depths(top, first, parts):
        candidate = match_heading(form, known, top, first, depth)
        if len(candidate.columns) >= least and (best is None or score(candidate) > score(best)):
            best = candidate
        if len(candidate.unknown) < 2 and candidate.whole == len(candidate.columns) and not candidate.lacks(required):
            return best  # nothing is left for a deeper heading to find
    if best is None or not best.lacks(required):
        return best
    for depth in depths(top, first, parts):
        candidate = match_heading(form, known, filled_groups(top, first, depth), first, depth) if depth > 1 else best
        if len(candidate.columns) > len(best.columns):
            best = candidate
    return best


def score(heading: Heading) -> tuple[int, int]:
    return len(heading.columns), heading.whole


def depths(top: Top, first: int, parts: frozenset[str]) -> Iterator[int]:
    for depth in range(1, min(DEEPEST_HEADING, len(top.keys) - first) + 1):
        if depth > 1 and top.is_data(first + depth - 1, parts):
            return
        yield depth


def has_torn(top: Top, form: Form, first: int) -> bool:
    """Whether words that stand one below the other from row `first` on are two headings of the form."""
    known, starts = headings(form).keys(), heading_starts(form)
    if sum(this in starts for this in top.keys[first]) < 2:
        return False
    joined = ["" if this is None else this for this in top.keys[first]]
    for r in range(first + 1, min(first + DEEPEST_HEADING, len(top.keys))):
        if top.is_data(r, frozenset()):
            return False
        joined = [upper and upper + (this or "") for upper, this in zip(joined, top.keys[r], strict=True)]
        if len(known & set(joined)) >= 2:
            return True
    return False


def filled_groups(top: Top, first: int, depth: int) -> Top:
    """The rows with the heading of a group over each of its columns, where it stands over the first one only."""
    texts, keys = list(top.texts), list(top.keys)
    for r in range(first + depth - 2, first - 1, -1):
        texts[r], keys[r] = list(texts[r]), list(keys[r])
        group: int | None = None
        for c, below in enumerate(keys[r + 1]):
            if keys[r][c] is not None:
                group = c if below is not None and below != keys[r][c] else None
            elif below is not None and group is not None:
                texts[r][c], keys[r][c] = texts[r][group], keys[r][group]
    return Top(top.start, top.starts, texts, keys, top.found)


def match_heading(form: Form, known: Mapping[str, frozenset[str]], top: Top, first: int, depth: int) -> Heading:
    """Match the columns of a form against rows `first` … `first + depth - 1`; a row of column numbers says nothing."""
    columns: dict[str, int] = {}
    found: dict[str, str] = {}
    unknown: dict[str, int] = {}
    twice: dict[str, int] = {}
    keys: dict[int, frozenset[str]] = {}
    whole = 0
    numbered = {r for r in range(first + 1, first + depth) if top.is_numbered(r)}
    rows_said = [r for r in range(first, first + depth) if r not in numbered]
    for c in range(len(top.keys[first])):
        levels: list[int] = []
        for r in rows_said:
            this = top.keys[r][c]
            if this is not None and (not levels or this != top.keys[levels[-1]][c]):
                levels.append(r)
        if not levels:
            continue
        ways = spellings([top.keys[r][c] or "" for r in levels])
        keys[c] = frozenset(way for way, _, _ in ways)
        spelt = next((each for each in ways if each[0] in known), None)
        _, start, end = spelt or ways[0]
        shown = joined(top, levels[start:end], c)
        if spelt is None:
            unknown[shown] = c
            continue
        free = sorted(known[spelt[0]] - columns.keys())
        if not free:
            twice[shown] = c
            continue
        columns[free[0]] = c
        found[shown] = free[0]
        whole += spelt is ways[0]
    start = top.start + first
    rows_numbered = frozenset(top.start + r for r in numbered)
    return Heading(form, start, start + depth - 1, columns, found, unknown, twice, keys, rows_numbered, whole)


def spellings(levels: Sequence[str]) -> list[tuple[str, int, int]]:
    """The ways to read a heading by the keys of its rows: all joined, then fewer of them, the lower ones first.

    Each is a key and the rows from and to which it goes.
    """
    if len(levels) == 1:
        return [(levels[0], 0, 1)]
    return [
        ("".join(levels[start : start + length]), start, start + length)
        for length in range(len(levels), 0, -1)
        for start in range(len(levels) - length, -1, -1)
    ]


def joined(top: Top, rows: Sequence[int], c: int) -> str:
    """The texts of a heading as they are shown; a colon follows the heading of a group, which stands beside too."""
    told = ""
    for r in rows:
        row = top.keys[r]
        is_group = len(rows) > 1 and row[c] in (*row[max(c - 1, 0) : c], *row[c + 1 : c + 2])
        told += f"{top.texts[r][c]}: " if is_group else f"{top.texts[r][c]} "
    return " ".join(told.rstrip(" :").split())
