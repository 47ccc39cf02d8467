"""Finding the table on a sheet: its heading, its columns, and which rows are data."""

from __future__ import annotations

import datetime as dt
import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.form import Column, Form
from contracts.grid import Sheet, Value
from contracts.reading import Layout
from transforms.disclosure import HIDDEN, may_be_a_name
from transforms.heading import heading_parts, headings, key, mark_starts, row_marks, telling_wordings

HEADING_ROWS_SEARCHED = 60
DEEPEST_HEADING = 3


@dataclass(frozen=True)
class Heading:
    """The heading of a form on a sheet: rows `first` to `last` and columns by place, zero-based.

    `found` is heading as shown → column of the form; `unknown` and `twice` are headings as shown → place; `keys` are
    the keys of what stands in the heading at a place, row by row and joined.
    """

    form: Form
    first: int
    last: int
    columns: dict[str, int]
    found: dict[str, str]
    unknown: dict[str, int]
    twice: dict[str, int]
    keys: dict[int, frozenset[str]]

    def layout(self, required: Sequence[Column]) -> Layout:
        missing = tuple(column.title for column in required if column.name not in self.columns)
        return Layout(self.found, missing, tuple(self.shown_unknown.values()))

    @property
    def shown_unknown(self) -> dict[int, str]:
        """Place → unknown heading; where the form has pupils, one that may be somebody's name is hidden."""
        guarded = self.form.pupils is not None
        return {c: HIDDEN if guarded and may_be_a_name(text) else text for text, c in self.unknown.items()}


@dataclass(frozen=True)
class Row:
    """A row of a sheet: its number from 1, what it is, and the text of its cells from column A."""

    number: int
    outcome: str
    cells: list[str | None]


def cell_text(value: Value) -> str | None:
    """The text of a cell as a parser wants it: numbers plain, dates as ISO, errors as Excel writes them."""
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "истина" if value else "ложь"
    if isinstance(value, dt.datetime):
        return value.date().isoformat() if value.time() == dt.time() else value.isoformat(" ", "seconds")
    if isinstance(value, dt.date):
        return value.isoformat()
    return str(value)


def percent_text(value: Value) -> str | None:
    """The text of a percent cell: a number up to 2 is a fraction as Excel keeps it, a larger one is in percent."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return cell_text(value)
    percent = value * 100 if abs(value) <= 2 else value
    return f"{percent:.2f}%" if abs(percent - round(percent, 2)) < 1e-9 else f"{percent:.10g}%"


@dataclass(frozen=True)
class Top:
    """The first rows of a sheet as texts and as their keys; a merged cell counts for each of its columns and rows."""

    texts: list[list[str | None]]
    keys: list[list[str | None]]
    found: list[frozenset[str | None]]


def top_of(sheet: Sheet, rows: int = HEADING_ROWS_SEARCHED) -> Top:
    texts = top_texts(sheet, rows)
    keys = [[key(text) or None if text is not None else None for text in row] for row in texts]
    return Top(texts, keys, [frozenset(row) for row in keys])


def top_texts(sheet: Sheet, rows: int) -> list[list[str | None]]:
    top = sheet.rows[:rows]
    width = max((len(row) for row in top), default=0)
    texts = [[cell_text(value) for value in row] + [None] * (width - len(row)) for row in top]
    for merged in sheet.merged:
        if merged.first_row >= len(texts) or merged.first_column >= width:
            continue
        text = texts[merged.first_row][merged.first_column]
        for r in range(merged.first_row, min(merged.last_row + 1, len(texts))):
            for c in range(merged.first_column, min(merged.last_column + 1, width)):
                texts[r][c] = text
    return texts


def may_hold(top: Top, form: Form) -> bool:
    """False when some column by which the form is known has no wording, nor a part of one, in the first rows."""
    seen = frozenset().union(*top.found) if top.found else frozenset()
    return all(not seen.isdisjoint(wordings) for wordings in telling_wordings(form))


def find_heading(top: Top, form: Form) -> Heading | None:
    """The best heading of a form in the first rows of a sheet, or None when it has not two of the form's columns.

    It may stand anywhere there, be one to three rows deep and merged.
    """
    parts, known = heading_parts(form), headings(form)
    best: Heading | None = None
    for first, found in enumerate(top.found):
        if len(found & parts) < 2:
            continue
        for depth in range(1, min(DEEPEST_HEADING, len(top.keys) - first) + 1):
            candidate = match_heading(form, known, top, first, depth)
            if len(candidate.columns) >= 2 and (best is None or len(candidate.columns) > len(best.columns)):
                best = candidate
            if len(candidate.unknown) < 2 and not candidate.layout(form.editions[-1].required).missing:
                break  # nothing is left for a deeper heading to find
    return best


def match_heading(form: Form, known: Mapping[str, frozenset[str]], top: Top, first: int, depth: int) -> Heading:
    """Match the columns of a form against rows `first` … `first + depth - 1`."""
    columns: dict[str, int] = {}
    found: dict[str, str] = {}
    unknown: dict[str, int] = {}
    twice: dict[str, int] = {}
    keys: dict[int, frozenset[str]] = {}
    for c in range(len(top.keys[first])):
        levels: list[str] = []
        last: str | None = None
        for r in range(first, first + depth):
            this, text = top.keys[r][c], top.texts[r][c]
            if this is not None and text is not None and this != last:
                levels.append(text)
                last = this
        if not levels:
            continue
        keys[c] = frozenset(map(key, (*levels, *spellings(levels))))
        wording = next((text for text in spellings(levels) if key(text) in known), None)
        shown = " ".join((wording or ": ".join(levels)).split())
        if wording is None:
            unknown[shown] = c
            continue
        free = sorted(known[key(wording)] - columns.keys())
        if not free:
            twice[shown] = c
            continue
        columns[free[0]] = c
        found[shown] = free[0]
    return Heading(form, first, first + depth - 1, columns, found, unknown, twice, keys)


def spellings(levels: Sequence[str]) -> list[str]:
    """The ways to read a heading of several rows: all rows joined, then its last, then its first."""
    return [": ".join(levels), " ".join(levels), levels[-1], levels[0]] if len(levels) > 1 else [levels[0]]


def data_rows(sheet: Sheet, heading: Heading, key_columns: Sequence[str]) -> list[Row]:
    """Every row of the sheet with its outcome: `data`, or why it is not data (title, heading, total, note, blank).

    A row is data when its key is filled together with anything else, or when at least two other columns of the form
    are; loud doubt beats silent loss.
    """
    keys = [heading.columns[name] for name in key_columns if name in heading.columns]
    others = [c for name, c in heading.columns.items() if name not in key_columns]
    percents = {
        heading.columns[column.name]
        for edition in heading.form.editions
        for column in edition.columns
        if column.kind == "percent" and column.name in heading.columns
    }
    result = []
    for r, values in enumerate(sheet.rows):
        cells = [v if v is None or type(v) is str else str(v) if type(v) is int else cell_text(v) for v in values]
        for c in percents:
            if c < len(cells):
                cells[c] = percent_text(values[c])
        filled = [c for c, text in enumerate(cells) if text is not None and text and not text.isspace()]
        if not filled:
            outcome = "blank"
        elif r < heading.first:
            outcome = "title"
        elif r <= heading.last or repeats_heading(cells, filled, heading.keys):
            outcome = "heading"
        else:
            outcome = kind_of_row(cells, filled, keys, others)
        result.append(Row(r + 1, outcome, cells))
    return result


def repeats_heading(
    cells: Sequence[str | None], filled: Sequence[int], heading_keys: Mapping[int, frozenset[str]]
) -> bool:
    """True for a heading printed again on the next page and for a row of column numbers («1 2 3»)."""
    if len(filled) >= 3 and (cells[filled[0]] or "").strip() in ("0", "1"):
        texts = [(cells[c] or "").strip() for c in filled]
        if all(text.isdecimal() for text in texts) and all(int(b) - int(a) == 1 for a, b in itertools.pairwise(texts)):
            return True
    if not any(key(cells[c] or "") in heading_keys.get(c, ()) for c in filled[:3]):
        return False
    same = sum(c in heading_keys and key(cells[c] or "") in heading_keys[c] for c in filled)
    return same >= 2 and same >= len(filled) / 2


def kind_of_row(cells: Sequence[str | None], filled: Sequence[int], keys: Sequence[int], others: Sequence[int]) -> str:
    """What a row under the heading is: total, note or data."""
    first_text = next((key(text) for c in filled if not (text := (cells[c] or "").strip()).isdecimal()), "")
    has_key = any(c in filled for c in keys)
    has_other = sum(c in filled for c in others)
    if first_text.startswith(mark_starts()):
        for start, outcome in row_marks():
            begins = first_text == start or first_text.startswith((f"{start} ", f"{start}:", f"{start}."))
            if begins and (outcome == "total" or has_other == 0):
                return outcome
    first_cell = (cells[filled[0]] or "").strip()
    if first_cell.startswith("*") and has_other == 0:
        return "note"
    ordinal = first_cell.rstrip(".").isdecimal() and filled[0] not in keys
    if has_key and (has_other or ordinal):
        return "data"
    return "data" if has_other >= 2 else "note"
