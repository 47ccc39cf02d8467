"""The readiness report of one sender as its clerk made it: the typed rows in the words and dress of a style."""

from __future__ import annotations

import datetime as dt
from typing import Any

from contracts.form import Column
from contracts.forms.readiness_report.form import COLUMNS
from documents.demo.dress import Style, untidily
from documents.demo.mistakes import Row
from documents.demo.schools import DIRECTIONS
from documents.demo.sheets import DAY_ZERO, Cell, Page, text_file, workbook

BY_NAME: dict[str, Column] = {column.name: column for column in COLUMNS}
STALE_BY = 18  # by how much an outdated total is short
COMMENTS = ("", "", "", "приказ размещён на сайте", "", "малокомплектная школа", "")


def report(
    style: Style, unit: Row, rows: list[Row], raw: dict[str, tuple[str, str]], as_of: dt.date
) -> tuple[str, bytes]:
    """File name and bytes. `raw`: school code → column and the text that stands there instead of a value."""
    slots = {
        "name": unit["name"], "file_as": unit["file_as"], "slug": unit["reporting_unit"],
        "date": as_of.strftime("%d.%m.%Y"), "iso": as_of.isoformat(),
    }  # fmt: skip
    page = Page(style.sheet)
    blank: list[Cell] = [None]
    for line in style.above:
        page.rows.append([*blank * style.first[1], line.format(**slots) or None])
    page.rows.extend([] for _ in range(style.first[0] - len(page.rows)))
    columns = style.headings()
    if style.merged_lines:
        last = bool(style.numbering) + len(columns) - 1
        page.merged += [(r, 0, r, last) for r, row in enumerate(page.rows) if any(row)]
    draw_heading(page, style, columns)
    for turn, row in enumerate(rows):
        cells: list[Cell] = [None] * style.first[1]
        if style.numbering:
            cells.append(str(turn + 1) if style.numbers == "text" else turn + 1)
        for name, _, _ in columns:
            column, text = raw.get(row["school_code"], ("", ""))
            cells.append((text or None) if column == name else _cell(style, BY_NAME[name], row, turn))
        cells.extend(_own(style, row, turn))
        page.rows.append(cells)
    if style.totals:
        page.rows.append(_totals(style, [name for name, _, _ in columns], rows, unit["stale_total"]))
    for line in style.below:
        page.rows.append([*blank * style.first[1], line.format(**slots) or None])
    cover = [Page("Инструкция", [[line] for line in style.cover])] if style.cover else []
    data = text_file(page, "cp1251") if style.csv else workbook([*cover, page])
    return style.file_name.format(**slots), data


def draw_heading(page: Page, style: Style, columns: list[tuple[str, str | None, str]]) -> None:
    """Draw the heading: in two rows and merged when any column has an upper heading, else in one."""
    left, top = style.first[1], len(page.rows)
    all_columns = [(None, style.numbering)] * bool(style.numbering) + [(upper, lower) for _, upper, lower in columns]
    all_columns += [(None, own) for own in style.own]
    names = [""] * bool(style.numbering) + [name for name, _, _ in columns]
    page.wide = tuple(left + i for i, name in enumerate(names) if name in ("school_name", "responsible_position"))
    two_rows = any(upper for upper, _ in all_columns)
    upper_row: list[Cell] = [None] * left
    lower_row: list[Cell] = [None] * left
    for i, (upper, lower) in enumerate(all_columns):
        upper_row.append(upper or lower if i == 0 or not upper or upper != all_columns[i - 1][0] else None)
        lower_row.append(lower if upper else None)
        if two_rows and not upper:
            page.merged.append((top, left + i, top + 1, left + i))
        if upper and upper_row[-1] is not None:
            last = i
            while last + 1 < len(all_columns) and all_columns[last + 1][0] == upper:
                last += 1
            if last > i:
                page.merged.append((top, left + i, top, left + last))
    page.rows.append(upper_row)
    if two_rows:
        page.rows.append(lower_row)
    if style.column_numbers:
        page.rows.append([*[None] * left, *range(1, len(all_columns) + 1)])
    page.heading = range(top, len(page.rows))


def _cell(style: Style, column: Column, row: Row, turn: int) -> Cell:
    """A value of the contract in the words of the style."""
    value: Any = row[column.name]
    if column.name in DIRECTIONS and value is None:
        return style.outside or None
    if value is None:
        return None
    if column.kind == "school_name":
        return untidily(value, turn // style.untidy) if style.untidy and turn % style.untidy == 0 else str(value)
    if column.kind == "yes_no":
        return _number_or_word(style, style.word("yes" if value else "no", turn))
    if column.kind == "choice":
        return style.word(value, turn)
    if column.kind == "date":
        if style.dates == "serial":
            return int((value - DAY_ZERO).days)
        return value.strftime("%d.%m.%Y") if style.dates == "text" else dt.date.fromisoformat(str(value))
    if column.kind == "grades":
        return str(value).replace("-", "–")
    if column.kind in ("count", "hours"):
        return f"{value:g}" if style.numbers == "text" else int(value)
    return str(value)


def _number_or_word(style: Style, word: str) -> Cell:
    return int(word) if word.isdigit() and style.numbers == "number" else word


def _own(style: Style, row: Row, turn: int) -> list[Cell]:
    """Cells of the columns that nobody asked for; the percent is a text."""
    cells: dict[str, Cell] = {"Комментарий": COMMENTS[turn % len(COMMENTS)] or None}
    if row["pupils_total"] and row["pupils_planned"] is not None:
        cells["% охвата"] = f"{100 * row['pupils_planned'] / row['pupils_total']:.1f}%".replace(".", ",")
    return [cells.get(name) for name in style.own]


def _totals(style: Style, names: list[str], rows: list[Row], stale: str | None) -> list[Cell]:
    """The row of sums of the counts; hours have none. One total may be out of date."""
    cells: list[Cell] = [None] * (style.first[1] + bool(style.numbering))
    for name in names:
        total = sum(row[name] or 0 for row in rows) if BY_NAME[name].kind == "count" else None
        if total is not None and name == stale:
            total -= STALE_BY
        cells.append(str(total) if total is not None and style.numbers == "text" else total)
    label = style.first[1] if not style.numbering else style.first[1] + 1 + names.index("school_name")
    cells[label] = style.totals
    return cells
