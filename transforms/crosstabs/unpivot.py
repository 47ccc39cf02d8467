"""Crosstabs as tables of rows, each with the places of its cells in the file, and what is said of sheets that fail."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field

from contracts.form import Form
from contracts.forms import RULES
from contracts.grid import Place, Sheet, Value, cell_address, column_letters
from contracts.reading import Finding
from contracts.rules import HIDDEN_ROWS
from transforms.cells.key import DASH
from transforms.cells.within import word_of, word_within
from transforms.crosstabs.crosstab_blocks import Crosstabs, Lacking, crosstabs, may_hold
from transforms.crosstabs.crosstab_cells import Cells, cells_of
from transforms.crosstabs.edge import Seen, crosstab_of
from transforms.findings.finding import finding
from transforms.tables.layout import spans
from transforms.tables.origin import names_of
from transforms.tables.original import SheetOfRows
from transforms.tables.resolve import Register
from transforms.tables.school_named import school_named

A1 = (0, 0)
NOT_READ = "примечание"
"""What stands in place of a row of the file that is no part of a crosstab: its own words may name people."""


@dataclass(frozen=True)
class Stated:
    """What is stated once for a sheet: column → text, and where it stands."""

    texts: dict[str, str]
    places: dict[str, Place]


@dataclass
class Unpivoted:
    """Sheets, those of crosstabs as tables of rows, and findings about those that could not be read."""

    sheets: list[Sheet]
    findings: list[Finding] = field(default_factory=list)


def unpivoted(
    form: Form, sheets: Sequence[Sheet], is_read: Sequence[bool], register: Register | None, unit: str | None, file: str
) -> Unpivoted | None:
    """The sheets with crosstabs of the form as tables of rows; None when none of them has one. Those that are read as
    another table are not looked through."""
    if not may_hold(form, sheets):
        return None
    found = {place: crosstabs(form, sheet) for place, sheet in enumerate(sheets) if not is_read[place]}
    read = {place: each for place, each in found.items() if each.blocks}
    if not read:
        return None
    stated = {place: _stated(form, sheets[place], each, register, unit) for place, each in read.items()}
    _share_school(stated, register, unit, file)
    made = Unpivoted(list(sheets))
    for place in sorted(read):
        cells = cells_of(form, read[place])
        made.sheets[place] = _sheet(form, sheets[place], read[place].seen, cells, stated[place])
        made.findings += [*_empty(form, sheets[place], cells), *_hidden(sheets[place], cells)]
    made.findings += [
        lacking_finding(form, sheets[place], each.lacking)
        for place, each in sorted(found.items())
        if each.lacking is not None and sheets[place].visible
    ]
    return made


def lacking_in(form: Form, sheets: Iterable[Sheet]) -> list[Finding]:
    """What is said of sheets that look like a crosstab and are none, in a file that has no other."""
    found = ((sheet, crosstabs(form, sheet).lacking) for sheet in sheets)
    return [lacking_finding(form, sheet, lacking) for sheet, lacking in found if lacking and lacking.has_words]


def lacking_finding(form: Form, sheet: Sheet, lacking: Lacking) -> Finding:
    """The finding that a crosstab lacks an axis: where one stands, and what is expected beside, over or above it."""
    rule = RULES[crosstab_of(form).incomplete]
    r, c = lacking.place
    title = lacking.axis.title
    where = "слева от клеток, над ними, отдельной строкой выше или в имени листа"
    expected = f"{title} {where}, например «{lacking.axis.example}»"
    return finding(
        rule, what=f"{rule.what} Найдено: {lacking.found}; не найдено: {title}.", expected=expected,
        sheet=sheet.name, cell=cell_address(r, c), row=r + 1,
    )  # fmt: skip


def _empty(form: Form, sheet: Sheet, cells: Cells) -> Iterator[Finding]:
    crosstab = crosstab_of(form)
    for edge in cells.empty:
        r, c = edge.place
        shown = ", ".join(" ".join(filter(None, value)) for value in edge.values)
        yield finding(
            RULES[crosstab.empty], value=shown, sheet=sheet.name, cell=cell_address(r, c), row=r + 1,
            column=crosstab.axes[0].name,
        )  # fmt: skip


def _hidden(sheet: Sheet, cells: Cells) -> Iterator[Finding]:
    """COM-029 where rows or columns with cells that were read are hidden."""
    read = {place for slot in cells.slots for place in slot.texts}
    rows = sorted({r for r, _ in read} & sheet.hidden_rows)
    columns = sorted({c for _, c in read} & sheet.hidden_columns)
    areas = [spans("строка", "строки", [r + 1 for r in rows])] if rows else []
    if columns:
        areas.append(f"{'столбцы' if len(columns) > 1 else 'столбец'} {', '.join(map(column_letters, columns))}")
    if areas:
        yield finding(HIDDEN_ROWS, value="; ".join(areas), sheet=sheet.name)


def _sheet(form: Form, sheet: Sheet, seen: Seen, cells: Cells, stated: Stated) -> Sheet:
    """A sheet of rows: the lines above, one heading, a row a slot and thing, and a note for each row that was not
    read. `origin` has the place of each of its cells in the file."""
    crosstab = crosstab_of(form)
    names = crosstab.columns
    stated_once = [name for name, _ in crosstab.above]
    width = len(names)
    first = min(cells.rows)
    rows: list[list[Value]] = [list(row) for row in sheet.rows[:first]]
    origin: list[tuple[Place | None, ...]] = [
        tuple(seen.place(r, c) for c in range(len(row))) for r, row in enumerate(rows)
    ]
    rows.append([form.editions[-1].column(name).title for name in names])
    origin.append(tuple(_heading_place(crosstab.cell, name, cells, stated, first) for name in names))
    vocabulary = form.editions[-1].column(crosstab.cell).vocabulary or ""
    for slot in cells.slots:
        word = word_of(slot.texts.values(), vocabulary)
        at = next((place for place, text in slot.texts.items() if word_within(text, vocabulary) == word), None)
        at = at or next(iter(slot.texts))
        for edges in slot.stated():
            texts = dict(stated.texts)
            places: dict[str, Place] = dict.fromkeys(stated_once, A1) | stated.places | {crosstab.cell: at}
            for axis in crosstab.axes:
                if axis.name in edges:
                    edge = edges[axis.name]
                    texts |= zip(axis.columns, edge.values[0], strict=True)
                    places |= dict.fromkeys(axis.columns, edge.place)
            texts[crosstab.cell] = word or ""
            rows.append([texts.get(name) or None for name in names])
            origin.append(tuple(places.get(name, at) for name in names))
    for r in range(first, len(sheet.rows)):
        if r not in cells.rows and any(seen.texts[r]):
            rows.append([*[None] * width, NOT_READ])
            origin.append((*[None] * width, (r, 0)))
    return SheetOfRows(sheet.name, rows, visible=sheet.visible, origin=origin)


def _heading_place(cell: str, name: str, cells: Cells, stated: Stated, first: int) -> Place:
    """Where a column of the form is stated first."""
    if name in stated.places:
        return stated.places[name]
    for slot in cells.slots:
        if name == cell:
            return next(iter(slot.texts))
        if (edge := slot.edges.get(name)) is not None:
            return edge.place
    return first, 0


def _stated(form: Form, sheet: Sheet, found: Crosstabs, register: Register | None, unit: str | None) -> Stated:
    """What the lines above the first crosstab of a sheet state, and of its school the name of the sheet too."""
    above = range(found.blocks[0].heads.start)
    lines = {found.seen.place(r, c): text for r in above for c, text in enumerate(found.seen.texts[r]) if text}
    stated = Stated({}, {})
    for name, begins in crosstab_of(form).above:
        for place, text in lines.items():
            match = re.search(begins, DASH.sub("-", " ".join(text.split())), re.IGNORECASE)
            if match and (value := match[1].strip(" .;")):
                stated.texts[name], stated.places[name] = value, place
                break
    if "school_name" not in stated.texts:
        named = school_named((*lines.values(), sheet.name), register, unit)
        if named is not None:
            stated.texts["school_name"], stated.places["school_name"] = named[0], (*lines, A1)[named[1]]
    return stated


def _share_school(stated: dict[int, Stated], register: Register | None, unit: str | None, file: str) -> None:
    """Sheets that name no school are of the one that the others name, else of the one that the file names."""
    named = {each.texts["school_name"] for each in stated.values() if "school_name" in each.texts}
    of_file = school_named(names_of(file), register, unit) if not named else None
    shared = named.pop() if len(named) == 1 else of_file[0] if of_file else None
    for each in stated.values():
        if "school_name" not in each.texts and "school_code" not in each.texts and shared is not None:
            each.texts["school_name"], each.places["school_name"] = shared, A1
