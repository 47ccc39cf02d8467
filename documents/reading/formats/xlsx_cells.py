"""Sheets of an xlsx read from their XML: those that calamine refuses or tells too little of.

A cell is <c r="B2" s="3" t="e"><f>1/0</f><v>#DIV/0!</v></c>. Its children may come in any order, its address may be
absent, and what stands around the cells may be wrong: only the cells count.
"""

from __future__ import annotations

import datetime as dt
import re
from dataclasses import dataclass, field

from contracts.grid import CellError, Place, Range, Unreadable, Value
from documents.reading.formats.extras import MOST_COLUMNS, MOST_ROWS, walk
from documents.reading.formats.filled import Filled
from documents.reading.formats.number_format import BUILT_IN, Kind, kind_of, shown
from documents.reading.formats.opc import Package

ADDRESS = re.compile(r"\$?([A-Za-z]{1,3})\$?(\d{1,7})")
SIDE = re.compile(r"\$?([A-Za-z]{1,3})?\$?(\d{1,7})?")
ESCAPE = re.compile(r"_x([0-9A-Fa-f]{4})_")
YES = ("1", "true")


@dataclass(frozen=True)
class Shared:
    """What all sheets share: texts, what each cell style makes of a number, and the first day."""

    texts: list[str] = field(default_factory=list)
    kinds: list[Kind | None] = field(default_factory=list)
    is_1904: bool = False


def local(tag: str) -> str:
    """The name of an element without its prefix."""
    return tag.rpartition(":")[2]


def shared_texts(package: Package, member: str) -> list[str]:
    """The texts that cells share, without how they are read aloud (rPh). The counts that the part states do not
    matter."""
    texts: list[str] = []
    pieces: list[str] = []
    depth = {"t": 0, "rPh": 0}

    def start(tag: str, _: dict[str, str]) -> None:
        tag = local(tag)
        if tag == "si":
            pieces.clear()
        elif tag in depth:
            depth[tag] += 1

    def end(tag: str) -> None:
        tag = local(tag)
        if tag == "si":
            texts.append(unescaped("".join(pieces)))
        elif tag in depth:
            depth[tag] -= 1

    def text(piece: str) -> None:
        if depth["t"] and not depth["rPh"]:
            pieces.append(piece)

    walk(package.open(member), start, end, text)
    return texts


def style_kinds(package: Package, member: str) -> list[Kind | None]:
    """What each cell style makes of a number."""
    formats: dict[int, Kind | None] = dict(BUILT_IN)
    kinds: list[Kind | None] = []
    is_cell_style = False

    def start(tag: str, attributes: dict[str, str]) -> None:
        nonlocal is_cell_style
        tag = local(tag)
        if tag == "cellXfs":
            is_cell_style = True
        elif tag == "numFmt" and not kinds:  # those of conditional formats come later and are no cell's own
            formats[int(attributes["numFmtId"])] = kind_of(attributes.get("formatCode", ""))
        elif tag == "xf" and is_cell_style:
            kinds.append(formats.get(int(attributes.get("numFmtId", 0))))

    def end(tag: str) -> None:
        nonlocal is_cell_style
        if local(tag) == "cellXfs":
            is_cell_style = False

    walk(package.open(member), start, end)
    return kinds


def unescaped(text: str) -> str:
    """`_x000D_` is how a workbook writes a character that XML has not."""
    return ESCAPE.sub(lambda match: chr(int(match[1], 16)), text) if "_x" in text else text


def read_cells(package: Package, name: str, member: str, shared: Shared) -> tuple[Filled, list[str]]:
    """The filled cells of a sheet, and notes. Raises Unreadable, and what a damaged part raises (`opc.DAMAGE`)."""
    parser = _SheetParser(name, shared)
    walk(package.open(member), parser.start, parser.end, parser.text)
    return parser.filled, parser.merge()


class _SheetParser:
    """Cells without an address follow one another."""

    def __init__(self, name: str, shared: Shared) -> None:
        self.filled = Filled(name)
        self.shared = shared
        self.row = self.column = -1
        self.type = ""
        self.style = 0
        self.is_formula = self.has_value = False
        self.in_cell = self.aloud = 0
        self.text_of = ""  # the element whose text is collected: v, t or none
        self.pieces: list[str] = []
        self.merges: list[str] = []

    def start(self, tag: str, attributes: dict[str, str]) -> None:
        tag = local(tag)
        if tag == "c":
            self._begin_cell(attributes)
        elif self.in_cell:
            if tag == "v" or (tag == "t" and not self.aloud):
                self.text_of = tag
                self.has_value = self.has_value or tag == "t" or self.type == "str"  # an empty text is a result
            elif tag == "f":
                self.is_formula = True
            elif tag == "is":
                self.has_value = True
            elif tag == "rPh":
                self.aloud += 1
        elif tag == "row":
            self.row = int(attributes.get("r", self.row + 2)) - 1
            self.column = -1
            if attributes.get("hidden") in YES:
                self.filled.extra.hidden_rows.add(self.row, self.row)
        elif tag == "col" and attributes.get("hidden") in YES:
            first, last = int(attributes.get("min", 1)), int(attributes.get("max", 1))
            self.filled.extra.hidden_columns.add(first - 1, min(last, MOST_COLUMNS) - 1)
        elif tag == "mergeCell":
            self.merges.append(attributes.get("ref", ""))

    def _begin_cell(self, attributes: dict[str, str]) -> None:
        self.column += 1
        if address := attributes.get("r"):
            match = ADDRESS.fullmatch(address)
            if not match:
                raise Unreadable("corrupt", "A cell of the workbook has an address that does not exist.")
            self.column, self.row = column_number(match[1]) - 1, int(match[2]) - 1
        self.type = attributes.get("t", "n")
        style = attributes.get("s", "0")
        self.style = int(style) if style.isdecimal() else 0
        self.is_formula = self.has_value = False
        self.in_cell, self.aloud, self.text_of = 1, 0, ""
        self.pieces.clear()

    def text(self, text: str) -> None:
        if self.text_of:
            self.pieces.append(text)

    def end(self, tag: str) -> None:
        if not self.in_cell:
            return
        tag = local(tag)
        if tag == self.text_of:
            self.text_of = ""
        elif tag == "rPh":
            self.aloud -= 1
        elif tag == "c":
            self.in_cell = 0
            self._end_cell((self.row, self.column), "".join(self.pieces))

    def _end_cell(self, place: Place, text: str) -> None:
        if self.row < 0:
            self.row = 0
            place = (0, self.column)
        value = self._value(text, place)
        if value is not None and value != "":
            self.filled.put(*place, value)
        elif self.is_formula and not self.has_value and not text.strip():
            if place[0] >= MOST_ROWS or place[1] >= MOST_COLUMNS:
                raise Unreadable("corrupt", "A formula stands past the end of any sheet.")
            self.filled.extra.unvalued.add(place)

    def _value(self, text: str, place: Place) -> Value:
        kind = self.type
        if kind in ("str", "inlineStr"):
            return unescaped(text)
        stated = text.strip()
        if not stated:
            return None
        if kind == "s":
            at = int(stated)
            if not 0 <= at < len(self.shared.texts):
                raise Unreadable("corrupt", "A cell of the workbook has a text that is not there.")
            return self.shared.texts[at]
        if kind == "b":
            return stated.lower() in YES
        if kind == "e":
            return CellError(stated)
        if kind == "d":
            return _moment_of(stated)
        try:
            number = float(stated)
        except ValueError:
            return unescaped(text)
        style = self.shared.kinds[self.style] if self.style < len(self.shared.kinds) else None
        if style == "percent":
            self.filled.extra.percents.add(place)
        return shown(number, style, self.shared.is_1904)

    def merge(self) -> list[str]:
        """Take over the merged ranges; of a range without rows or columns («A:A», «1:1») what is filled counts."""
        notes = []
        lines = self.filled.lines
        height = max(lines, default=-1)
        width = max((column for line in lines.values() for column in line), default=-1)
        for ref in self.merges:
            merged = _range_of(ref, height, width)
            is_open = merged is not None and not re.fullmatch(r"\D+\d+:\D+\d+", ref)
            if merged is not None and is_open:
                across = range(merged.first_column, merged.last_column + 1)
                down = (r for r in lines if merged.first_row <= r <= merged.last_row)
                if sum(column in lines[r] for r in down for column in across) > 1:
                    merged = None  # what a merge covers is not shown; nobody merges a whole table away
            if merged is None:
                notes.append(f"sheet {self.filled.name!r}: the merged range {ref[:40]!r} is not taken")
            elif (merged.first_row, merged.first_column) != (merged.last_row, merged.last_column):
                self.filled.extra.merged.append(merged)
        return notes


def _range_of(ref: str, last_row: int, last_column: int) -> Range | None:
    """The range that a reference means, in any order of its corners; None for what is no reference."""
    first, _, last = ref.partition(":")
    one, two = SIDE.fullmatch(first), SIDE.fullmatch(last or first)
    if not ref or one is None or two is None or not any((one[1], one[2])) or not any((two[1], two[2])):
        return None
    rows = sorted((int(one[2]) - 1 if one[2] else 0, int(two[2]) - 1 if two[2] else last_row))
    columns = sorted((column_number(one[1]) - 1 if one[1] else 0, column_number(two[1]) - 1 if two[1] else last_column))
    if rows[0] < 0 or columns[0] < 0 or rows[1] >= MOST_ROWS or columns[1] >= MOST_COLUMNS:
        return None
    return Range(rows[0], columns[0], rows[1], columns[1])


def column_number(letters: str) -> int:
    """A is 1, AA is 27."""
    number = 0
    for letter in letters.upper():
        number = number * 26 + ord(letter) - 64
    return number


def _moment_of(iso: str) -> Value:
    """The moment of a cell that keeps it as ISO text; the text when it is none."""
    try:
        at = dt.datetime.fromisoformat(iso.removesuffix("Z"))
    except ValueError:
        return iso
    return at.date() if at.time() == dt.time.min else at
