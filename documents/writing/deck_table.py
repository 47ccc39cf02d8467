"""Tables of a deck: native, as wide as their place, long ones split so that each part fits a slide."""

from __future__ import annotations

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

from documents.writing.deck_letters import ARIAL, lines_of, plain, widest_word, width_of
from documents.writing.mart_xlsx import BAND_COLOURS

DIM = RGBColor(0x59, 0x59, 0x59)
HEAD, LETTERS = RGBColor(0x1F, 0x38, 0x64), RGBColor(0x20, 0x20, 0x20)
WHITE, STRIPE, LAST = RGBColor(0xFF, 0xFF, 0xFF), RGBColor(0xF3, 0xF6, 0xFB), RGBColor(0xD9, 0xE2, 0xF3)
SIZES = (16, 14, 12, 11, 10, 9)
"""Sizes of letters: the largest at which a table fits its place with whole words; one that never does is split."""
SPLIT_SIZE = 10
LARGE, FEW_LINES = 12, 3
"""Letters are larger than this only where no cell has more lines than these."""
WIDEST = 26.0
"""How wide a text wants to be at most, of the size of its letters."""
MOST_LINES, LONGEST = 8, 400
"""Lines of a cell, and letters of one, after which it is cut."""
PAD = Pt(5)
LEADING = 1.2
"""From line to line, of the size of letters."""
SLACK = 0.01
"""What a width loses when it is rounded to whole EMU, of the size of letters."""


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
    """Headings, rows and a last row that sums up; `texts` say which columns are no figures, `size` that of the largest
    letters, points."""

    headings: Sequence[str]
    rows: Sequence[Sequence[Cell]]
    texts: Sequence[bool]
    total: Sequence[Cell] | None = None
    size: int = SIZES[0]

    @cached_property
    def lines(self) -> list[Sequence[Cell]]:
        """Headings, rows and the last one."""
        return [[Cell(heading) for heading in self.headings], *self.rows, *([self.total] if self.total else [])]

    def is_bold(self, number: int) -> bool:
        """Is a line of it written in bold letters? The headings and the last row are."""
        return number == 0 or (self.total is not None and number == len(self.rows) + 1)

    @cached_property
    def least(self) -> list[float]:
        """How wide each column is at least so that no word breaks, of the size of letters."""
        return [
            max(widest_word(line[place].text, is_bold=self.is_bold(number)) for number, line in enumerate(self.lines))
            for place in range(len(self.headings))
        ]

    @cached_property
    def wanted(self) -> list[float]:
        """How wide each column wants to be: as its longest value, of a heading as its longest word."""
        values = [(line, self.is_bold(number)) for number, line in enumerate(self.lines) if number]
        return [
            max(least, *(min(width_of(line[place].text, is_bold=bold), WIDEST) for line, bold in values), 3.0)
            for place, least in enumerate(self.least)
        ]


def band_colours(band: str) -> tuple[RGBColor, RGBColor]:
    """Ground and letters of a band; plain ones without."""
    ground, letters = BAND_COLOURS.get(band, ("#F3F6FB", "#202020"))
    return RGBColor.from_string(ground[1:]), RGBColor.from_string(letters[1:])


def split(table: Table, area: Area) -> tuple[Table, Table | None]:
    """What of a table fits a place, in letters as large as fit, and the rest in letters of the same size; a row at
    least. The last two parts are as long as each other."""
    for size in (each for each in SIZES if each <= table.size):
        sized = replace(table, size=size)
        if sum(_heights(sized, area)) <= area.height and (size == SIZES[-1] or _reads_well(sized, area)):
            return sized, None
    table = replace(table, size=min(SPLIT_SIZE, table.size))
    heading, *heights = _heights(table, area)
    room, fitting = area.height - heading, 0
    while fitting < len(table.rows) and heights[fitting] <= room:
        room -= heights[fitting]
        fitting += 1
    fitting = max(1, min(fitting, len(table.rows) - 1))
    if len(table.rows) < 2 * fitting:
        fitting = -(-len(table.rows) // 2)
    return replace(table, rows=table.rows[:fitting], total=None), replace(table, rows=table.rows[fitting:])


def _reads_well(table: Table, area: Area) -> bool:
    """Has every column room for its longest word, and has no cell too many lines for large letters?"""
    if sum(table.least) * Pt(table.size) + 2 * PAD * len(table.least) > area.width:
        return False
    return table.size <= LARGE or max(_heights(table, area)) <= _height(table.size, FEW_LINES)


def draw_table(made: Made, area: Area, table: Table) -> None:
    """Write a table that fits its place."""
    heading, *rows = table.lines
    frame = made.shapes.add_table(len(rows) + 1, len(table.headings), area.left, area.top, area.width, Pt(10))
    drawn = frame.table
    for column, width in zip(drawn.columns, _widths(table, area), strict=True):
        column.width = width
    rooms = _rooms(table, area)
    heights = _heights(table, area, ARIAL)
    made_so_far: dict[Style, Any] = {}
    for number, (row, line) in enumerate(zip((heading, *rows), drawn.rows, strict=True)):
        is_total = table.is_bold(number) and number > 0
        line.height = heights[number]
        for place, (cell, blank) in enumerate(zip(row, line.cells, strict=True)):
            ground, letters = band_colours(cell.band)
            if not cell.band:
                ground, letters = LAST if is_total else (STRIPE if number % 2 else WHITE), LETTERS
            align = PP_ALIGN.LEFT if table.texts[place] else PP_ALIGN.RIGHT
            if number == 0:
                ground, letters, align = HEAD, WHITE, PP_ALIGN.CENTER
            style = Style(table.size, ground, letters, align, is_bold=table.is_bold(number))
            _write(blank, _cut(cell.text, rooms[place]), style, made_so_far)


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
    """How wide each column is, EMU: none narrower than its longest word where all have room; what is left, by how much
    more each wants, or by how wide it is where all have what they want."""
    room = area.width / Pt(table.size) - 2 * PAD / Pt(table.size) * len(table.least)
    least, wanted = table.least, table.wanted
    if sum(wanted) <= room or sum(least) >= room:
        base = wanted if sum(wanted) <= room else least
        each = [width * room / sum(base) for width in base]
    else:
        more = (room - sum(least)) / (sum(wanted) - sum(least))
        each = [low + (high - low) * more for low, high in zip(least, wanted, strict=True)]
    return [int(width * Pt(table.size) + 2 * PAD) for width in each]


def _rooms(table: Table, area: Area) -> list[float]:
    """How wide a line of each column is, of the size of letters."""
    return [max(1.0, (width - 2 * PAD) / Pt(table.size)) for width in _widths(table, area)]


def _cut(text: str, room: float) -> str:
    """A text in no more lines than a cell has, on one paragraph."""
    shown = plain(text)
    if len(shown) <= LONGEST and lines_of(shown, room) <= MOST_LINES:
        return shown
    shown = shown[: LONGEST - 1]
    while lines_of(f"{shown}…", room) > MOST_LINES:
        shown = shown[:-1]
    return f"{shown.rstrip()}…"


def _heights(table: Table, area: Area, font: float = 1.0) -> list[int]:
    """Of each line, EMU, in a font that is so wide."""
    rooms = [room / font + SLACK for room in _rooms(table, area)]
    return [
        _height(table.size, max(min(lines_of(cell.text, room, is_bold=table.is_bold(number)), MOST_LINES)
                                for cell, room in zip(line, rooms, strict=True)))
        for number, line in enumerate(table.lines)
    ]  # fmt: skip


def _height(size: int, lines: int) -> int:
    """Of so many lines of a size, EMU."""
    return int(lines * Pt(size) * LEADING + Pt(4))
