"""Marking bad cells in a sheet of the sender's own workbook: a colour, and a comment that says what to mend."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from contracts.form import SEVERITIES
from contracts.grid import Place, cell_address
from contracts.reading import Finding
from contracts.texts import phrases
from documents.receipts.findings import columns_of, groups
from documents.receipts.markup import Element, Markup, Unusual
from documents.receipts.styles import MARKS, Styles

ADDRESS = re.compile(r"([A-Z]{1,3})([1-9][0-9]{0,6})")
LONGEST_COMMENT = 4_000


@dataclass
class Mark:
    """What is to be told at a cell: the worst severity, and the text of the comment."""

    severity: str
    text: str


def marks(findings: Iterable[Finding], form: str | None, edition: str | None) -> dict[str, dict[Place, Mark]]:
    """Sheet → place → its mark. A finding about a row without a cell is told at column A of the row."""
    gathered: dict[tuple[str, Place], list[tuple[str, str, str]]] = defaultdict(list)
    columns = columns_of(form, edition)
    for group in groups(findings, form, edition):
        for finding, _ in group.places:
            place = _place_of(finding)
            if place is None or finding.sheet is None:
                continue
            text = f"{phrases()[f'receipt.comment.{group.severity}']}\n{finding.message}"
            column = columns.get(finding.column or "")
            if column and group.allowed and finding.expected != group.allowed and group.severity != "note":
                text += "\n" + phrases()["receipt.allowed"].format(words=group.allowed)
            gathered[finding.sheet, place].append((group.severity, text, group.rule))
    by_sheet: dict[str, dict[Place, Mark]] = defaultdict(dict)
    for (sheet, place), remarks in gathered.items():
        remarks.sort(key=lambda remark: SEVERITIES.index(remark[0]))
        joined = "\n\n".join(text for _, text, _ in remarks)[:LONGEST_COMMENT]
        rules = ", ".join(dict.fromkeys(rule for *_, rule in remarks))
        by_sheet[sheet][place] = Mark(remarks[0][0], f"{joined}\n{_signature(rules)}")
    return dict(by_sheet)


def _signature(rules: str) -> str:
    """The last line of our comments, by which they are known when a program has dropped their author."""
    return f"(profmin: {rules})"


def _place_of(finding: Finding) -> Place | None:
    """Where a finding is told: at its cell, else at column A of its row; None when it is about more than a row."""
    if finding.cell:
        match = ADDRESS.fullmatch(finding.cell)
        return place(match[1], match[2]) if match else None
    return (finding.row - 1, 0) if finding.row else None


def place(letters: str, row: str) -> Place:
    """The place of an address: («F», «14») is (13, 5)."""
    column = 0
    for letter in letters:
        column = column * 26 + ord(letter) - 64
    return int(row) - 1, column - 1


class MarkedSheet:
    """A worksheet part in which cells are given other styles. Raises Unusual for a part without cells of its own."""

    def __init__(self, data: bytes) -> None:
        self.markup = Markup(data, wanted=("row", "mergeCell"))
        body = self.markup.first("sheetData")
        if body is None:
            raise Unusual("a worksheet without rows")
        self.body = body
        self.rows = dict(self._rows())

    def covering(self, places: Mapping[Place, Mark]) -> dict[Place, Mark]:
        """Marks at the cells that people see: inside a merged range, at its upper left cell."""
        corners: dict[Place, Place] = {}
        rows = sorted({r for r, _ in places})
        for merged in self.markup.named("mergeCell"):
            first, _, last = merged.attributes.get("ref", "").partition(":")
            top, bottom = ADDRESS.fullmatch(first), ADDRESS.fullmatch(last)
            if top and bottom:
                (r1, c1), (r2, c2) = place(top[1], top[2]), place(bottom[1], bottom[2])
                nearest = bisect_left(rows, r1)
                if nearest == len(rows) or rows[nearest] > r2:
                    continue
                corners |= {(r, c): (r1, c1) for r, c in places if r1 <= r <= r2 and c1 <= c <= c2}
        shown: dict[Place, Mark] = {}
        for where, mark in places.items():
            corner = corners.get(where, where)
            before = shown.get(corner)
            if before is None:
                shown[corner] = mark
            else:
                worst = min(before.severity, mark.severity, key=SEVERITIES.index)
                shown[corner] = Mark(worst, f"{before.text}\n\n{mark.text}")
        return shown

    def colour(self, places: Mapping[Place, Mark], styles: Styles) -> None:
        """Colour cells; those that are not there yet are made."""
        severities: dict[int, dict[int, str]] = defaultdict(dict)
        for (r, c), mark in places.items():
            if mark.severity in MARKS:
                severities[r][c] = mark.severity
        new_rows: list[tuple[int, str]] = []
        for r, cells in sorted(severities.items()):
            if r not in self.rows:
                text = "".join(self._new(r, c, styles.marked(0, severity)) for c, severity in sorted(cells.items()))
                new_rows.append((r, f'<{self.markup.prefix}row r="{r + 1}">{text}</{self.markup.prefix}row>'))
                continue
            self._colour_row(r, cells, styles)
        self._add_rows(new_rows)

    def _colour_row(self, r: int, cells: Mapping[int, str], styles: Styles) -> None:
        row = self.rows[r]
        own = self._cells(row)
        added: list[tuple[int, str]] = []
        for c, severity in sorted(cells.items()):
            if c in own:
                style = own[c].attributes.get("s", "0")
                self.markup.set(own[c], s=styles.marked(int(style) if style.isdigit() else 0, severity))
            else:
                has_own = row.attributes.get("customFormat") in ("1", "true")
                style = row.attributes.get("s", "0") if has_own else "0"
                added.append((c, self._new(r, c, styles.marked(int(style) if style.isdigit() else 0, severity))))
        if added and row.is_empty_tag:
            self.markup.append(row, "".join(text for _, text in added).encode())
            return
        for c, text in added:
            after = next((element for column, element in sorted(own.items()) if column > c), None)
            self.markup.insert(after.start if after else row.close, text.encode())

    def _add_rows(self, rows: list[tuple[int, str]]) -> None:
        if rows and self.body.is_empty_tag:
            self.markup.append(self.body, "".join(text for _, text in rows).encode())
            return
        for r, text in rows:
            after = next((row for number, row in sorted(self.rows.items()) if number > r), None)
            self.markup.insert(after.start if after else self.body.close, text.encode())

    def _new(self, r: int, c: int, style: int) -> str:
        return f'<{self.markup.prefix}c r="{cell_address(r, c)}" s="{style}"/>'

    def _rows(self) -> Iterator[tuple[int, Element]]:
        """Row → its element; rows without a number follow one another."""
        r = -1
        for element in self.markup.named("row", 3):
            number = element.attributes.get("r", "")
            r = int(number) - 1 if number.isdigit() else r + 1
            yield r, element

    def _cells(self, row: Element) -> dict[int, Element]:
        """Column → the cell of a row; cells without an address follow one another."""
        c, cells = -1, {}
        for cell in Markup(self.markup.text(row)).named("c", 2):
            match = ADDRESS.fullmatch(cell.attributes.get("r", "").upper())
            c = place(match[1], match[2])[1] if match else c + 1
            cells[c] = cell.moved(row.start)
        return cells
