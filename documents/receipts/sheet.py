"""Our own sheet as XML: lines of cells on a grid of five columns, heights that fit the text, ready to print on A4.

Where something may be explained there is a sixth column for it, and the sheet lies on its side. The last column is
hidden: in it are the marks by which a line is known when the workbook comes back.
"""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contracts.grid import cell_address
from documents.receipts.markup import escaped
from documents.receipts.package import MAIN
from documents.receipts.styles import Look, Styles

WIDTHS = (15, 31, 19, 21, 11)
"""Widths of the columns in characters; together they fill a sheet of A4 on end."""
EXPLANATION_WIDTH = 40
"""Width of the column that a sender fills in; with it the columns fill a sheet of A4 on its side."""
HIDDEN_COLUMN = '<col min="{n}" max="{n}" width="9" hidden="1" customWidth="1"/>'
POINTS_A_LINE = 1.32
"""Height of a line of text against the size of its letters."""
TALLEST = 400
LONGEST_TEXT = 32_000
LETTERS_A_WIDTH = 1.14
"""Letters of size 10 in the width of one digit, with a little to spare."""
BOLD_IS_WIDER = 0.92
HEAD = (
    '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n<worksheet xmlns="{main}">'
    '<sheetPr><tabColor rgb="FF1F4E79"/><pageSetUpPr fitToPage="1"/></sheetPr><dimension ref="A1:{last}"/>'
    '<sheetViews><sheetView showGridLines="0" tabSelected="1" workbookViewId="0"/></sheetViews>'
    '<sheetFormatPr defaultRowHeight="13.5"/><cols>{columns}</cols><sheetData>'
)
FOOT = (
    '<printOptions horizontalCentered="1"/>'
    '<pageMargins left="0.55" right="0.4" top="0.55" bottom="0.65" header="0.3" footer="0.3"/>'
    '<pageSetup paperSize="9" orientation="{orientation}" fitToWidth="1" fitToHeight="0"/>'
    "<headerFooter><oddFooter>&amp;L&amp;8{footer}&amp;R&amp;8{pages}</oddFooter></headerFooter></worksheet>"
)


@dataclass(frozen=True)
class Cell:
    """A cell of our sheet over `span` columns; `link` is where a click leads, as `'Лист1'!F14`.

    `choices` is the list of texts that its drop-down offers, beside whatever somebody types; the texts themselves stand
    in cells below one another, each of which says so by `offers`. `mark` stands in the hidden column of its line.
    """

    value: str | float | int
    look: Look
    span: int = 1
    link: str | None = None
    choices: tuple[str, ...] = ()
    offers: tuple[str, ...] = ()
    mark: str | None = None


Line = Sequence[Cell]
"""Cells of one row from column A; a line without cells is a gap."""


def sheet_xml(lines: Sequence[Line], styles: Styles, footer: str, pages: str) -> bytes:
    """The worksheet; texts are texts in every cell, whatever they begin with."""
    is_wide = any(sum(cell.span for cell in line) > len(WIDTHS) for line in lines)
    widths = (*WIDTHS, EXPLANATION_WIDTH) if is_wide else WIDTHS
    columns = "".join(
        f'<col min="{n}" max="{n}" width="{width + 0.71}" customWidth="1"/>' for n, width in enumerate(widths, start=1)
    ) + HIDDEN_COLUMN.format(n=len(widths) + 1)
    last = cell_address(max(len(lines), 1) - 1, len(widths))
    parts = [HEAD.format(main=MAIN, last=last, columns=columns)]
    merged: list[str] = []
    links: list[str] = []
    chosen: dict[tuple[str, ...], list[str]] = {}
    offered: dict[tuple[str, ...], list[int]] = {}
    for r, line in enumerate(lines):
        parts.append(f'<row r="{r + 1}" ht="{_height(line, widths):g}" customHeight="1">')
        c = 0
        for cell in line:
            address, style = cell_address(r, c), styles.look(cell.look)
            parts.append(_cell(address, style, cell.value))
            parts += [f'<c r="{cell_address(r, c + n)}" s="{style}"/>' for n in range(1, cell.span)]
            if cell.span > 1:
                merged.append(f'<mergeCell ref="{address}:{cell_address(r, c + cell.span - 1)}"/>')
            if cell.link:
                links.append(f'<hyperlink ref="{address}" location="{escaped(cell.link)}"/>')
            if cell.choices:
                chosen.setdefault(cell.choices, []).append(address)
            if cell.offers:
                offered.setdefault(cell.offers, []).append(r + 1)
            c += cell.span
        if mark := next((cell.mark for cell in line if cell.mark), None):
            parts.append(_cell(cell_address(r, len(widths)), styles.look(Look()), mark))
        parts.append("</row>")
    parts.append("</sheetData>")
    if merged:
        parts.append(f'<mergeCells count="{len(merged)}">{"".join(merged)}</mergeCells>')
    parts.append(_drop_downs(chosen, offered))
    if links:
        parts.append(f"<hyperlinks>{''.join(links)}</hyperlinks>")
    orientation = "landscape" if is_wide else "portrait"
    parts.append(FOOT.format(footer=_in_footer(footer), pages=escaped(pages), orientation=orientation))
    return "".join(parts).encode()


def _drop_downs(chosen: Mapping[tuple[str, ...], list[str]], offered: Mapping[tuple[str, ...], list[int]]) -> str:
    """The drop-downs of the cells that have one; what is not in the list may be typed all the same."""
    lists = [
        f'<dataValidation type="list" allowBlank="1" showErrorMessage="0" sqref="{" ".join(cells)}">'
        f"<formula1>$A${offered[texts][0]}:$A${offered[texts][-1]}</formula1></dataValidation>"
        for texts, cells in chosen.items()
        if texts in offered
    ]
    return f'<dataValidations count="{len(lists)}">{"".join(lists)}</dataValidations>' if lists else ""


def place_link(sheet: str, cell: str) -> str:
    """Where a cell of a sheet is, as a link within the workbook writes it."""
    return f"'{sheet.replace(chr(39), chr(39) * 2)}'!{cell}"


def _height(line: Line, widths: Sequence[int]) -> float:
    """Height of a row in points, so that every cell of it shows its whole text."""
    tallest, column = 6.0, 0
    for cell in line:
        width = sum(widths[column : column + cell.span])
        column += cell.span
        lines = _lines_of(str(cell.value), width, cell.look)
        tallest = max(tallest, lines * cell.look.size * POINTS_A_LINE + 3)
    return min(round(tallest, 1), TALLEST)


def _lines_of(text: str, width: float, look: Look) -> int:
    """How many lines a text takes in a cell of so many characters."""
    room = width * LETTERS_A_WIDTH * 10 / look.size * (BOLD_IS_WIDER if look.bold else 1)
    if len(text) <= room and "\n" not in text:
        return 1
    broken = (textwrap.wrap(paragraph, max(int(room), 1), break_on_hyphens=True) for paragraph in text.split("\n"))
    return sum(max(len(wrapped), 1) for wrapped in broken)


def _cell(address: str, style: int, value: str | float) -> str:
    if isinstance(value, str):
        text = escaped(value[:LONGEST_TEXT])
        return f'<c r="{address}" s="{style}" t="inlineStr"><is><t xml:space="preserve">{text}</t></is></c>'
    return f'<c r="{address}" s="{style}"><v>{value!r}</v></c>'


def _in_footer(text: str) -> str:
    """A text of which no part is taken for a code of the footer, and which is not too long for one."""
    return escaped(text[:120].replace("&", "&&"))
