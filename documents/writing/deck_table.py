"""Tables of a deck: native, as wide as their place, long ones split so that each part fits a slide."""

from __future__ import annotations

import re
from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from pptx.dml.color import RGBColor
from pptx.enum.text import MSO_ANCHOR, PP_ALIGN
from pptx.slide import Slide as Made
from pptx.table import _Cell
from pptx.util import Pt

from documents.writing.mart_xlsx import BAND_COLOURS

DIM = RGBColor(0x59, 0x59, 0x59)
HEAD, LETTERS = RGBColor(0x1F, 0x38, 0x64), RGBColor(0x20, 0x20, 0x20)
WHITE, STRIPE, LAST = RGBColor(0xFF, 0xFF, 0xFF), RGBColor(0xF3, 0xF6, 0xFB), RGBColor(0xD9, 0xE2, 0xF3)
LETTER = 0.55
BOLD_LETTER = 0.64
"""Mean width of a letter, of its size; digits and Cyrillic of Arial."""
SIZES = (14, 12, 11, 10, 9)
"""Sizes of letters: the largest at which a table fits its place; one that never does is split."""
SPLIT_SIZE = 10
WIDEST = 38
MOST_LINES, LONGEST = 4, 400
"""Lines of a cell, and letters of one, after which it is cut."""
PAD = Pt(4)
BLANK = re.compile(r"[ \t\r\n\v\f\u2028\u2029]+")
NO_TEXT = re.compile(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")


@dataclass(frozen=True)
class Area:
    """A rectangle of a slide, EMU."""

    left: int
    top: int
    width: int
    height: int

    def upper(self, height: int) -> Area:
        """Its upper part."""
        return replace(self, height=height)

    def below(self, height: int) -> Area:
        """What is under an upper part."""
        return replace(self, top=self.top + height, height=self.height - height)

    def lower(self, height: int) -> Area:
        """Its lower part."""
        return replace(self, top=self.top + self.height - height, height=height)

    def above(self, height: int) -> Area:
        """What is over a lower part."""
        return replace(self, height=self.height - height)

    def columns(self, count: int, gap: int) -> list[Area]:
        """Columns of one width."""
        width = (self.width - gap * (count - 1)) // count
        return [replace(self, left=self.left + place * (width + gap), width=width) for place in range(count)]

    def columns_of(self, share: float, gap: int) -> tuple[Area, Area]:
        """Two columns, of which the second has a share of the width."""
        right = int(self.width * share)
        return (
            replace(self, width=self.width - right - gap),
            replace(self, left=self.left + self.width - right, width=right),
        )


@dataclass(frozen=True)
class Cell:
    """A text, coloured by a band."""

    text: str
    band: str = ""


@dataclass(frozen=True)
class Table:
    """Headings, rows and a last row that sums up; `texts` say which columns are no figures, `size` is that of letters,
    points."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    texts: Sequence[bool]
    total: Sequence[Cell] | None = None
    size: int = SPLIT_SIZE

    @cached_property
    def lines(self) -> list[Sequence[Cell]]:
        """Headings, rows and the last one."""
        return [[Cell(heading) for heading in self.headings], *self.rows, *([self.total] if self.total else [])]

    @cached_property
    def widths(self) -> list[float]:
        """How wide each column wants to be, letters: a text as its longest value, a figure as its longest word."""
        wanted = []
        for place, is_text in enumerate(self.texts):
            values = [row[place].text for row in self.lines[1:]]
            word = max((len(each) for each in self.headings[place].split()), default=0)
            longest = max((min(len(value), WIDEST) for value in values), default=0)
            wanted.append(float(max(word, longest, 5) + (2 if is_text else 3)))
        return wanted


def band_colours(band: str) -> tuple[RGBColor, RGBColor]:
    """Ground and letters of a band; plain ones without."""
    ground, letters = BAND_COLOURS.get(band, ("#F3F6FB", "#202020"))
    return RGBColor.from_string(ground[1:]), RGBColor.from_string(letters[1:])


def split(table: Table, area: Area) -> tuple[Table, Table | None]:
    """What of a table fits a place, in letters as large as fit, and the rest; a row at least."""
    for size in SIZES:
        sized = replace(table, size=size)
        letters = _letters(sized, area)
        fits = sum(_height(sized, line, letters) for line in sized.lines) <= area.height
        if fits and (size == SIZES[-1] or _has_whole_words(sized, area)):
            return sized, None
    table = replace(table, size=SPLIT_SIZE)
    letters = _letters(table, area)
    heading, *heights = (_height(table, line, letters) for line in table.lines)
    room, fitting = area.height - heading, 0
    while fitting < len(table.rows) and heights[fitting] <= room:
        room -= heights[fitting]
        fitting += 1
    fitting = max(1, min(fitting, len(table.rows) - 1))
    return replace(table, rows=table.rows[:fitting], total=None), replace(table, rows=table.rows[fitting:])


def _has_whole_words(table: Table, area: Area) -> bool:
    """Does no word of a heading break? Headings are bold, which is wider."""
    bold = LETTER / BOLD_LETTER
    return all(
        max(map(len, heading.split()), default=0) <= letters * bold
        for heading, letters in zip(table.headings, _letters(table, area), strict=True)
    )


def draw_table(made: Made, area: Area, table: Table) -> None:
    """Write a table that fits its place."""
    heading, *rows = table.lines
    frame = made.shapes.add_table(len(rows) + 1, len(table.headings), area.left, area.top, area.width, Pt(10))
    drawn = frame.table
    for column, width in zip(drawn.columns, _widths(table, area), strict=True):
        column.width = width
    in_line = _letters(table, area)
    made_so_far: dict[Style, Any] = {}
    for number, (row, line) in enumerate(zip((heading, *rows), drawn.rows, strict=True)):
        is_total = table.total is not None and number == len(rows)
        line.height = _height(table, row, in_line)
        for place, (cell, blank) in enumerate(zip(row, line.cells, strict=True)):
            ground, letters = band_colours(cell.band)
            if not cell.band:
                ground, letters = LAST if is_total else (STRIPE if number % 2 else WHITE), LETTERS
            align = PP_ALIGN.LEFT if table.texts[place] else PP_ALIGN.RIGHT
            if number == 0:
                ground, letters, align = HEAD, WHITE, PP_ALIGN.CENTER
            style = Style(table.size, ground, letters, align, is_bold=is_total or not number)
            _write(blank, _cut(cell.text, in_line[place]), style, made_so_far)


class Style(NamedTuple):
    """How a cell looks."""

    size: int
    ground: RGBColor
    letters: RGBColor
    align: PP_ALIGN
    is_bold: bool


def _write(cell: Any, text: str, style: Style, made: dict[Style, Any]) -> None:
    """Write a text. A cell that looks like one of those `made` is a copy of it: to set each anew takes far longer, and
    slides have thousands."""
    if style not in made:
        _style(cell, style)
        made[style] = deepcopy(cell._tc)
    else:
        cell._tc.getparent().replace(cell._tc, copied := deepcopy(made[style]))
        cell = _Cell(copied, cell._parent)
    (run,) = cell.text_frame.paragraphs[0].runs
    if text:
        run.text = text
    else:
        run._r.getparent().remove(run._r)


def _style(cell: Any, style: Style) -> None:
    cell.margin_left = cell.margin_right = PAD
    cell.margin_top = cell.margin_bottom = Pt(1)
    cell.vertical_anchor = MSO_ANCHOR.MIDDLE
    cell.fill.solid()
    cell.fill.fore_color.rgb = style.ground
    cell.text_frame.text = "?"
    (paragraph,) = cell.text_frame.paragraphs
    paragraph.alignment = style.align
    paragraph.font.size, paragraph.font.bold, paragraph.font.color.rgb = Pt(style.size), style.is_bold, style.letters


def _widths(table: Table, area: Area) -> list[int]:
    whole = sum(table.widths)
    return [int(area.width * width / whole) for width in table.widths]


def _letters(table: Table, area: Area) -> list[int]:
    """How many letters a line of each column takes."""
    return [max(3, int((width - 2 * PAD) / (Pt(table.size) * LETTER))) for width in _widths(table, area)]


def plain(text: str) -> str:
    """A text on one line, without what no document can hold; spaces that keep figures together stay."""
    return NO_TEXT.sub("", BLANK.sub(" ", text)).strip(" ")


def _lines(text: str, letters: int) -> int:
    """In how many lines a text stands, broken between words."""
    lines, room = 1, letters
    for word in text.split():
        if len(word) <= room:
            room -= len(word) + 1
        else:
            lines += 1 if room < letters else 0
            lines += (len(word) - 1) // letters
            room = letters - (len(word) - 1) % letters - 2
    return lines


def _cut(text: str, letters: int) -> str:
    """A text in no more lines than a cell has, on one paragraph."""
    shown = plain(text)
    if len(shown) <= LONGEST and _lines(shown, letters) <= MOST_LINES:
        return shown
    shown = shown[:LONGEST]
    while _lines(f"{shown}…", letters) > MOST_LINES:
        shown = shown[:-1]
    return f"{shown.rstrip()}…"


def _height(table: Table, row: Sequence[Cell], letters: Sequence[int]) -> int:
    """Of a row whose lines take so many letters."""
    lines = max(min(_lines(cell.text, most), MOST_LINES) for cell, most in zip(row, letters, strict=False))
    return int(lines * Pt(table.size) * 1.2 + Pt(4))
