"""The parts of a sheet: the same heading again, another one of the same form, another table under the first."""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache

from contracts.form import Column, Form
from contracts.forms import forms_in
from contracts.grid import Sheet, Value
from contracts.vocabulary import words
from transforms.cells.cell import cell_text
from transforms.cells.key import heading_key, heading_parts, key, unit_aliases
from transforms.cells.numbering import is_number
from transforms.findings.disclosure import place_words
from transforms.headings.header import Heading, best_at
from transforms.headings.known_words import all_parts, may_be_known
from transforms.headings.row_kind import mark_of, school_words
from transforms.headings.top import YEAR, Top, by_row, top_of
from transforms.tables.original import SheetOfRows

MOSTLY = 0.6
"""Share of a form's required columns that a heading has which is meant to be of that form."""
FIRST_TEXTS = 2
FIRST_YEAR, LAST_YEAR = 1900, 2099
SPOKEN_KINDS = ("yes_no", "choice")
NUMBER_KINDS = ("count", "amount", "hours", "percent")


@dataclass(frozen=True)
class OtherTable:
    """Another table under a table: the row of its heading, zero-based, and the form if it is one that we know."""

    sheet: Sheet
    row: int
    form: Form | None


def is_meant(heading: Heading) -> bool:
    """Whether a heading is of its form, although it may lack some of its columns."""
    required = heading.form.editions[-1].required
    return heading.is_table or len(required) - len(heading.lacks(required)) >= max(3, MOSTLY * len(required))


def parts_of(sheet: Sheet, heading: Heading) -> tuple[list[Heading], list[OtherTable]]:
    """The headings by which the rows of a sheet are read, each with its rows, and the tables that are not read."""
    parts, others = [heading], list[OtherTable]()
    again: set[int] = set()
    columns = {column.name: column for edition in heading.form.editions for column in edition.columns}
    numbers = _number_places(heading, columns)
    merged = by_row(sheet)
    origins = sheet.origin if isinstance(sheet, SheetOfRows) else ()
    r = heading.last
    while (r := r + 1) < len(sheet.rows):
        row, current = sheet.rows[r], parts[-1]
        if any(place is not None and place[0] != r for place in origins[r : r + 1] and origins[r]):
            continue  # made of several rows of the file, so it is one of data
        if _has_number(row, numbers) or not (r - 1 in again or _stands_apart(sheet, r) or _begins_with_wording(row)):
            continue
        keys = _keys_of(row)
        if _repeats(current, keys, follows=r - 1 in again):
            again.add(r)
            continue
        if len(keys) < 2:
            continue
        top = top_of(sheet, merged, r, 1)
        if (next_one := _same_form(top, current, keys)) is not None:
            if next_one.columns == current.columns:
                again |= set(range(r, next_one.last + 1))
            else:
                start = _captions_above(sheet, r, current.last + 1)
                parts[-1] = replace(current, end=start)
                parts.append(replace(next_one, start=start))
                numbers = _number_places(next_one, columns)
            r = next_one.last
        elif current.stop is None and (other := _other_table(sheet, top, current, columns, keys)) is not None:
            parts[-1] = replace(current, stop=_captions_above(sheet, r, current.last + 1))
            others.append(other)
    return [replace(part, again=frozenset(again)) for part in parts] if again else parts, others


def _number_places(heading: Heading, columns: Mapping[str, Column]) -> list[int]:
    return [place for name, place in heading.columns.items() if columns[name].kind in NUMBER_KINDS]


def _has_number(row: Sequence[Value], numbers: Sequence[int]) -> bool:
    """Whether a row says a number where the table has numbers, and so is no heading. A year may be a heading."""
    for c in numbers:
        value = row[c] if c < len(row) else None
        if type(value) is int and not FIRST_YEAR <= value <= LAST_YEAR:
            return True
        if value is None or isinstance(value, bool):
            continue
        text = value.strip() if isinstance(value, str) else str(value) if isinstance(value, int | float) else ""
        if is_number(text):
            return not YEAR.fullmatch(text)
    return False


def _begins_with_wording(row: Sequence[Value]) -> bool:
    """Whether one of the first texts of a row is a wording of some form."""
    texts = (value for value in row if isinstance(value, str))
    first = itertools.islice(texts, FIRST_TEXTS)
    return any(may_be_known(text) and heading_key(text) in all_parts() for text in first)


def _keys_of(row: Sequence[Value]) -> dict[int, str]:
    """Place → key of the text there, for filled cells."""
    return {
        c: heading_key_there
        for c, value in enumerate(row)
        if (text := cell_text(value)) and (heading_key_there := heading_key(text))
    }


def _repeats(heading: Heading, keys: Mapping[int, str], *, follows: bool) -> bool:
    """Whether a row is a row of the heading printed again: nothing in it says otherwise.

    `follows` says that the row above is one too; then one cell is enough.
    """
    same = sum(key_there in heading.keys.get(c, ()) for c, key_there in keys.items())
    if same < (1 if follows else 2) or same < len(keys) / 2 or not keys.keys() <= heading.keys.keys():
        return False
    places = set(heading.columns.values())
    return all(key_there in heading.keys[c] for c, key_there in keys.items() if c in places)


def _same_form(top: Top, heading: Heading, keys: Mapping[int, str]) -> Heading | None:
    """Another heading of the form that begins at the top, if it is not of a form that has more of its columns."""
    if len(heading_parts(heading.form).intersection(keys.values())) < 2:
        return None
    next_heading = best_at(top, heading.form, 0)
    if next_heading is None or not is_meant(next_heading):
        return None
    forms = (form for form in forms_in(heading.form.region) if form.name != heading.form.name)
    others = (best_at(top, form, 0) for form in forms) if next_heading.unknown else ()
    most = max((len(other.columns) for other in others if other is not None and other.is_table), default=0)
    return next_heading if len(next_heading.columns) >= most else None


def _other_table(
    sheet: Sheet, top: Top, heading: Heading, columns: Mapping[str, Column], keys: Mapping[int, str]
) -> OtherTable | None:
    """The table of another form, or of none, whose heading is at the top; None when its first row is no heading.

    Known wordings tell a heading anywhere. Without them it is one only after a blank line or a caption, when none of
    its texts says a value of its column, and the next row does.
    """
    r, wordings_there = top.start, sum(wording in all_parts() for wording in keys.values())
    if wordings_there >= 2:
        for form in forms_in(heading.form.region):
            other = best_at(top, form, 0) if form.name != heading.form.name else None
            if other is not None and other.is_table:
                return OtherTable(sheet, r, form)
        if wordings_there >= len(keys) / 2:
            return OtherTable(sheet, r, None)
    if any(type(value) in (int, float) for value in sheet.rows[r]) or len(set(keys.values())) < len(keys):
        return None
    if not _stands_apart(sheet, r) or _says_values(sheet.rows[r], heading, columns):
        return None
    is_other = wordings_there or _following_says_values(sheet, r, heading, columns)
    return OtherTable(sheet, r, None) if is_other else None


def _stands_apart(sheet: Sheet, r: int) -> bool:
    """Whether the row above is blank, a lone text, a total or a note."""
    return filled(sheet.rows[r - 1]) < 2 or _is_marked(sheet.rows[r - 1])


def _says_values(row: Sequence[Value], heading: Heading, columns: Mapping[str, Column]) -> bool:
    """Whether any cell says a value of its column; True also when no cell stands where that can be told."""
    asked = 0
    for name, place in heading.columns.items():
        text = (cell_text(row[place]) or "").strip() if place < len(row) else ""
        column = columns[name]
        if not text:
            continue
        names = unit_aliases(heading.form.region) if column.kind == "unit" else {}
        if names and (key(text) in names or not place_words().isdisjoint(key(text).split())):
            return heading_key(text) not in all_parts()
        if column.kind == "school_name" and not school_words().isdisjoint(key(text).split()):
            return True
        if column.kind in SPOKEN_KINDS and column.vocabulary:
            if key(text) in _spoken(column.vocabulary) or len(text) < 3:
                return True
            asked += not column.open_vocabulary
        elif column.kind not in ("text", "unit", "school_name", "school_code"):
            if any(letter.isdecimal() for letter in text) or len(text) < 3:
                return True
            asked += 1
    return asked == 0


def _following_says_values(sheet: Sheet, r: int, heading: Heading, columns: Mapping[str, Column]) -> bool:
    """Whether the next filled row has numbers where this one has texts."""
    following = next((row for row in sheet.rows[r + 1 :] if any(row)), [])
    return _has_number(following, _number_places(heading, columns))


@cache
def _spoken(vocabulary: str) -> frozenset[str]:
    return frozenset(key(word) for word in words(vocabulary))


def _captions_above(sheet: Sheet, r: int, first: int) -> int:
    """The first row of the caption of a table: blank rows and lone texts directly above row `r`, not above `first`."""
    for wanted in (0, 1, 0):
        while r > first and filled(sheet.rows[r - 1]) == wanted and not (wanted and _is_marked(sheet.rows[r - 1])):
            r -= 1
    return r


def filled(row: Sequence[Value]) -> int:
    """How many cells of a row hold anything."""
    return sum(value is not None and value != "" for value in row)


def _is_marked(row: Sequence[Value]) -> bool:
    """Whether a row begins like a total or a note."""
    text = next((text for value in row if (text := cell_text(value))), None)
    return text is not None and mark_of(text) is not None
