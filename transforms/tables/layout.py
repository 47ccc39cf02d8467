"""How the headings of a delivery were understood, and what is said about them."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence

from contracts.form import Edition
from contracts.grid import Sheet, cell_address, column_letters
from contracts.reading import Finding, Layout, Suggestion
from contracts.rules import (
    ANOTHER_TABLE,
    HEADING_MISSING,
    HEADING_OF_OTHER_YEAR,
    HEADING_TWICE,
    HEADING_UNKNOWN,
    HIDDEN_ROWS,
    LIST_BESIDE,
    PARTS_LEFT,
    SEVERAL_COLUMNS,
    TABLES_BESIDE,
)
from contracts.vocabulary import academic_year
from transforms.cells.key import heading_key, ignored_headings
from transforms.findings.finding import finding
from transforms.headings.axis import is_left_out
from transforms.headings.header import Heading
from transforms.headings.rival import other_years
from transforms.headings.suggestion import suggestions
from transforms.tables.beside import Beside
from transforms.tables.sheet_parts import OtherTable, filled

Headings = Sequence[tuple[Sheet, Heading]]


def layout_of(headings: Headings, edition: Edition) -> Layout:
    """The layout of all tables of a delivery: a column that any of them lacks is missing."""
    matched: dict[str, str] = {}
    missing_titles: dict[str, None] = {}
    unknown_headings: dict[str, None] = {}
    places: dict[str, str] = {}
    suggested: dict[str, Suggestion] = {}
    for sheet, heading in headings:
        matched |= heading.matched
        missing_titles |= dict.fromkeys(column.title for column in heading.lacks(edition.required))
        unknown_headings |= dict.fromkeys(heading.shown_unknown.values())
        for column, place in heading.columns.items():
            places.setdefault(column, f"{sheet.name}!{heading.address(sheet, place)}")
        for suggestion in suggestions(sheet, heading, _lacking(heading, edition)):
            suggested.setdefault(suggestion.column, suggestion)
    return Layout(matched, tuple(missing_titles), tuple(unknown_headings), tuple(suggested.values()), places)


def _lacking(heading: Heading, edition: Edition) -> list[str]:
    """Columns of the edition that a heading has not, required ones first."""
    absent = heading.lacks(edition.columns)
    return [column.name for column in sorted(absent, key=lambda column: not column.required)]


def layout_findings(headings: Headings, edition: Edition) -> list[Finding]:
    """What is missing, stands twice or is unknown in the heading of each table, with what it probably is."""
    findings = []
    for sheet, heading in headings:
        guesses = suggestions(sheet, heading, _lacking(heading, edition))
        by_column = {guess.column: guess for guess in guesses}
        for column in heading.lacks(edition.required):
            findings.append(_missing(sheet, column.title, by_column.get(column.name)))
        for shown, place in heading.twice.items():
            row = heading.row_of(sheet, place)
            cell = cell_address(row, place)
            findings.append(finding(HEADING_TWICE, value=shown, sheet=sheet.name, cell=cell, row=row + 1))
        by_cell = {guess.cell: guess for guess in guesses}
        for place, shown in heading.shown_unknown.items():
            if heading_key(shown) not in ignored_headings() and not is_left_out(heading.form, shown):
                row = heading.row_of(sheet, place)
                cell = cell_address(row, place)
                findings.append(_unknown(sheet, shown, cell, row, by_cell.get(f"{sheet.name}!{cell}")))
    return findings


def _missing(sheet: Sheet, title: str, guess: Suggestion | None) -> Finding:
    """COM-012, at the heading that the column probably has."""
    if guess is None:
        return finding(HEADING_MISSING, expected=f"столбец «{title}»", sheet=sheet.name)
    cell = guess.cell.rpartition("!")[2]
    may_be = f"Возможно, это столбец «{guess.heading}» (ячейка {cell}, сходство {guess.score} из 100)."
    what = f"{HEADING_MISSING.what} {may_be}"
    return finding(HEADING_MISSING, what=what, expected=f"столбец «{title}»", sheet=sheet.name, cell=cell)


def _unknown(sheet: Sheet, shown: str, cell: str, row: int, guess: Suggestion | None) -> Finding:
    """COM-013, with the column that the heading resembles."""
    what = None
    if guess is not None:
        what = f"{HEADING_UNKNOWN.what} Похоже на столбец «{guess.title}» (сходство {guess.score} из 100)."
    doubt = finding(HEADING_UNKNOWN, what=what, value=shown, sheet=sheet.name, cell=cell, row=row + 1)
    return doubt._replace(expected=guess.title if guess is not None else None)


def another_table(other: OtherTable) -> Finding:
    """COM-048, at the first cell of the other table's heading. Its texts are not shown: they may be names."""
    row = other.sheet.rows[other.row]
    place = next(c for c, value in enumerate(row) if value not in (None, ""))
    what = None if other.form is None else f"{ANOTHER_TABLE.what} Она похожа на форму «{other.form.title}»."
    return finding(
        ANOTHER_TABLE, what=what, sheet=other.sheet.name, cell=cell_address(other.row, place), row=other.row + 1
    )


def beside_table(beside: Beside) -> Finding:
    """COM-099 for a second table of the form beside the first, COM-100 for anything else, at its first heading."""
    rule = TABLES_BESIDE if beside.is_twin else LIST_BESIDE
    cell = cell_address(beside.row, beside.place)
    return finding(rule, sheet=beside.sheet.name, cell=cell, row=beside.row + 1)


def rival_findings(headings: Headings) -> list[Finding]:
    """COM-097 for several columns under one heading, COM-098 where one of them is the whole."""
    findings = []
    for sheet, heading in headings:
        for rule, groups in ((SEVERAL_COLUMNS, heading.several), (PARTS_LEFT, heading.parts)):
            for column, places in groups.items():
                cells = ", ".join(heading.address(sheet, c) for c in sorted(places))
                title = heading.form.editions[-1].column(column).title
                cell = heading.address(sheet, heading.columns[column])
                findings.append(finding(rule, value=cells, expected=f"столбец «{title}»", sheet=sheet.name, cell=cell))
    return findings


def year_findings(headings: Headings, as_of: dt.date | None) -> list[Finding]:
    """COM-103 for each heading that names another year than the report's."""
    findings = []
    for sheet, heading in headings:
        for shown in other_years(heading, as_of):
            place = heading.columns[heading.matched[shown]]
            year = academic_year(as_of) if as_of is not None else None
            expected = f"{year}/{year + 1} учебный год" if year is not None else None
            cell = heading.address(sheet, place)
            findings.append(finding(HEADING_OF_OTHER_YEAR, value=shown, expected=expected, sheet=sheet.name, cell=cell))
    return findings


def hidden_findings(headings: Headings) -> list[Finding]:
    """COM-029 for each sheet on which rows or columns of a table are hidden and hold something."""
    hidden_areas: dict[str, list[str]] = {}
    for sheet, heading in headings:
        if not sheet.hidden_rows and not sheet.hidden_columns:
            continue
        rows = heading.below(sheet)
        hidden_rows = [r for r in rows if r in sheet.hidden_rows and filled(sheet.rows[r]) > 1]
        own = sorted(set(heading.columns.values()) & sheet.hidden_columns) if sheet.hidden_columns else []
        hidden_columns = [c for c in own if any(sheet.rows[r][c : c + 1] not in ([], [None], [""]) for r in rows)]
        areas = hidden_areas.setdefault(sheet.name, [])
        if hidden_rows:
            areas.append(spans("строка", "строки", [r + 1 for r in hidden_rows]))
        if hidden_columns:
            letters = ", ".join(map(column_letters, hidden_columns))
            areas.append(f"{'столбцы' if len(hidden_columns) > 1 else 'столбец'} {letters}")
    return [finding(HIDDEN_ROWS, value="; ".join(areas), sheet=name) for name, areas in hidden_areas.items() if areas]


def spans(one: str, several: str, numbers: Sequence[int]) -> str:
    """Numbers in order as people write them: «строки 5, 7–9»."""
    runs: list[list[int]] = []
    for number in numbers:
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    listed = ", ".join(str(run[0]) if len(run) == 1 else f"{run[0]}–{run[-1]}" for run in runs)
    return f"{several if len(numbers) > 1 else one} {listed}"
