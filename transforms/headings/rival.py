"""Several columns under one heading: which of them is the column of the form."""

from __future__ import annotations

import datetime as dt
from dataclasses import replace

from contracts.grid import Sheet
from contracts.vocabulary import academic_year
from transforms.cells.cell import cell_text
from transforms.cells.key import headings, ignored_headings
from transforms.cells.numbering import is_numbering
from transforms.headings.header import Heading
from transforms.headings.hint import years_in


def by_data(sheet: Sheet, heading: Heading) -> Heading:
    """The heading with the columns under its merged cells by what stands there: one that is filled, else in doubt."""
    columns, several = dict(heading.columns), dict(heading.several)
    for name, place in heading.columns.items():
        if place not in heading.same:
            continue
        filled = [c for c in (place, *heading.same[place]) if _is_used(sheet, heading, c)]
        if len(filled) == 1:
            columns[name] = filled[0]
        elif len(filled) > 1:
            shown = next(text for text, column in heading.matched.items() if column == name)
            several[name] = dict.fromkeys(filled, shown)
    if columns == heading.columns and several == heading.several:
        return heading
    return replace(heading, columns=columns, several=several)


def _is_used(sheet: Sheet, heading: Heading, c: int) -> bool:
    return any(c < len(row) and row[c] is not None and row[c] != "" for row in sheet.rows[heading.last + 1 :])


def without_numbering(sheet: Sheet, heading: Heading) -> Heading:
    """The heading in which «№» over «1, 2, 3» is no second column beside «№ поручения»: it numbers the rows."""
    known = headings(heading.form)
    columns, matched, twice = dict(heading.columns), dict(heading.matched), dict(heading.twice)
    unknown = dict(heading.unknown)
    for shown, place in heading.twice.items():
        names = frozenset().union(*(known.get(key, ()) for key in heading.keys[place]))
        for held, name in [(text, name) for text, name in heading.matched.items() if name in names]:
            if _numbers_rows(sheet, heading, place):
                unknown[shown] = twice.pop(shown)
            elif _numbers_rows(sheet, heading, columns[name]):
                unknown[held], columns[name] = columns[name], twice.pop(shown)
                matched = {shown if text == held else text: column for text, column in matched.items()}
            else:
                continue
            break
    if twice == heading.twice:
        return heading
    return replace(heading, columns=columns, matched=matched, twice=twice, unknown=unknown)


def _numbers_rows(sheet: Sheet, heading: Heading, c: int) -> bool:
    """Whether a column is called as columns are that number rows, and holds 1, 2, 3 and no other number."""
    if not heading.keys[c] & ignored_headings():
        return False
    texts = [cell_text(sheet.rows[r][c]) for r in heading.below(sheet) if c < len(sheet.rows[r])]
    numbers = [text for text in texts if text and any(sign.isdecimal() for sign in text)]
    return numbers == ["1"] or is_numbering(numbers)


def by_year(heading: Heading, as_of: dt.date | None) -> Heading:
    """The heading with that of several columns whose heading names the year of the report; the others are its parts."""
    if as_of is None or not heading.several:
        return heading
    columns, several, parts = dict(heading.columns), dict(heading.several), dict(heading.parts)
    matched = dict(heading.matched)
    for name, places in heading.several.items():
        of_year = [c for c, shown in places.items() if academic_year(as_of) in years_in(shown)]
        if len(of_year) == 1 and all(years_in(shown) for shown in places.values()):
            columns[name] = of_year[0]
            matched = {text: column for text, column in matched.items() if column != name} | {places[of_year[0]]: name}
            parts[name] = {c: shown for c, shown in places.items() if c != of_year[0]}
            del several[name]
    return replace(heading, columns=columns, several=several, parts=parts, matched=matched)


def other_years(heading: Heading, as_of: dt.date | None) -> dict[str, int]:
    """Heading as shown → the year that it names, for headings of columns that name another year than the report's."""
    if as_of is None:
        return {}
    year = academic_year(as_of)
    return {
        shown: min(years)
        for shown in heading.matched
        if (years := years_in(shown)) and not {year, year + 1}.intersection(years)
    }
