"""Which form a file is, by the headings on its sheets; or why that cannot be said."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from contracts.form import Form
from contracts.grid import Sheet
from contracts.reading import Finding
from contracts.rules import FORM_AMBIGUOUS, FORM_UNKNOWN
from transforms.cells.key import heading_parts, telling_wordings
from transforms.findings.disclosure import numbered
from transforms.findings.finding import finding
from transforms.headings.header import Heading, best_at, find_heading
from transforms.headings.suggestion import suggestions
from transforms.headings.top import Top, by_row, top_of
from transforms.tables.sheet_parts import is_meant

Seen = list[tuple[Sheet, Heading]]
FIRST_ROWS = 12
"""Rows in which nearly every heading begins."""
ROWS_AT_ONCE = 240
MOST_ROWS, MOST_CELLS = 10_000, 500_000
"""How far down a sheet a heading is looked for."""


def seen_on(sheet: Sheet, forms: Sequence[Form]) -> Seen:
    """The best heading of each form on a sheet; further down it is looked for only while no table was found."""
    best: list[Heading] = []
    for top in _tops(sheet):
        headings = _headings_of(top, forms)
        if any(heading.is_table for heading in headings):
            return [(sheet, heading) for heading in headings]
        best = best or headings
    return [(sheet, heading) for heading in best]


def _tops(sheet: Sheet) -> Iterator[Top]:
    """The rows of a sheet in which a heading may begin, a piece at a time."""
    merged, looked_at = by_row(sheet), 0
    yield top_of(sheet, merged, 0, FIRST_ROWS)
    for start in range(FIRST_ROWS, min(len(sheet.rows), MOST_ROWS), ROWS_AT_ONCE):
        looked_at += sum(map(len, sheet.rows[start : start + ROWS_AT_ONCE]))
        if looked_at > MOST_CELLS:
            return
        yield top_of(sheet, merged, start, ROWS_AT_ONCE)


def _headings_of(top: Top, forms: Sequence[Form]) -> list[Heading]:
    """The best heading of each form in some rows; forms that cannot be there are asked only when no other is.

    Words of a heading that are spread over its rows are looked for when there is no table without them.
    """
    likely = [form for form in forms if _may_hold(top, form)]
    headings = [heading for form in likely or forms if (heading := find_heading(top, form)) is not None]
    if not any(heading.is_table for heading in headings):
        torn = [heading for form in forms if (heading := find_heading(top, form, torn=True)) is not None]
        return torn if any(heading.is_table for heading in torn) else headings or torn
    return headings


def _may_hold(top: Top, form: Form) -> bool:
    """False when some column by which the form is known has no wording, nor a part of one, in the rows."""
    return all(not top.words.isdisjoint(wordings) for wordings in telling_wordings(form))


def seen_by_people(seen: Seen) -> tuple[Seen, Seen]:
    """Headings to read by, and the tables of hidden sheets that are left out because a visible sheet has one."""
    tables = [(sheet, heading) for sheet, heading in seen if heading.is_table]
    if not any(sheet.visible for sheet, _ in tables):
        return seen, []
    hidden = [(sheet, heading) for sheet, heading in tables if not sheet.visible]
    return [(sheet, heading) for sheet, heading in seen if sheet.visible], hidden


def choose_form(seen: Seen, *, chosen: bool) -> tuple[Form | None, Finding | None]:
    """The form whose telling columns are all there. One that has more columns beats one whose columns it contains.

    Where no form has them all, the one that a heading is clearly meant to be of is chosen: then a column is missing,
    not the form unknown.
    """
    if chosen:
        return (seen[0][1].form, None) if seen else (None, None)
    meant = [(sheet, heading) for sheet, heading in seen if is_meant(heading)]
    tables = [(sheet, heading) for sheet, heading in meant if heading.is_table]
    candidates = [
        heading.form
        for sheet, heading in tables
        if not any(other_sheet is sheet and _contains(other, heading) for other_sheet, other in meant)
    ]
    candidates = list(dict.fromkeys(candidates))
    if not candidates:
        most = max((len(heading.columns) for _, heading in meant), default=0)
        candidates = list(dict.fromkeys(heading.form for _, heading in meant if len(heading.columns) == most))
    if len(candidates) == 1:
        return candidates[0], None
    return None, ambiguous(candidates) if candidates else None


def _contains(other: Heading, heading: Heading) -> bool:
    """Whether another heading has the telling columns of a form and more; much more when it lacks one of its own."""
    more = len(other.columns) - len(heading.columns)
    return set(heading.form.recognised_by) <= other.columns.keys() and more > (0 if other.is_table else 1)


def ambiguous(forms: Sequence[Form]) -> Finding:
    """The finding that refuses a file of several forms, with their titles."""
    return finding(FORM_AMBIGUOUS, value=" и ".join(f"«{form.title}»" for form in forms))


def nearly_seen(sheets: Sequence[Sheet], forms: Sequence[Form]) -> Seen:
    """A heading with a single known column, when suggestions have all the others by which its form is recognised."""
    for sheet in sheets:
        top = top_of(sheet, by_row(sheet), 0, FIRST_ROWS)
        for form in forms:
            for first in range(top.starts):
                if top.keys_in[first].isdisjoint(heading_parts(form)):
                    continue
                heading = best_at(top, form, first, 1)
                absent = [name for name in form.recognised_by if heading is not None and name not in heading.columns]
                if heading is not None and len(suggestions(sheet, heading, absent)) == len(absent):
                    return [(sheet, heading)]
    return []


def unknown_form(seen: Seen, sheets: Sequence[Sheet]) -> tuple[Form | None, Finding]:
    """Why no form is recognised, and the form that is nearest: what is there, what is not, what it may be called.

    Without anything like a heading only sizes are shown: the cells of an unknown file, and what its sheets are called,
    may be somebody's name.
    """
    if not seen:
        sizes = [
            f"{numbered(sheet.name, n)}: {len(sheet.rows)} × {max(map(len, sheet.rows), default=0)}"
            for n, sheet in enumerate(sheets[:5], start=1)
        ]
        return None, finding(FORM_UNKNOWN, value="; ".join(sizes) or None)
    sheet, nearest = max(seen, key=lambda suggestion: len(suggestion[1].columns))
    absent = [name for name in nearest.form.recognised_by if name not in nearest.columns]
    titles = ", ".join(f"«{nearest.form.editions[-1].column(name).title}»" for name in absent)
    there = ", ".join(f"«{shown}»" for shown in list(nearest.matched)[:6])
    guesses = "".join(
        f" Возможно, «{suggestion.heading}» — это столбец «{suggestion.title}» (сходство {suggestion.score} из 100)."
        for suggestion in suggestions(sheet, nearest, absent)
    )
    what = f"{FORM_UNKNOWN.what} Ближе всего форма «{nearest.form.title}»: найдены {there}; не найдены {titles}."
    return nearest.form, finding(FORM_UNKNOWN, what=what + guesses)
