"""A deck as a .pptx: slides with native tables and charts on a master, what flows over goes to further slides.

Texts are texts, whatever they begin with. Equal slides give equal bytes: times in the file are those of `known_at`.
"""

from __future__ import annotations

import copy
import datetime as dt
import io
import re
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from pptx.enum.shapes import PP_PLACEHOLDER
from pptx.presentation import Presentation as Deck
from pptx.slide import Slide as Made
from pptx.util import Inches, Pt

from documents.writing.deck_chart import Chart, draw_chart
from documents.writing.deck_letters import lines_of
from documents.writing.deck_table import DIM, LEADING, Area, Table, band_colours, draw_table, split
from documents.writing.deck_template import body_layout, open_template, title_layout

FOOTERS = (PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER)
MARGIN, GAP = Inches(0.5), Inches(0.12)
STATE_HEIGHT, CARDS_HEIGHT, NOTE_HEIGHT = Inches(0.3), Inches(1.35), Inches(0.3)
NOTE_SIZE = 10
CREATED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*(<)")
MODIFIED_AT = (1980, 1, 1, 0, 0, 0)
"""What every member of the package says of its time."""


@dataclass(frozen=True)
class Card:
    """A figure in large letters, and what it is; coloured by a band."""

    figure: str
    words: str
    band: str = ""


@dataclass(frozen=True)
class Slide:
    """A slide: its title, how complete and final it is, cards, a table, a chart, lines of text, a remark below, what
    the speaker's notes say. A table that is too long goes on over further slides with the same title."""

    title: str
    state: str = ""
    cards: Sequence[Card] = ()
    table: Table | None = None
    chart: Chart | None = None
    lines: Sequence[str] = ()
    remark: str = ""
    notes: str = ""


@dataclass(frozen=True)
class Slides:
    """A deck: the title slide, the others, and what stands in each footer. `known_at` is the moment of the figures."""

    title: str
    subtitle: str
    footer: str
    slides: Sequence[Slide]
    known_at: dt.datetime
    notes: str = ""
    template: Path | None = None
    author: str = field(default="profmin")


def write_deck(slides: Slides) -> bytes:
    """The .pptx. Raises UnfitTemplate."""
    deck = open_template(slides.template)
    first = deck.slides.add_slide(title_layout(deck))
    texts = [shape for shape in first.placeholders if shape.placeholder_format.type not in FOOTERS]
    for shape, text in zip(texts, (slides.title, slides.subtitle), strict=False):
        shape.text_frame.text = text
    _end(first, slides.footer, slides.notes)
    for slide in slides.slides:
        _add(deck, slide, slides.footer)
    core = deck.core_properties
    core.title, core.author, core.last_modified_by, core.language = slides.title, slides.author, slides.author, "ru-RU"
    core.revision = 1
    core.created = core.modified = slides.known_at.astimezone(dt.UTC).replace(tzinfo=None, microsecond=0)
    data = io.BytesIO()
    deck.save(data)
    return steady(data.getvalue())


def steady(package: bytes) -> bytes:
    """The same package without the time at which it was written; so are the workbooks behind its charts."""
    data = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(package)) as written, zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as again:
        for name in written.namelist():
            member = written.read(name)
            if name.endswith(".xlsx"):
                member = steady(CREATED.sub(rb"\g<1>2000-01-01T00:00:00Z\g<2>", member))
            elif name == "docProps/core.xml" and "xl/workbook.xml" in written.namelist():
                member = CREATED.sub(rb"\g<1>2000-01-01T00:00:00Z\g<2>", member)
            info = zipfile.ZipInfo(name, MODIFIED_AT)
            info.compress_type, info.external_attr = zipfile.ZIP_DEFLATED, 0o600 << 16
            again.writestr(info, member)
    return data.getvalue()


def _add(deck: Deck, slide: Slide, footer: str) -> None:
    """Add a slide, and further ones while its table goes on."""
    rest: Slide | None = slide
    number = 1
    while rest is not None:
        made = deck.slides.add_slide(body_layout(deck))
        if made.shapes.title is not None:
            made.shapes.title.text_frame.text = rest.title if number == 1 else f"{rest.title} ({number})"
        rest = _fill(made, rest, _free(deck, made))
        _end(made, footer, slide.notes)
        number += 1


def _free(deck: Deck, made: Made) -> Area:
    """What of a slide is free: between its title and its footer."""
    title = made.shapes.title
    top = (title.top + title.height if title is not None else Inches(0.8)) + GAP
    feet = [shape.top for shape in made.slide_layout.placeholders if shape.placeholder_format.type in FOOTERS]
    bottom = min(feet, default=(deck.slide_height or 0) - Inches(0.45)) - GAP // 2
    return Area(MARGIN, top, (deck.slide_width or 0) - 2 * MARGIN, bottom - top)


def _fill(made: Made, slide: Slide, area: Area) -> Slide | None:
    """Write on a slide what stands on it; returns what goes on on the next."""
    if slide.state:
        write_text(made, area.upper(STATE_HEIGHT), slide.state, 11, is_dim=True)
        area = area.below(STATE_HEIGHT)
    if slide.cards:
        for place, card in zip(area.upper(CARDS_HEIGHT).columns(len(slide.cards), GAP), slide.cards, strict=True):
            _draw_card(made, place, card)
        area = area.below(CARDS_HEIGHT + GAP)
    for line in slide.lines:
        write_text(made, area.upper(Inches(0.4)), line, 14)
        area = area.below(Inches(0.4))
    if slide.remark:
        height = _note_height(slide.remark, area)
        write_text(made, area.lower(height), slide.remark, NOTE_SIZE, is_dim=True)
        area = area.above(height)
    if slide.chart is not None:
        beside = area if slide.table is None else area.columns_of(slide.chart.share, GAP)[1]
        draw_chart(made, beside, slide.chart)
        if slide.table is not None:
            area = area.columns_of(slide.chart.share, GAP)[0]
    if slide.table is None:
        return None
    now, later = split(slide.table, area)
    draw_table(made, area, now)
    return None if later is None else replace(slide, table=later, chart=None, cards=(), lines=())


def _note_height(text: str, area: Area) -> int:
    """Of a remark, which may take several lines."""
    more = lines_of(text, (area.width - Pt(4)) / Pt(NOTE_SIZE)) - 1
    return int(NOTE_HEIGHT + more * Pt(NOTE_SIZE) * LEADING)


def write_text(made: Made, area: Area, text: str, size: int, *, is_dim: bool = False, is_bold: bool = False) -> None:
    """A box with a text that wraps."""
    box = made.shapes.add_textbox(area.left, area.top, area.width, area.height)
    frame = box.text_frame
    frame.word_wrap = True
    frame.margin_left = frame.margin_right = frame.margin_top = frame.margin_bottom = Pt(2)
    frame.text = text
    for paragraph in frame.paragraphs:
        paragraph.font.size, paragraph.font.bold = Pt(size), is_bold
        if is_dim:
            paragraph.font.color.rgb = DIM


def _draw_card(made: Made, area: Area, card: Card) -> None:
    ground, letters = band_colours(card.band)
    box = made.shapes.add_textbox(area.left, area.top, area.width, area.height)
    box.fill.solid()
    box.fill.fore_color.rgb = ground
    frame = box.text_frame
    frame.word_wrap = True
    frame.text = card.figure
    frame.add_paragraph().text = card.words
    for paragraph, size in zip(frame.paragraphs, (30, 12), strict=False):
        paragraph.font.size, paragraph.font.bold = Pt(size), size > 12
        paragraph.font.color.rgb = letters


def _end(made: Made, footer: str, notes: str) -> None:
    """The footer and the number of a slide, as its layout places them, and the speaker's notes."""
    for shape in made.slide_layout.placeholders:
        if shape.placeholder_format.type in FOOTERS:
            made.shapes._spTree.append(copy.deepcopy(shape._element))
    for shape in made.placeholders:
        if shape.placeholder_format.type == PP_PLACEHOLDER.FOOTER:
            shape.text_frame.text = footer
            shape.text_frame.paragraphs[0].font.size = Pt(10)
    if notes:
        frame = made.notes_slide.notes_text_frame
        if frame is not None:
            frame.text = notes
