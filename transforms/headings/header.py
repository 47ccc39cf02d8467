"""The header of a table: the rows of a sheet that hold the headings of a form, wherever and however they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from contracts.form import Column, Form
from contracts.grid import Place, Sheet, cell_address
from contracts.regions import kept_lately
from transforms.cells.key import heading_key, heading_parts, heading_starts, headings
from transforms.findings.disclosure import HIDDEN, may_be_shown
from transforms.headings.hint import bare_keys
from transforms.headings.joint import with_joint
from transforms.headings.row_kind import mark_of
from transforms.headings.top import DEEPEST_HEADING, Keys, Top, depths, filled_groups, has_groups


@dataclass(frozen=True)
class Heading:
    """The heading of a form on a sheet: rows `first` to `last` and columns by place, zero-based.

    `matched` is heading as shown → column of the form; `unknown` and `twice` are headings as shown → place; `keys` are
    the keys of what stands in the heading at a place, row by row and joined; rows `numbered` have column numbers,
    and `whole` columns were understood by all their rows together. It reads the rows of the sheet from `start` to
    before `end`, without those from `stop` on, which are of another table; `again` are rows in which the same heading
    is repeated. None is the end of the sheet.

    `several` is column → heading as shown of each place under one heading, of which none says that it is the whole;
    `parts` are those beside one that does; `same` are the places under one merged heading cell, the first of them →
    the others.
    """

    form: Form
    first: int
    last: int
    columns: dict[str, int]
    matched: dict[str, str]
    unknown: dict[str, int]
    twice: dict[str, int]
    keys: dict[int, frozenset[str]]
    numbered: frozenset[int] = frozenset()
    whole: int = 0
    several: dict[str, dict[int, str]] = field(default_factory=dict)
    parts: dict[str, dict[int, str]] = field(default_factory=dict)
    same: dict[int, tuple[int, ...]] = field(default_factory=dict)
    start: int = 0
    stop: int | None = None
    end: int | None = None
    again: frozenset[int] = frozenset()

    @property
    def is_table(self) -> bool:
        """Whether every column by which the form is recognised is here."""
        return all(name in self.columns for name in self.form.recognised_by)

    def lacks(self, required: Sequence[Column]) -> tuple[Column, ...]:
        """Those of some columns that are not in the heading."""
        return tuple(column for column in required if column.name not in self.columns)

    @property
    def shown_unknown(self) -> dict[int, str]:
        """Place → unknown heading; where the form names people, only one of words that stand in our contracts too."""
        guarded = self.form.names_people
        return {c: HIDDEN if guarded and not may_be_shown(text) else text for text, c in self.unknown.items()}

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
        """The cell of the heading at a place, as `row_of` finds its row: «B4»."""
        return cell_address(self.row_of(sheet, place), place)


def find_heading(top: Top, form: Form, *, torn: bool = False) -> Heading | None:
    """The heading of a form in some rows of a sheet: its first table, else the most of one; None when there is none.

    It may be one to five rows deep and merged. With `torn` the words of a heading may be spread over its rows.
    """
    parts = heading_parts(form)
    best: Heading | None = None
    for first in range(top.starts):
        if best is not None and best.is_table and top.start + first > best.last:
            break
        if len(top.keys_in[first] & parts) < 2 and not (torn and has_torn(top, form, first)):
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
    return heading if heading.first == top.start + first else replace(heading, first=top.start + first)


def is_better(one: Heading, other: Heading) -> bool:
    """A table is better, then more columns; as many in fewer rows too, when both are of one place."""
    mine, theirs = (one.is_table, len(one.columns), one.whole), (other.is_table, len(other.columns), other.whole)
    if mine == theirs and one.first <= other.last:
        return one.last - one.first < other.last - other.first
    return mine > theirs


def best_at(top: Top, form: Form, first: int, least: int = 2) -> Heading | None:
    """The best heading that begins in row `first` of the rows; None when it has not `least` columns of the form."""
    parts, required = heading_parts(form), form.editions[-1].required
    best: Heading | None = None
    for depth in depths(top, first, parts):
        is_grouped = has_groups(top, first, first + depth - 1)
        candidate = match_heading(form, filled_groups(top, first, depth) if is_grouped else top, first, depth)
        if is_grouped and len(candidate.columns) >= least and candidate.parts | candidate.several:
            return candidate
        if len(candidate.columns) >= least and (best is None or score(candidate) > score(best)):
            best = candidate
        is_whole = len(candidate.unknown) < 2 and candidate.whole == len(candidate.columns)
        if is_whole and not candidate.lacks(required) and not has_groups(top, first, first + depth):
            return best  # nothing is left for a deeper heading to find
    if best is None or not best.lacks(required):
        return best
    for depth in depths(top, first, parts):
        candidate = match_heading(form, filled_groups(top, first, depth), first, depth) if depth > 1 else best
        if len(candidate.columns) > len(best.columns):
            best = candidate
    return best


def score(heading: Heading) -> tuple[int, int]:
    """By which candidates of several depths are compared: columns of the form, then those understood as a whole."""
    return len(heading.columns), heading.whole


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


class Wording(NamedTuple):
    """How a heading is understood: as columns `names` of its form, by its rows `start` to before `end`.

    `rank` 0 is a wording with nothing under it, 1 one with a hint or a year, 2 the heading of a group over parts.
    """

    names: frozenset[str]
    start: int
    end: int
    rank: int
    is_whole: bool


class Spelt(NamedTuple):
    """How the heading at a place is understood, as its `Wording`; its rows are `levels`."""

    place: int
    levels: list[int]
    names: frozenset[str]
    start: int
    end: int
    rank: int
    is_whole: bool


def match_heading(form: Form, top: Top, first: int, depth: int) -> Heading:
    """Match the columns of a form against rows `first` … `first + depth - 1`; a row of column numbers says nothing."""
    rows = tuple([tuple(row) for row in top.texts[first : first + depth]])
    covered = frozenset([(r - first, c) for r, c in top.covered if first <= r < first + depth])
    heading, start = matched(form, rows, covered), top.start + first
    numbered = frozenset([start + r for r in heading.numbered])
    return replace(heading, first=start, last=start + depth - 1, numbered=numbered)


@kept_lately(1_000)
def matched(form: Form, texts: tuple[tuple[str | None, ...], ...], covered: frozenset[Place]) -> Heading:
    """The columns of a form matched against rows that begin a sheet, with the places of cells that are no first column
    of their merged range. The same rows come with each file of a form, so nobody may change what came of them."""
    lists = [list(row) for row in texts]
    top = Top(0, 1, lists, Keys(lists), [], [], covered)
    numbered = frozenset([r for r in range(1, len(texts)) if top.is_numbered(r)])
    rows_said = [(r, top.keys[r]) for r in range(len(texts)) if r not in numbered]
    keys: dict[int, frozenset[str]] = {}
    unknown: dict[str, int] = {}
    same: dict[int, tuple[int, ...]] = {}
    told: list[Spelt] = []
    head = -1
    for c in range(len(texts[0])):
        levels: list[int] = []
        above: str | None = None
        for r, row in rows_said:
            if row[c] is not None and row[c] != above:
                above = row[c]
                levels.append(r)
        if not levels:
            continue
        keys[c], wording = wording_of(form, tuple([top.texts[r][c] or "" for r in levels]))
        if top.covered and c - 1 in keys and continues(top, c, [r for r, _ in rows_said]):
            same[head] = (*same.get(head, ()), c)
            continue
        head = c
        if wording is None:
            unknown[joined(top, levels, c)] = c
        else:
            told.append(Spelt(c, levels, *wording))
    heading = Heading(form, 0, len(texts) - 1, {}, {}, unknown, {}, keys, numbered, same=same)
    return with_joint(assigned(heading, top, told))


def continues(top: Top, c: int, rows: Sequence[int]) -> bool:
    """Whether all that stands over a column are merged cells that begin to the left of it."""
    here = [r for r in rows if top.keys[r][c] is not None]
    return all((r, c) in top.covered for r in here) and all(top.keys[r][c] == top.keys[r][c - 1] for r in rows)


@kept_lately(20_000)
def wording_of(form: Form, texts: tuple[str, ...]) -> tuple[frozenset[str], Wording | None]:
    """The keys of what stands in a heading at a place, row by row and joined, and how it is understood.

    It is the first way to read it that is a wording of the form; without hints and years when none is. The same
    headings come with each file of a form.
    """
    levels, known = [heading_key(text) for text in texts], headings(form)
    ways = spellings(levels)
    keys = frozenset(way for way, _, _ in ways)
    spelt = next((each for each in ways if each[0] in known), None)
    if spelt is not None and spelt[2] == len(levels):  # nothing is plainer
        return keys, Wording(known[spelt[0]], spelt[1], spelt[2], 0, spelt is ways[0])
    best: Wording | None = None
    bare = [(level, *bare_keys(text)) for level, text in zip(levels, texts, strict=True)]
    for place in range(max(map(len, bare))):
        if place:
            ways = spellings([each[min(place, len(each) - 1)] for each in bare])
            spelt = next((each for each in ways if each[0] in known), None)
        if spelt is None:
            continue
        rank = 2 if spelt[2] < len(levels) else min(place, 1)
        if best is None or rank < best.rank:
            best = Wording(known[spelt[0]], spelt[1], spelt[2], rank, not place and spelt is ways[0])
    return keys, best


def assigned(heading: Heading, top: Top, told: Sequence[Spelt]) -> Heading:
    """The heading with its columns: plain wordings first, then those with a hint, then groups over several parts."""
    columns, matched, unknown = heading.columns, heading.matched, heading.unknown
    rivals: dict[str, list[Spelt]] = {}
    ranks: dict[str, int] = {}
    whole = 0
    for spelt in sorted(told, key=lambda each: each.rank):
        c, shown = spelt.place, joined(top, spelt.levels[spelt.start : spelt.end], spelt.place)
        free = sorted(spelt.names - columns.keys())
        if free:
            columns[free[0]], matched[shown], ranks[free[0]] = c, free[0], spelt.rank
            rivals[free[0]] = [spelt]
            whole += spelt.is_whole
        elif spelt.rank == 0:
            heading.twice[shown] = c
        elif holders := [name for name in sorted(spelt.names) if ranks.get(name) == spelt.rank]:
            rivals[holders[0]].append(spelt)
        else:
            unknown[joined(top, spelt.levels, c)] = c
    for name, group in rivals.items():
        if len(group) > 1:
            settle(heading, top, name, group)
    return replace(heading, whole=whole)


def settle(heading: Heading, top: Top, name: str, group: Sequence[Spelt]) -> None:
    """Of several places under one heading the one that says «всего» is the column; else it is in doubt."""
    shown = {each.place: joined(top, each.levels, each.place) for each in group}
    totals = [each for each in group if each.rank == 2 and is_whole_of_parts(top, each)]
    if len(totals) != 1:
        heading.several[name] = shown
        return
    place = totals[0].place
    for known in [known for known, column in heading.matched.items() if column == name]:
        del heading.matched[known]
    heading.columns[name] = place
    heading.matched[shown.pop(place)] = name
    heading.parts[name] = shown


def is_whole_of_parts(top: Top, spelt: Spelt) -> bool:
    """Whether a row under the heading of a group says «всего»."""
    below = [top.texts[r][spelt.place] or "" for r in spelt.levels[spelt.end :]]
    return any(mark_of(text) == "total" for text in below)


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
    if len(rows) == 1:
        return " ".join((top.texts[rows[0]][c] or "").rstrip(" :").split())
    told = ""
    for r in rows:
        row = top.keys[r]
        is_group = row[c] in (*row[max(c - 1, 0) : c], *row[c + 1 : c + 2])
        told += f"{top.texts[r][c]}: " if is_group else f"{top.texts[r][c]} "
    return " ".join(told.rstrip(" :").split())
